/**
 * The folder in which the workers of a server reach each other. The supervisor gives it a name, which nobody can guess,
 * and removes it at the end; it is made by the first worker that has a use for it (`ClaimedFolder`).
 */
import { randomBytes } from "node:crypto"
import { accessSync, constants, lstatSync, readdirSync, rmdirSync, statSync, unlinkSync } from "node:fs"
import { tmpdir } from "node:os"
import { basename, dirname, isAbsolute, join } from "node:path"
import { isSafe } from "../listen/SafeFolder.ts"

/** Bytes of the longest path of a socket: the least that a system allows is 103. */
export const maxPathLength = 100

/** Bytes that follow the path of the folder in that of a socket. */
const roomForName = "/0123456789abcdef.sock".length

const prefix = "pagi-pool-"
const nameLength = 16
const namePattern = /^pagi-pool-[0-9a-f]{16}$/

const longestBase = maxPathLength - roomForName - `/${prefix}`.length - nameLength

const userId = (): number | undefined => process.geteuid?.()

/** Whether this process can make a folder there that nobody else can replace. */
const isUsable = (base: string | undefined): base is string => {
  if (base === undefined || !isAbsolute(base) || Buffer.byteLength(base) > longestBase) return false
  try {
    accessSync(base, constants.W_OK | constants.X_OK)
    return statSync(base).isDirectory() && isSafe(base, userId() ?? 0)
  } catch {
    return false
  }
}

/** Linux has it in containers too whose files cannot be written, and it is as safe as `/tmp` is outside of them. */
const sharedMemory = "/dev/shm"

/** The runtime directory of a session, which is gone with all that is in it when its user logs out. */
const sessionPattern = /^\/run\/user\/\d+\/?$/

/** Where the folder may be, what suits best first. A server may go on when the session has ended that it was started in. */
export const basesOf = (runtime: string | undefined, temporary: string): ReadonlyArray<string | undefined> =>
  runtime !== undefined && sessionPattern.test(runtime)
    ? [temporary, sharedMemory, runtime]
    : [runtime, temporary, sharedMemory]

/**
 * A new name: below the runtime directory of the user, the folder for temporary files or that for shared memory. It is
 * never longer than the path of a socket in it may be, and where there is no such folder, who claims it hears of that.
 */
export const makeName = (environment: NodeJS.ProcessEnv = process.env, temporary: string = tmpdir()): string => {
  const base = basesOf(environment["XDG_RUNTIME_DIR"], temporary).find(isUsable) ?? "/tmp"
  return join(base, `${prefix}${randomBytes(nameLength / 2).toString("hex")}`)
}

/** Whether a text is such a name; what is not is never removed. */
export const isName = (text: string): boolean =>
  isAbsolute(text) && namePattern.test(basename(text)) && Buffer.byteLength(dirname(text)) <= longestBase

/** Whether it is a folder that this user alone can enter. */
export const isPrivate = (folder: string): boolean => {
  const status = lstatSync(folder)
  const user = userId()
  return (
    status.isDirectory() &&
    (user === undefined || (status.uid === user && (status.mode & 0o077) === 0 && isSafe(dirname(folder), user)))
  )
}

const isOfSocket = (name: string): boolean => name.endsWith(".sock") || name.endsWith(".new")

/** Removes the socket of a process, if nobody else has. */
export const removeSocket = (path: string): void => {
  try {
    unlinkSync(path)
  } catch {
    // It is not there, or somebody else removes it too.
  }
}

/** Removes the folder if it is there and ours: with the sockets in it, unless it is to be removed only without any. */
export const remove = (folder: string, { onlyIfEmpty = false } = {}): void => {
  try {
    if (!isName(folder) || !isPrivate(folder)) return
    if (!onlyIfEmpty) for (const name of readdirSync(folder).filter(isOfSocket)) unlinkSync(join(folder, name))
    rmdirSync(folder)
  } catch {
    // It was never made, or somebody else removes it too.
  }
}
