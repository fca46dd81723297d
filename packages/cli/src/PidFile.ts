/** The file that says which process is the server, for scripts and supervisors that send it signals. */
import { codeOf } from "@pagi/node/ListenError"
import { isRunning } from "@pagi/node/RunningProcess"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import { linkSync, readFileSync, renameSync, rmSync, unlinkSync, writeFileSync } from "node:fs"
import { resolve } from "node:path"

/** The pid file names another process that runs. */
export class PidFileInUse extends Schema.TaggedError<PidFileInUse>()("PidFileInUse", {
  path: Schema.String,
  pid: Schema.Int
}) {
  override get message(): string {
    return (
      `the pid file ${this.path} names process ${this.pid}, which runs; stop it first, ` +
      "or remove the file if it is another program"
    )
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
      case "EROFS":
        return `the pid file ${path} cannot be written: the server's user may not write in its folder`
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

/** The process that a pid file names; nothing when there is no file, or something else in it. */
const read = (path: string): number | undefined => {
  try {
    const [, digits] = /^(\d{1,10})\s*$/.exec(readFileSync(path, "latin1")) ?? []
    return digits === undefined ? undefined : Number(digits)
  } catch (error) {
    if (codeOf(error) === "ENOENT") return undefined
    throw error
  }
}

const refuseOthers = (path: string, predecessor: number | undefined): void => {
  const pid = read(path)
  if (pid !== undefined && pid !== process.pid && pid !== predecessor && isRunning(pid)) {
    throw new PidFileInUse({ path, pid })
  }
}

/**
 * Fails if the file names a process that runs, unless that is this one, or `predecessor`, whose place this one is to
 * take. What a server has left behind that was killed does not matter.
 */
export const check = (path: string, predecessor?: number): Effect.Effect<void, PidFileInUse | PidFileError> =>
  attempt(path, () => refuseOthers(path, predecessor))

/** Nobody sees a half of it: written beside the path, and moved there. */
const replace = (path: string, predecessor: number | undefined): void => {
  const temporary = `${path}.${process.pid}`
  rmSync(temporary, { force: true })
  try {
    // Not through a link that somebody has put there.
    writeFileSync(temporary, `${process.pid}\n`, { flag: "wx", mode: 0o644 })
    if (isLinked(temporary, path)) return unlinkSync(temporary)
    refuseOthers(path, predecessor)
    renameSync(temporary, path)
  } catch (error) {
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

/** A file that names another process by now is that process's. */
const remove = (path: string): void => {
  try {
    if (read(path) === process.pid) unlinkSync(path)
  } catch {
    // It may not be removed; it names a process that has ended, which the next server will find out.
  }
}

/**
 * Writes the file, unless `check` would fail by now, and removes it at the end of the scope if it still names this
 * process.
 */
export const write = (
  path: string,
  predecessor?: number
): Effect.Effect<void, PidFileInUse | PidFileError, Scope.Scope> => {
  // The working directory may be another one by then.
  const absolute = resolve(path)
  // Also when the process exits at once, without closing any scope.
  const removeNow = (): void => remove(absolute)
  return Effect.asVoid(
    Effect.acquireRelease(
      attempt(path, () => {
        replace(absolute, predecessor)
        process.once("exit", removeNow)
      }),
      () =>
        Effect.sync(() => {
          process.off("exit", removeNow)
          removeNow()
        })
    )
  )
}
