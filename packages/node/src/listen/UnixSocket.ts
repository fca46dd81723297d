/**
 * The path of a Unix socket, without a moment in which somebody may connect who should not, and without removing
 * anything that is not this server's.
 *
 * The socket is bound in a folder that only this user can enter, gets its permissions there, and is then linked to its
 * path, which fails if there is something. A umask around `bind` would do for the permissions, but it is the whole
 * process's, and a worker thread cannot set one. It would not do for the end: when libuv closes a socket it removes the
 * path that it has bound, whatever is there by then. Here that path is gone by then, and the real one is removed only
 * while it still leads to this socket.
 */
import type { UnixEndpoint } from "@pagi/core/options/Endpoint"
import * as Effect from "effect/Effect"
import {
  type BigIntStats,
  chmodSync,
  chownSync,
  closeSync,
  constants,
  fstatSync,
  linkSync,
  lstatSync,
  mkdtempSync,
  openSync,
  renameSync,
  rmSync,
  unlinkSync
} from "node:fs"
import { connect } from "node:net"
import { dirname, resolve } from "node:path"
import { codeOf, fromErrno, ListenError } from "../accept/ListenError.ts"

/** Bytes of a path that fit into `sockaddr_un` before its final zero. */
const maxLength = process.platform === "linux" ? 107 : 103

/** Where sockets are bound: a name as short as `mkdtemp` makes it, in the folder that is to hold the socket. */
const boundName = ".XXXXXX/s"

/** Runs with the path of a file in a new folder that only this user can enter, beside `path`. */
export const inPrivateFolder = <A>(path: string, use: (file: string) => A): A => {
  const folder = mkdtempSync(`${dirname(path)}/.`)
  try {
    return use(`${folder}/s`)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** The file of a socket that this server has made, or has been left by the one before it. */
export interface SocketFile {
  readonly path: string
  /** What tells it from another file at its path; another process can be told. */
  readonly identity: string
}

/** The time as well, since file systems give the numbers of removed files to new ones. */
const identityOf = ({ dev, ino, mtimeNs }: BigIntStats): string => `${dev}:${ino}:${mtimeNs}`

/** Whose a file is to be; only root can give one away. */
export interface FileOwner {
  readonly uid: number
  readonly gid: number
}

/** Makes a socket that was bound in a private folder reachable at its path, where nothing is. */
export const publish = (bound: string, endpoint: UnixEndpoint, owner?: FileOwner): SocketFile => {
  pinned(bound, (file) => {
    if (owner !== undefined) chownSync(file, owner.uid, owner.gid)
    if (endpoint.mode !== undefined) chmodSync(file, endpoint.mode)
  })
  link(bound, endpoint)
  // The working directory may be another one by the end.
  const path = resolve(endpoint.path)
  return { path, identity: identityOf(lstatSync(path, { bigint: true })) }
}

/** Linux: a descriptor that only names a file, and can be had of a socket too. */
const O_PATH = 0o10000000

/**
 * Runs with a path that leads to this socket whatever happens to its folder: whoever owns the folder above may put
 * another in its place, with a link to a file that is not his.
 */
const pinned = (path: string, use: (path: string) => void): void => {
  if (process.platform !== "linux") return use(path)
  const descriptor = openSync(path, O_PATH | constants.O_NOFOLLOW)
  try {
    const status = fstatSync(descriptor)
    if (!status.isSocket() || status.uid !== process.geteuid?.())
      throw new Error("another file is in the socket's place")
    use(`/proc/self/fd/${descriptor}`)
  } finally {
    closeSync(descriptor)
  }
}

/** Removes a socket's file, if it is that file still. */
export const giveUp = ({ identity, path }: SocketFile): void => {
  try {
    if (identityOf(lstatSync(path, { bigint: true })) === identity) unlinkSync(path)
  } catch {
    // It has been removed, or may not be: the next server will find that nobody listens there.
  }
}

const link = (bound: string, endpoint: UnixEndpoint): void => {
  try {
    linkSync(bound, endpoint.path)
  } catch (error) {
    // There was nothing a moment ago.
    throw codeOf(error) === "EEXIST" ? new ListenError({ endpoint, code: "EADDRINUSE" }) : error
  }
}

/** Fails for a path that is too long. */
export const checkLength = (endpoint: UnixEndpoint): Effect.Effect<void, ListenError> => {
  const { path } = endpoint
  const bound = `${dirname(path)}/${boundName}`
  return [path, bound].some((name) => Buffer.byteLength(name) > maxLength)
    ? Effect.fail(new ListenError({ endpoint, code: "ENAMETOOLONG" }))
    : Effect.void
}

/**
 * Makes room for a socket: one that a server has left behind is removed, which is one that refuses connections. Fails
 * for a path that is too long, for a socket that somebody listens on, and for anything that is not a socket.
 */
export const prepare = (endpoint: UnixEndpoint): Effect.Effect<void, ListenError> =>
  Effect.gen(function* () {
    const { path } = endpoint
    const refuse = (code: string) => Effect.fail(new ListenError({ endpoint, code }))
    yield* checkLength(endpoint)
    const found = yield* attempt(endpoint, () => lstatSync(path, { bigint: true, throwIfNoEntry: false }))
    if (found === undefined) return
    if (!found.isSocket()) return yield* refuse("EEXIST")
    const answer = yield* probe(path)
    if (answer === "ENOENT") return
    // Anything else than a refusal shows that there is somebody, or does not show that there is not.
    if (answer !== "ECONNREFUSED") return yield* refuse(answer === "EACCES" ? answer : "EADDRINUSE")
    if (!(yield* attempt(endpoint, () => remove(path, found)))) return yield* refuse("EADDRINUSE")
  })

/** What the system says to somebody who wants to connect: its code, or `connected`. */
export const probe = (path: string): Effect.Effect<string> =>
  Effect.callback((resume) => {
    const socket = connect({ path })
    const answer = (code: string): void => {
      socket.destroy()
      resume(Effect.succeed(code))
    }
    socket.once("connect", () => answer("connected"))
    socket.once("error", (error) => answer(codeOf(error)))
    return Effect.sync(() => socket.destroy())
  })

/** Removes what was found. What has replaced it since then is put back, and the answer is no. */
const remove = (path: string, found: BigIntStats): boolean =>
  inPrivateFolder(path, (aside) => {
    try {
      renameSync(path, aside)
    } catch (error) {
      if (codeOf(error) === "ENOENT") return true
      throw error
    }
    if (identityOf(lstatSync(aside, { bigint: true })) === identityOf(found)) return true
    renameSync(aside, path)
    return false
  })

const attempt = <A>(endpoint: UnixEndpoint, run: () => A): Effect.Effect<A, ListenError> =>
  Effect.try({ try: run, catch: (error) => fromErrno(endpoint, error) })
