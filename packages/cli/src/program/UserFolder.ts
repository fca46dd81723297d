/** The folder of a user below that for temporary files, where anybody may make a folder of any name. */
import { isSafe } from "@pagi/node/listen/SafeFolder"
import { lstatSync, mkdirSync, readdirSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"

export const pathOf = (uid: number, parent: string = tmpdir()): string => join(parent, `pagi-${uid}`)

/** Whether it is a folder, and that user's. */
export const isOwned = (path: string, uid: number): boolean => {
  try {
    const status = lstatSync(path)
    return status.isDirectory() && status.uid === uid
  } catch {
    return false
  }
}

/** What is in a folder; nothing if it cannot be read. */
export const entriesOf = (folder: string): ReadonlyArray<string> => {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

/** Those that users have, whether or not others could write in them. */
export const all = (): ReadonlyArray<string> =>
  entriesOf(tmpdir())
    .map((name) => Number(/^pagi-(\d+)$/.exec(name)?.[1]))
    .filter((uid) => isOwned(pathOf(uid), uid))
    .map((uid) => pathOf(uid))

const isPrivate = (path: string, uid: number): boolean =>
  isOwned(path, uid) && (lstatSync(path).mode & 0o022) === 0 && isSafe(dirname(path), uid)

/** The folder of this process's user, made if need be; nothing if others could write in it, or there is no user. */
export const own = (parent?: string): string | undefined => {
  const uid = process.getuid?.()
  if (uid === undefined) return undefined
  const path = pathOf(uid, parent)
  try {
    if (!isOwned(path, uid)) mkdirSync(path, { mode: 0o700 })
  } catch {
    // Something else is there, or another process was faster, or there is no folder for temporary files.
  }
  return isPrivate(path, uid) ? path : undefined
}
