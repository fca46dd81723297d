/** Reads the files that options and variables come from; what is wrong with one is told by its name. */
import * as Effect from "effect/Effect"
import { readdirSync, readFileSync, statSync } from "node:fs"
import * as Pipes from "./Pipes.ts"
import { UsageError } from "./ServerValues.ts"
import * as UnendingSource from "./UnendingSource.ts"

/** Bytes of a file; one of a configuration that is larger is a mistake. */
const maxSize = 1_048_576

/** By number, since a server may have become another user than the one who has started it. */
const notAllowed = `user ${process.getuid?.() ?? "of this process"} may not read it`

const reasons: Readonly<Record<string, string>> = {
  ENOENT: "there is no such file",
  ENOTDIR: "there is no such file",
  EACCES: notAllowed,
  EPERM: notAllowed
}

/** What the system says of a file, in words. */
const reasonOf = (error: unknown): string => {
  const { code = "", message } = error as NodeJS.ErrnoException // The file system throws no others.
  return reasons[code] ?? message
}

/** Named pipes are how shells pass on what a program decrypts. Each says once what it has to say. */
const readPipe = (path: string): string => {
  const text = readFileSync(path, "utf8")
  // Nothing must not pass for a file without variables, of which an application would then have none.
  if (text === "") throw new Error(emptyPipe)
  if (Buffer.byteLength(text) > maxSize) throw new Error(tooLarge)
  Pipes.keep(path, text)
  return text
}

const emptyPipe =
  "it is a pipe with nothing in it; somebody else may have read it, as Node does with what --env-file names: " +
  "name a pipe by the variable PAGI_ENV_FILE instead"

const tooLarge = `it is larger than ${maxSize} bytes`

const read = (path: string): string => {
  const known = Pipes.textOf(path)
  if (known !== undefined) return known
  const status = statSync(path)
  if (status.isDirectory()) throw new Error("it is a directory")
  if (!status.isFile()) throw new Error("it is not a regular file")
  if (status.size > maxSize) throw new Error(tooLarge)
  // Some editors begin files with a mark of their byte order.
  return readFileSync(path, "utf8").replace(/^\uFEFF/, "")
}

const failureAt =
  (path: string) =>
  (error: unknown): UsageError =>
    new UsageError({ message: `cannot read ${path}: ${reasonOf(error)}` })

const attempt = <A>(path: string, look: (path: string) => A): Effect.Effect<A, UsageError> =>
  Effect.try({ try: () => look(path), catch: failureAt(path) })

const isUnreadPipe = (path: string): boolean => Pipes.textOf(path) === undefined && statSync(path).isFIFO()

/** The text of a file. */
export const text = (path: string): Effect.Effect<string, UsageError> =>
  Effect.flatMap(attempt(path, isUnreadPipe), (isUnread) =>
    // Whoever opens a pipe waits for somebody who writes to it.
    isUnread ? UnendingSource.read(async () => readPipe(path), failureAt(path)) : attempt(path, read)
  )

/** The names in a folder. */
export const names = (path: string): Effect.Effect<ReadonlyArray<string>, UsageError> =>
  attempt(path, (path) => {
    if (!statSync(path).isDirectory()) throw new Error("it is not a folder")
    return readdirSync(path)
  })
