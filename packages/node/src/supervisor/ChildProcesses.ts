/** Starting and killing programs: all that the supervisor wants of the operating system, so that tests can do without it. */
import * as Context from "effect/Context"
import { type ChildProcess, spawn } from "node:child_process"
import type { Duplex } from "node:stream"
import type { BoundSockets } from "./BoundSockets.ts"

/** A program to start. */
export interface ChildCommand {
  readonly file: string
  readonly args: ReadonlyArray<string>
  readonly environment: Readonly<Record<string, string | undefined>>
  /**
   * What its descriptors are, from 0 on: nothing (`ignore`), what it is here (`inherit`), this process's descriptor of a
   * number, Node's channel for messages (`ipc`) or a pipe that is read here. At most one of the last two.
   */
  readonly descriptors: ReadonlyArray<"ignore" | "inherit" | "ipc" | "pipe" | number>
  /** What it finds in the pipe. */
  readonly pipeText?: string
}

/** Listening sockets that programs are started with. */
export type InheritableSockets = Pick<BoundSockets, "descriptors" | "reuse" | "reuseFiles" | "reuseForeign">

/** Where the sockets begin in a program: after the standard descriptors and what connects it with this process. */
const firstDescriptor = 4

/** As what a program finds the sockets, which so many others come before. */
export const descriptorsThere = (
  { descriptors }: Pick<InheritableSockets, "descriptors">,
  others = 0
): ReadonlyArray<number> => descriptors.map((_, index) => firstDescriptor + others + index)

/** Who is told about a program. Everything is told in a later turn than the one that started it. */
export interface ChildListener {
  /** A message, or a piece of the text that it has written into the pipe. */
  readonly onMessage: (message: unknown) => void
  /** It could not be started; its exit follows. */
  readonly onFailure: (reason: string) => void
  /** Once, also for a program that could not be started: then without code and signal. */
  readonly onExit: (code: number | null, signal: string | null) => void
  /** Once, when no more messages can come, all of which have been told by then; of a program with a channel only. */
  readonly onDisconnect?: () => void
}

export type KillSignal = "SIGTERM" | "SIGKILL"

/** A program that was started. All of this does nothing when it has ended. */
export interface Child {
  /** Nothing when it could not be started. */
  readonly pid: number | undefined
  /** Sends a message; `onSent` is called when the system has taken it, or never will. */
  readonly send: (message: object, onSent?: () => void) => void
  /** Writes into the pipe; `onWritten` is called when the system has taken it, or never will. */
  readonly write: (text: string, onWritten?: () => void) => void
  readonly kill: (signal: KillSignal) => void
}

/** Starts programs. */
export const ChildProcesses: Context.Reference<{
  readonly start: (command: ChildCommand, listener: ChildListener) => Child
}> = Context.Reference("@pagi/node/ChildProcesses", { defaultValue: () => ({ start }) })

const start = ({ args, descriptors, environment, file, pipeText }: ChildCommand, listener: ChildListener): Child => {
  let hasExited = false
  const exit = (code: number | null, signal: string | null): void => {
    if (hasExited) return
    hasExited = true
    listener.onExit(code, signal)
  }
  const fail = (error: unknown): void => {
    listener.onFailure(error instanceof Error ? error.message : String(error))
    exit(null, null)
  }
  let child: ChildProcess
  try {
    child = spawn(file, args, { env: environment, stdio: [...descriptors] })
  } catch (error) {
    // Some of the system's refusals are thrown, others emitted.
    process.nextTick(fail, error)
    return notStarted
  }
  child.on("error", (error) => {
    // Of a program that runs it tells that a signal or a message could not be sent, and its exit follows or comes later.
    if (child.pid === undefined) fail(error)
  })
  child.on("exit", exit)
  child.on("message", listener.onMessage)
  child.on("disconnect", () => listener.onDisconnect?.())
  const pipe = usePipe(child, descriptors.indexOf("pipe"), pipeText, listener.onMessage)
  return {
    pid: child.pid,
    send: (message, onSent = () => {}) => {
      if (child.connected) child.send(message, onSent)
      else onSent()
    },
    write: (text, onWritten = () => {}) => {
      if (pipe === undefined || pipe.destroyed) onWritten()
      else pipe.write(text, onWritten)
    },
    kill: (signal) => void child.kill(signal)
  }
}

const notStarted: Child = {
  pid: undefined,
  send: (_message, onSent) => onSent?.(),
  write: (_text, onWritten) => onWritten?.(),
  kill: () => {}
}

const usePipe = (
  child: ChildProcess,
  descriptor: number,
  text: string | undefined,
  onText: (text: string) => void
): Duplex | undefined => {
  // Declared for any stdio; a pipe is both ways. There are none at all when the system had no descriptors left.
  const pipe = (child.stdio as ChildProcess["stdio"] | undefined)?.[descriptor] as Duplex | null | undefined
  if (pipe === null || pipe === undefined) return undefined
  // It ends with the program, whose exit is told.
  pipe.on("error", () => {})
  if (text !== undefined) pipe.write(text)
  pipe.on("data", (bytes: Buffer) => onText(bytes.toString("latin1")))
  return pipe
}
