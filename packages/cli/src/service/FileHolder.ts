/** Whether a process is the one that has made a file and holds it open, as far as `/proc` tells; Linux has that. */
import { type BigIntStats, readdirSync, readFileSync, readlinkSync, statSync } from "node:fs"
import { basename, join } from "node:path"

/** What of a file's status matters. */
export type HeldFile = Pick<BigIntStats, "dev" | "ino" | "uid" | "mtimeMs">

/** Milliseconds by which the times of a process and of a file may be inexact. */
const tolerance = 1000n

/** Milliseconds of one tick in which `/proc` counts: the same on all of Linux's machines that Node runs on. */
const tick = 10n

/** Nothing where it cannot be found out. */
const attempt = <A>(find: () => A): A | undefined => {
  try {
    return find()
  } catch {
    return undefined
  }
}

/**
 * Whether one of its descriptors is the file; only the process's user and root may look. Of those with other names not
 * even that is asked, since they may be on a file system that does not answer.
 */
const hasOpen = (folder: string, name: string, { dev, ino }: HeldFile): boolean =>
  readdirSync(folder).some((descriptor) => {
    const path = join(folder, descriptor)
    const status = attempt(() => (readlinkSync(path).includes(name) ? statSync(path, { bigint: true }) : undefined))
    return status?.dev === dev && status.ino === ino
  })

/** The user that the process has the rights of. */
const userOf = (status: string): bigint | undefined => {
  const [, uid] = /^Uid:\s+\d+\s+(\d+)/m.exec(status) ?? []
  return uid === undefined ? undefined : BigInt(uid)
}

/** When the process was started, in milliseconds since 1970. */
const startOf = (systemStat: string, processStat: string): bigint | undefined => {
  const [, boot] = /^btime (\d+)/m.exec(systemStat) ?? []
  // The name, in parentheses, may have anything in it; 20 fields behind it.
  const ticks = processStat.slice(processStat.lastIndexOf(")") + 2).split(" ")[19]
  return boot === undefined || ticks === undefined ? undefined : BigInt(boot) * 1000n + BigInt(ticks) * tick
}

/**
 * Whether the process is the one that has written the file and holds it open. It is if one of its descriptors is that
 * file; where these may not be looked at it may be, unless it is another user's, or was started later than the file was
 * written.
 *
 * @param path where the file is, or was when it was made, possibly with something behind its name
 */
export const holds = (pid: number, path: string, file: HeldFile, proc = "/proc"): boolean | "perhaps" => {
  const text = (name: string): string => readFileSync(join(proc, name), "latin1")
  const isOpen = attempt(() => hasOpen(join(proc, String(pid), "fd"), basename(path), file))
  if (isOpen !== undefined) return isOpen
  const user = attempt(() => userOf(text(`${pid}/status`)))
  if (user !== undefined && user !== file.uid) return false
  const start = attempt(() => startOf(text("stat"), text(`${pid}/stat`)))
  return start === undefined || start <= file.mtimeMs + tolerance ? "perhaps" : false
}
