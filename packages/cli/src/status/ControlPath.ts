/** Where servers tell their status: a socket for each process, in a folder that only its user can enter. */
import { join } from "node:path"
import * as UserFolder from "../program/UserFolder.ts"

const own = (): number => process.getuid?.() ?? 0

/** The user's folder: below that which the system has made for the session, unless it is another user's. */
const folderOf = (uid: number): string => {
  const runtime = process.env["XDG_RUNTIME_DIR"]
  return runtime !== undefined && runtime !== "" && UserFolder.isOwned(runtime, uid)
    ? join(runtime, "pagi")
    : UserFolder.pathOf(uid)
}

/** The path for this process, when it is that user's. */
export const forProcess = (uid: number = own()): string => join(folderOf(uid), `${process.pid}.sock`)

/** A socket that a server may listen on, or has left behind. */
export interface Found {
  readonly pid: number
  readonly path: string
  /** Whether it is in a folder of this process's user. What is in others' is not ours to remove. */
  readonly isOwn: boolean
}

/** The folders of all users for root, of whose own alone for the others. */
const folders = (): ReadonlyArray<string> => {
  const uid = own()
  const mine = folderOf(uid)
  const known = UserFolder.isOwned(mine, uid) ? [mine] : []
  if (uid !== 0) return known
  const sessions = UserFolder.entriesOf("/run/user").map((name) => join("/run/user", name, "pagi"))
  return [...new Set([...known, ...UserFolder.all(), ...sessions])]
}

/** All sockets by their process numbers, those of root's servers and all others' for root. */
export const find = (): ReadonlyArray<Found> =>
  folders()
    .flatMap((folder) => {
      const isOwn = UserFolder.isOwned(folder, own())
      return UserFolder.entriesOf(folder).map((name) => {
        const pid = Number(/^(\d+)\.sock$/.exec(name)?.[1])
        return { pid, path: join(folder, name), isOwn }
      })
    })
    .filter(({ pid }) => pid > 0)
    .toSorted((one, other) => one.pid - other.pid)
