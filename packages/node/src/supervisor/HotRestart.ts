/**
 * How a server hands over to its successor: a process that is started with the same command line and finds the listening
 * sockets open. It says in a pipe that it is ready, and then stops its predecessor by SIGTERM.
 */
import * as Effect from "effect/Effect"
import { closeSync, readSync, writeSync } from "node:fs"
import { codeOf } from "../accept/ListenError.ts"
import * as TicketSecrets from "../tls/TicketSecrets.ts"
import {
  type Child,
  type ChildCommand,
  type ChildListener,
  descriptorsThere,
  type InheritableSockets,
  type KillSignal
} from "./ChildProcesses.ts"

/** The command line of a server. */
export interface SuccessorProgram {
  readonly file: string
  readonly args: ReadonlyArray<string>
  /** What it finds in its environment beside what this process has and what concerns the handover. */
  readonly environment?: Readonly<Record<string, string>>
}

/** What a successor writes. */
const readiness = "ready\n"

/** The descriptor after the standard ones. */
const pipe = 3

/** What a successor is started with. */
export interface Heritage {
  readonly sockets: InheritableSockets
  /** That of the admin listener, if there is one. */
  readonly admin?: InheritableSockets | undefined
  readonly tickets: TicketSecrets.TicketKeyring | undefined
  /** How many workers there are, as `WorkerNumbers` writes it. */
  readonly workers: string
  /** Where workers reach each other, in which its own are to meet those of this process. */
  readonly folder: string
  /** Whether there is a cluster of the workers, whose socket is there then, or back in a moment. */
  readonly hasCluster: boolean
}

const socketVariables = (sockets: InheritableSockets, admin: InheritableSockets | undefined) => {
  const there = descriptorsThere(sockets)
  const adminThere = descriptorsThere(admin ?? { descriptors: [] }, there.length)
  const join = (...texts: ReadonlyArray<string | undefined>) =>
    texts.filter((text) => text !== undefined && text !== "").join(",")
  return {
    PAGI_REUSE: sockets.reuse(there),
    PAGI_REUSE_FILES: join(sockets.reuseFiles(there), admin?.reuseFiles(adminThere)),
    PAGI_REUSE_FOREIGN: join(sockets.reuseForeign(there), admin?.reuseForeign(adminThere)),
    ...(admin === undefined ? {} : { PAGI_REUSE_ADMIN: admin.reuse(adminThere) })
  }
}

/** How a successor is started. */
export const commandOf = (
  program: SuccessorProgram,
  { admin, folder, hasCluster, sockets, tickets, workers }: Heritage
): ChildCommand => ({
  file: program.file,
  args: program.args,
  environment: {
    ...process.env,
    ...program.environment,
    ...socketVariables(sockets, admin),
    PAGI_REUSE_WORKERS: workers,
    PAGI_REUSE_POOL: folder,
    ...(hasCluster ? { PAGI_REUSE_CLUSTER: "1" } : {}),
    PAGI_MASTER_PID: String(process.pid),
    PAGI_READY_FD: String(pipe),
    // What is secret goes through the pipe: other processes of the user could read it here.
    ...(tickets === undefined ? {} : { PAGI_TICKETS_FD: String(pipe) })
  },
  descriptors: ["inherit", "inherit", "inherit", "pipe", ...sockets.descriptors, ...(admin?.descriptors ?? [])],
  ...(tickets === undefined ? {} : { pipeText: TicketSecrets.write(tickets) })
})

/** Bytes; what a predecessor writes is much shorter. */
const longestText = 1024

/**
 * The secrets of TLS sessions that a predecessor has written into the pipe before this process began; new ones when it
 * has ended, or there was none.
 */
export const readTickets = (descriptor: number | undefined): TicketSecrets.TicketKeyring => {
  if (descriptor === undefined) return new TicketSecrets.TicketKeyring()
  const buffer = Buffer.alloc(longestText)
  let length = 0
  try {
    while (length < longestText && !buffer.subarray(0, length).includes("\n")) {
      const count = readSync(descriptor, buffer, length, longestText - length, null)
      if (count === 0) break
      length += count
    }
  } catch {
    // Not open, or no pipe.
  }
  return TicketSecrets.read(buffer.toString("latin1", 0, length))
}

/** Who is told about a successor. */
export interface SuccessorListener {
  /** Once at most, and before its exit. */
  readonly onReady: () => void
  readonly onFailure: (reason: string) => void
  /** Once. */
  readonly onExit: (code: number | null, signal: string | null) => void
}

/** A process that is to take over. */
export class SuccessorHandle {
  #text = ""
  readonly #child: Child

  constructor(start: (listener: ChildListener) => Child, { onExit, onFailure, onReady }: SuccessorListener) {
    this.#child = start({
      onMessage: (text) => {
        if (this.isReady) return
        // Whatever else comes is forgotten.
        this.#text = `${this.#text}${String(text)}`.slice(0, readiness.length)
        if (this.isReady) onReady()
      },
      onFailure,
      onExit
    })
  }

  /** Whether it has said so. */
  get isReady(): boolean {
    return this.#text === readiness
  }

  get pid(): number | undefined {
    return this.#child.pid
  }

  /** Writes into the pipe, in which it reads once it is ready. */
  write(text: string, onWritten: () => void): void {
    this.#child.write(text, onWritten)
  }

  kill(signal: KillSignal): void {
    this.#child.kill(signal)
  }
}

/** What a process knows of the one that it is to take over from. */
export interface Predecessor {
  /** `PAGI_MASTER_PID` */
  readonly masterPid: number | undefined
  /** `PAGI_READY_FD` */
  readonly readyDescriptor: number | undefined
  /** Whether the descriptor stays open, as the predecessor is to tell something more. */
  readonly keepsOpen?: boolean
}

/** What is done to the predecessor, as a seam for tests. */
export interface PredecessorProcess {
  readonly parentPid: () => number
  readonly tell: (descriptor: number, text: string, keepsOpen: boolean) => void
  readonly stop: (pid: number) => void
}

const predecessorProcess: PredecessorProcess = {
  parentPid: () => process.ppid,
  tell: (descriptor, text, keepsOpen) => {
    writeSync(descriptor, text)
    if (!keepsOpen) closeSync(descriptor)
  },
  stop: (pid) => void process.kill(pid, "SIGTERM")
}

/** Whether there was somebody to read it. */
const hasTold = (system: PredecessorProcess, descriptor: number, keepsOpen: boolean): boolean => {
  try {
    system.tell(descriptor, readiness, keepsOpen)
    return true
  } catch (error) {
    if (codeOf(error) === "EPIPE") return false
    throw error
  }
}

/** Tells the predecessor, if there is one, that this process has taken over, and stops it. */
export const takeOver = (
  { keepsOpen = false, masterPid, readyDescriptor }: Predecessor,
  system: PredecessorProcess = predecessorProcess
): Effect.Effect<void> => {
  if (masterPid === undefined) return Effect.void
  const hasEnded = "it has ended already"
  const attempt = Effect.try({
    try: () => {
      // First: it stops for good only when it knows that somebody goes on.
      if (readyDescriptor !== undefined && !hasTold(system, readyDescriptor, keepsOpen)) return hasEnded
      // Its number may be that of another process once it has ended.
      if (system.parentPid() !== masterPid) return hasEnded
      system.stop(masterPid)
      return undefined
    },
    catch: codeOf
  })
  return Effect.matchEffect(attempt, {
    onFailure: (code) => Effect.logError(`process ${masterPid}, which this one takes over from, was not told: ${code}`),
    onSuccess: (problem) =>
      problem === undefined
        ? Effect.logInfo(`taking over from process ${masterPid}`)
        : Effect.logWarning(`nothing to take over from process ${masterPid}: ${problem}`)
  })
}
