/**
 * Listening sockets that somebody else has opened and that the process was started with: systemd's socket activation
 * (`LISTEN_FDS`, sd_listen_fds(3)), and a server that hands over to its successor or has workers (`PAGI_REUSE`). This
 * module reads what the environment says about them and about the process that left them; `AdoptedListeners` makes
 * listeners of them.
 */
import * as Context from "effect/Context"
import { isNumber, isObject, isString } from "effect/Predicate"
import type { InheritedSocket } from "./InheritedSocket.ts"
import * as ReuseText from "./ReuseText.ts"

/** What a worker's parent has started it for. */
export interface WorkerAssignment {
  /** The place that it takes in the pool, from 1 on. */
  readonly num: number
  /** How many the pool has, as far as it is known; without end, if nobody has said. */
  readonly workers: number
  /** Where workers reach each other, a name that the supervisor has made (`PoolFolder`). */
  readonly folder: string | undefined
  /** What its program has to know besides. */
  readonly payload: unknown
}

/** What an environment says. */
export interface Inheritance {
  readonly sockets: ReadonlyArray<InheritedSocket>
  /** The one of the admin listener (`PAGI_REUSE_ADMIN`, which is written as `PAGI_REUSE` is); none or one. */
  readonly admin: ReadonlyArray<InheritedSocket>
  /** What could not be understood, to be logged. */
  readonly problems: ReadonlyArray<string>
  /** The process that waits for this one to be ready before it ends (`PAGI_MASTER_PID`). */
  readonly masterPid: number | undefined
  /** Where that process reads that this one is ready (`PAGI_READY_FD`). */
  readonly readyDescriptor: number | undefined
  /** Where that process has written the secrets of its TLS sessions (`PAGI_TICKETS_FD`). */
  readonly ticketsDescriptor: number | undefined
  /** How many workers that process has (`PAGI_REUSE_WORKERS`), as `WorkerNumbers` writes it. */
  readonly workers: string | undefined
  /** Where the workers of that process reach each other (`PAGI_REUSE_POOL`), and so do those of this one. */
  readonly pool: string | undefined
  /** Whether that process keeps a cluster of its workers (`PAGI_REUSE_CLUSTER`). */
  readonly hasCluster: boolean
  /** What this process is a worker for (`PAGI_WORKER`). */
  readonly worker: WorkerAssignment | undefined
}

export const none: Inheritance = {
  sockets: [],
  admin: [],
  problems: [],
  masterPid: undefined,
  readyDescriptor: undefined,
  ticketsDescriptor: undefined,
  workers: undefined,
  pool: undefined,
  hasCluster: false,
  worker: undefined
}

type Environment = Record<string, string | undefined>

/** The variables by which processes of a server, and systemd, tell what this one has inherited. */
export const variables = [
  "LISTEN_FDS",
  "LISTEN_PID",
  "LISTEN_FDNAMES",
  "PAGI_REUSE",
  "PAGI_REUSE_ADMIN",
  "PAGI_REUSE_CLUSTER",
  "PAGI_REUSE_FILES",
  "PAGI_REUSE_FOREIGN",
  "PAGI_REUSE_POOL",
  "PAGI_REUSE_WORKERS",
  "PAGI_MASTER_PID",
  "PAGI_READY_FD",
  "PAGI_TICKETS_FD",
  "PAGI_WORKER"
] as const

const { firstDescriptor } = ReuseText

/** More is no number of sockets, and must not be counted to. */
const maxSockets = 1024

/** Reads what an environment says to the process `pid`, and removes it, so that no child process believes it. */
export const take = (environment: Environment, pid: number): Inheritance => {
  if (variables.every((name) => environment[name] === undefined)) return none
  const taken = { ...environment }
  for (const name of variables) delete environment[name]
  const problems: Array<string> = []
  const sockets = [
    ...ReuseText.read([taken["PAGI_REUSE"], taken["PAGI_REUSE_FILES"], taken["PAGI_REUSE_FOREIGN"]], problems),
    ...readSystemd(taken, pid, problems)
  ]
  const isFirst = ({ descriptor }: InheritedSocket, index: number): boolean =>
    sockets.findIndex((other) => other.descriptor === descriptor) === index
  return {
    sockets: sockets.filter(isFirst),
    admin: ReuseText.read(
      [taken["PAGI_REUSE_ADMIN"], taken["PAGI_REUSE_FILES"], taken["PAGI_REUSE_FOREIGN"]],
      []
    ).slice(0, 1),
    problems,
    masterPid: predecessorOf(taken, problems),
    readyDescriptor: readNumber(["PAGI_READY_FD", firstDescriptor, "descriptor"], taken, problems),
    ticketsDescriptor: readNumber(["PAGI_TICKETS_FD", firstDescriptor, "descriptor"], taken, problems),
    workers: taken["PAGI_REUSE_WORKERS"],
    pool: taken["PAGI_REUSE_POOL"],
    hasCluster: taken["PAGI_REUSE_CLUSTER"] === "1",
    worker: readWorker(taken["PAGI_WORKER"], problems)
  }
}

/** The process whose place this one is to take, as an environment has it that is not taken yet (`PAGI_MASTER_PID`). */
export const predecessorOf = (environment: Environment, problems: Array<string> = []): number | undefined =>
  readNumber(["PAGI_MASTER_PID", 2, "process"], environment, problems)

const isDigits = (text: string): boolean => /^\d{1,9}$/.test(text)

/** A number of at least `minimum` in a variable, of what it should be. */
const readNumber = (
  [name, minimum, what]: readonly [name: string, minimum: number, what: string],
  { [name]: text }: Environment,
  problems: Array<string>
): number | undefined => {
  if (text === undefined || text === "") return undefined
  if (isDigits(text) && Number(text) >= minimum) return Number(text)
  problems.push(`${name} is ignored: ${JSON.stringify(text)} is not the number of a ${what}`)
  return undefined
}

const readWorker = (text: string | undefined, problems: Array<string>): WorkerAssignment | undefined => {
  if (text === undefined || text === "") return undefined
  try {
    const value: unknown = JSON.parse(text)
    if (isObject(value) && "num" in value && Number.isSafeInteger(value.num)) {
      return {
        num: Number(value.num),
        workers: "workers" in value && isNumber(value.workers) ? value.workers : Number.POSITIVE_INFINITY,
        folder: "folder" in value && isString(value.folder) ? value.folder : undefined,
        payload: "payload" in value ? value.payload : undefined
      }
    }
  } catch {
    // No JSON is as wrong as another value.
  }
  // Without the text, which may have secrets of the application.
  problems.push("PAGI_WORKER is ignored: servers set it for their workers; the option is PAGI_WORKERS")
  return undefined
}

const readSystemd = (
  { LISTEN_FDNAMES, LISTEN_FDS, LISTEN_PID }: Environment,
  pid: number,
  problems: Array<string>
): ReadonlyArray<InheritedSocket> => {
  if (LISTEN_FDS === undefined || LISTEN_FDS === "") return []
  const count = isDigits(LISTEN_FDS) ? Number(LISTEN_FDS) : Number.NaN
  if (!(count <= maxSockets)) {
    problems.push(`LISTEN_FDS is ignored: ${JSON.stringify(LISTEN_FDS)} is not a number of sockets`)
    return []
  }
  if (LISTEN_PID !== String(pid)) {
    const meant = LISTEN_PID === undefined ? "LISTEN_PID is not set" : `meant for process ${JSON.stringify(LISTEN_PID)}`
    problems.push(`LISTEN_FDS is ignored: ${meant}, and this is process ${pid}`)
    return []
  }
  const names = LISTEN_FDNAMES?.split(":") ?? []
  return Array.from({ length: count }, (_, index) => ({
    descriptor: firstDescriptor + index,
    source: "LISTEN_FDS" as const,
    isForeign: true,
    name: names[index] || undefined
  }))
}

/** Gives each thing that was inherited once. */
export interface InheritedSocketsService {
  /** All that nobody has claimed yet. */
  readonly claim: () => Inheritance
}

/** For a server whose program has claimed before it and looked at what there is. */
export const passOn = (inheritance: Inheritance): InheritedSocketsService => {
  let unclaimed = inheritance
  return {
    claim: () => {
      const claimed = unclaimed
      unclaimed = none
      return claimed
    }
  }
}

/**
 * What this process has inherited. The environment is read and cleaned when somebody asks for the first time; a program
 * that starts other programs before it starts a server should ask before.
 */
export const InheritedSockets: Context.Reference<InheritedSocketsService> = Context.Reference(
  "@pagi/node/InheritedSockets",
  {
    defaultValue: () => passOn(take(process.env, process.pid))
  }
)
