/**
 * How a server tells another process which descriptors are which listening sockets: `PAGI_REUSE` has
 * `host:port:descriptor`, `[IPv6 address]:port:descriptor` and `unix:path:descriptor`, with commas between them. The
 * address is that under which the server was set up, which for port 0 is not the one that the socket has.
 *
 * A server that hands over to its successor also leaves the paths of its Unix sockets to it, to be removed at the end.
 * `PAGI_REUSE_FILES` says which: `descriptor=identity` of those that it has made itself, and not got from systemd.
 *
 * `PAGI_REUSE_FOREIGN` names the descriptors of those that systemd has opened, whoever has passed them on since.
 */
import { type Endpoint, format } from "@pagi/core/options/Endpoint"
import type { InheritedSocket } from "./InheritedSocket.ts"

/** Where descriptors begin that are not standard input or output. */
export const firstDescriptor = 3

/** A socket that another process is to know about, by its descriptor there. */
export interface SharedSocket {
  readonly endpoint: Endpoint
  readonly descriptor: number
  /** What tells the file at its path from others; absent when the other process is not to remove it. */
  readonly identity?: string | undefined
  /** Whether systemd has opened it, which says how many connections may wait. */
  readonly isForeign?: boolean
}

/** What the addresses are separated by, and what is then written for it. */
const escapes = [
  ["%", "%25"],
  [",", "%2C"]
] as const

const escape = (text: string): string =>
  escapes.reduce((done, [plain, written]) => done.replaceAll(plain, written), text)

const unescape = (text: string): string =>
  escapes.reduceRight((done, [plain, written]) => done.replaceAll(written, plain), text)

/** What `PAGI_REUSE` calls an endpoint. */
export const nameOf = (endpoint: Endpoint): string =>
  endpoint._tag === "Tcp" ? format(endpoint) : `unix:${endpoint.path}`

/** The value of `PAGI_REUSE`. */
export const write = (sockets: ReadonlyArray<SharedSocket>): string =>
  sockets.map(({ descriptor, endpoint }) => `${escape(nameOf(endpoint))}:${descriptor}`).join(",")

/** The value of `PAGI_REUSE_FILES`. */
export const writeFiles = (sockets: ReadonlyArray<SharedSocket>): string =>
  sockets.flatMap(({ descriptor, identity }) => (identity === undefined ? [] : [`${descriptor}=${identity}`])).join(",")

/** The value of `PAGI_REUSE_FOREIGN`. */
export const writeForeign = (sockets: ReadonlyArray<SharedSocket>): string =>
  sockets.flatMap(({ descriptor, isForeign }) => (isForeign === true ? [String(descriptor)] : [])).join(",")

const entriesOf = (text: string | undefined): ReadonlyArray<string> =>
  text === undefined || text === "" ? [] : text.split(",")

/** What the variables say. */
export const read = (
  [reuse, files, foreign]: readonly [
    reuse: string | undefined,
    files?: string | undefined,
    foreign?: string | undefined
  ],
  problems: Array<string>
): ReadonlyArray<InheritedSocket> => {
  const foreigners = new Set(entriesOf(foreign))
  const identities = readFiles(files, problems)
  const sockets: Array<InheritedSocket> = []
  for (const entry of entriesOf(reuse)) {
    const [, name, digits = ""] = /^(unix:.+|\[[^\]]+\]:\d+|[^:]+:\d+):(\d{1,9})$/.exec(entry) ?? []
    const descriptor = Number(digits)
    if (name === undefined || descriptor < firstDescriptor) {
      problems.push(`an entry of PAGI_REUSE is ignored: ${JSON.stringify(entry)} is not ADDRESS:DESCRIPTOR`)
      continue
    }
    const identity = identities.get(descriptor)
    const file = identity === undefined ? {} : { identity }
    const origin = foreigners.has(digits) ? { isForeign: true } : {}
    sockets.push({ descriptor, source: "PAGI_REUSE", name: unescape(name), ...file, ...origin })
  }
  return sockets
}

const readFiles = (text: string | undefined, problems: Array<string>): ReadonlyMap<number, string> => {
  const identities = new Map<number, string>()
  for (const entry of entriesOf(text)) {
    const [, digits, identity] = /^(\d{1,9})=([\d:]+)$/.exec(entry) ?? []
    if (identity === undefined) {
      problems.push(`an entry of PAGI_REUSE_FILES is ignored: ${JSON.stringify(entry)} is not DESCRIPTOR=IDENTITY`)
    } else identities.set(Number(digits), identity)
  }
  return identities
}
