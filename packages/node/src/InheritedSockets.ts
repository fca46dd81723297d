/**
 * Listening sockets that somebody else has opened and that the process was started with: systemd's socket activation
 * (`LISTEN_FDS`, sd_listen_fds(3)) and a server that hands over to its successor (`PAGI_REUSE`). This module reads what
 * the environment says about them; `AdoptedListeners` makes listeners of them.
 */
import * as Context from "effect/Context"

/** A file descriptor that should be a listening socket. */
export interface InheritedSocket {
  readonly descriptor: number
  readonly source: "LISTEN_FDS" | "PAGI_REUSE"
  /** What its opener calls it: systemd's name, or the address under which the other server was set up. */
  readonly name: string | undefined
}

/** What an environment says. */
export interface Inheritance {
  readonly sockets: ReadonlyArray<InheritedSocket>
  /** What could not be understood, to be logged. */
  readonly problems: ReadonlyArray<string>
  /** The process that waits for this one to be ready before it ends (`PAGI_MASTER_PID`). */
  readonly masterPid: number | undefined
}

const none: Inheritance = { sockets: [], problems: [], masterPid: undefined }

type Environment = Record<string, string | undefined>

const variables = ["LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES", "PAGI_REUSE", "PAGI_MASTER_PID"] as const

/** Where systemd's descriptors begin. */
const firstDescriptor = 3

/** More is no number of sockets, and must not be counted to. */
const maxSockets = 1024

/** Reads what an environment says to the process `pid`, and removes it, so that no child process believes it. */
export const take = (environment: Environment, pid: number): Inheritance => {
  if (variables.every((name) => environment[name] === undefined)) return none
  const { LISTEN_FDNAMES, LISTEN_FDS, LISTEN_PID, PAGI_MASTER_PID, PAGI_REUSE } = environment
  for (const name of variables) delete environment[name]
  const problems: Array<string> = []
  const sockets = [
    ...readReuse(PAGI_REUSE, problems),
    ...readSystemd({ LISTEN_FDNAMES, LISTEN_FDS, LISTEN_PID }, pid, problems)
  ]
  const isFirst = ({ descriptor }: InheritedSocket, index: number): boolean =>
    sockets.findIndex((other) => other.descriptor === descriptor) === index
  return { sockets: sockets.filter(isFirst), problems, masterPid: readPid(PAGI_MASTER_PID, problems) }
}

const isNumber = (text: string): boolean => /^\d{1,9}$/.test(text)

const readPid = (text: string | undefined, problems: Array<string>): number | undefined => {
  if (text === undefined || text === "") return undefined
  if (isNumber(text) && Number(text) > 1) return Number(text)
  problems.push(`PAGI_MASTER_PID is ignored: ${JSON.stringify(text)} is not the number of a process`)
  return undefined
}

/** `host:port:descriptor`, `[IPv6 address]:port:descriptor` and `unix:path:descriptor`, with commas between them. */
const readReuse = (text: string | undefined, problems: Array<string>): ReadonlyArray<InheritedSocket> => {
  const sockets: Array<InheritedSocket> = []
  for (const entry of text === undefined || text === "" ? [] : text.split(",")) {
    const [, name, digits = ""] = /^(unix:.+|\[[^\]]+\]:\d+|[^:]+:\d+):(\d{1,9})$/.exec(entry) ?? []
    const descriptor = Number(digits)
    if (name !== undefined && descriptor >= firstDescriptor) sockets.push({ descriptor, source: "PAGI_REUSE", name })
    else problems.push(`an entry of PAGI_REUSE is ignored: ${JSON.stringify(entry)} is not ADDRESS:DESCRIPTOR`)
  }
  return sockets
}

const readSystemd = (
  { LISTEN_FDNAMES, LISTEN_FDS, LISTEN_PID }: Environment,
  pid: number,
  problems: Array<string>
): ReadonlyArray<InheritedSocket> => {
  if (LISTEN_FDS === undefined || LISTEN_FDS === "") return []
  const count = isNumber(LISTEN_FDS) ? Number(LISTEN_FDS) : Number.NaN
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
    name: names[index] || undefined
  }))
}

/**
 * What this process has inherited. The environment is read and cleaned when somebody asks for the first time; a program
 * that starts other programs before it starts a server should ask before.
 */
export const InheritedSockets: Context.Reference<{
  /** All that nobody has claimed yet. */
  readonly claim: () => Inheritance
}> = Context.Reference("@pagi/node/InheritedSockets", {
  defaultValue: () => {
    let unclaimed = take(process.env, process.pid)
    return {
      claim: () => {
        const claimed = unclaimed
        unclaimed = none
        return claimed
      }
    }
  }
})
