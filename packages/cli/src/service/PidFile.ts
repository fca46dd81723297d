/** The file that says which process is the server, for scripts and supervisors that send it signals. */
import { codeOf } from "@pagi/node/accept/ListenError"
import { isRunning } from "@pagi/node/process/RunningProcess"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import {
  accessSync,
  type BigIntStats,
  closeSync,
  constants,
  fstatSync,
  linkSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  unlinkSync,
  writeFileSync
} from "node:fs"
import { dirname, resolve } from "node:path"
import { holds } from "./FileHolder.ts"

/** The pid file is another server's, which runs. */
export class PidFileInUse extends Schema.TaggedError<PidFileInUse>()("PidFileInUse", {
  path: Schema.String,
  pid: Schema.Int,
  /** Whether it is known to be that server, and not only a process that has its number. */
  isCertain: Schema.Boolean
}) {
  override get message(): string {
    const { isCertain, path, pid } = this
    return isCertain
      ? `the pid file ${path} is that of a server that runs, process ${pid}; stop it first, or name another file`
      : `the pid file ${path} names process ${pid}, which runs; stop it first, or remove the file if it is another program`
  }
}

/** The pid file cannot be read or written. */
export class PidFileError extends Schema.TaggedError<PidFileError>()("PidFileError", {
  path: Schema.String,
  code: Schema.String
}) {
  override get message(): string {
    const { code, path } = this
    switch (code) {
      case "ENOENT":
      case "ENOTDIR":
        return `the folder of the pid file ${path} does not exist`
      case "EACCES":
      case "EPERM":
        return `the pid file ${path} cannot be written: the server's user may not write in its folder`
      case "EROFS":
        return `the pid file ${path} cannot be written: the file system is read-only`
      case "ENOSPC":
        return `the pid file ${path} cannot be written: the disk is full`
      default:
        return `the pid file ${path} cannot be written: ${code}`
    }
  }
}

const attempt = <A>(path: string, run: () => A): Effect.Effect<A, PidFileError | PidFileInUse> =>
  Effect.try({
    try: run,
    catch: (error) => (error instanceof PidFileInUse ? error : new PidFileError({ path, code: codeOf(error) }))
  })

/** A file at the path, and the process that it names, if it has a number in it. */
interface Found {
  readonly pid: number | undefined
  readonly status: BigIntStats
}

/** What is at the path; nothing when there is nothing. */
const read = (path: string): Found | undefined => {
  let descriptor: number
  try {
    // Whatever is there, to open it does not wait for anybody.
    descriptor = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  } catch (error) {
    if (codeOf(error) === "ENOENT") return undefined
    throw error
  }
  try {
    const [, digits] = /^(\d{1,10})\s*$/.exec(readFileSync(descriptor, "latin1")) ?? []
    return { pid: digits === undefined ? undefined : Number(digits), status: fstatSync(descriptor, { bigint: true }) }
  } finally {
    closeSync(descriptor)
  }
}

/**
 * A number alone says little: that of a server that was killed may be another program's by now, soonest in a container,
 * where numbers begin at 1 each time. A server holds its file open as long as it runs.
 */
const refuseOthers = (path: string, predecessor: number | undefined): void => {
  const { pid, status } = read(path) ?? {}
  if (pid === undefined || status === undefined || pid === process.pid || pid === predecessor) return
  const isOther = isRunning(pid) && holds(pid, path, status)
  if (isOther !== false) throw new PidFileInUse({ path, pid, isCertain: isOther === true })
}

/**
 * Fails if the file is another server's that runs, unless that is `predecessor`, whose place this one is to take. What a
 * server has left behind that was killed does not matter.
 */
export const check = (path: string, predecessor?: number): Effect.Effect<void, PidFileInUse | PidFileError> =>
  attempt(path, () => refuseOthers(path, predecessor))

/** Fails if there is no folder for the file, or one that may not be written in. */
export const checkFolder = (path: string): Effect.Effect<void, PidFileInUse | PidFileError> =>
  attempt(path, () => accessSync(dirname(resolve(path)), constants.W_OK | constants.X_OK))

/** Nobody sees a half of it: written beside the path, and moved there. Answers with the descriptor of the file. */
const replace = (path: string, predecessor: number | undefined): number => {
  const temporary = `${path}.${process.pid}`
  rmSync(temporary, { force: true })
  // Not through a link that somebody has put there.
  const descriptor = openSync(temporary, "wx", 0o644)
  try {
    writeFileSync(descriptor, `${process.pid}\n`)
    if (isLinked(temporary, path)) unlinkSync(temporary)
    else {
      refuseOthers(path, predecessor)
      renameSync(temporary, path)
    }
    return descriptor
  } catch (error) {
    closeSync(descriptor)
    rmSync(temporary, { force: true })
    throw error
  }
}

/** Of several servers that start at the same time, only one finds no file at the path. */
const isLinked = (temporary: string, path: string): boolean => {
  try {
    linkSync(temporary, path)
    return true
  } catch {
    // There is one, or the file system knows no links.
    return false
  }
}

/** A file that names another process by now is that process's, and so is another file, which may be of another container. */
const remove = (path: string, descriptor: number): void => {
  try {
    const found = read(path)
    const own = fstatSync(descriptor, { bigint: true })
    if (found?.pid === process.pid && found.status.ino === own.ino && found.status.dev === own.dev) unlinkSync(path)
  } catch {
    // It may not be removed; it names a process that has ended, which the next server will find out.
  }
}

/**
 * Writes the file, unless `check` would fail by now, and holds it open until the end of the scope, when it is removed if
 * it is still this process's.
 */
export const write = (
  path: string,
  predecessor?: number
): Effect.Effect<void, PidFileInUse | PidFileError, Scope.Scope> => {
  // The working directory may be another one by then.
  const absolute = resolve(path)
  return Effect.asVoid(
    Effect.acquireRelease(
      attempt(path, () => {
        const descriptor = replace(absolute, predecessor)
        // Also when the process exits at once, without closing any scope.
        const removeNow = (): void => remove(absolute, descriptor)
        process.once("exit", removeNow)
        return { descriptor, removeNow }
      }),
      ({ descriptor, removeNow }) =>
        Effect.sync(() => {
          process.off("exit", removeNow)
          removeNow()
          closeSync(descriptor)
        })
    )
  )
}
