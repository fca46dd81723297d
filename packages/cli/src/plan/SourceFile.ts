/** Reads the files that options and variables come from; what is wrong with one is told by its name. */
import * as Effect from "effect/Effect"
import { readdirSync, readFileSync, statSync } from "node:fs"
import { UsageError } from "./ServerValues.ts"

/** Bytes of a file; one of a configuration that is larger is a mistake. */
const maxSize = 1_048_576

const reasons: Readonly<Record<string, string>> = {
  ENOENT: "there is no such file",
  ENOTDIR: "there is no such file",
  EACCES: "this process may not read it",
  EPERM: "this process may not read it"
}

/** What the system says of a file, in words. */
const reasonOf = (error: unknown): string => {
  const { code = "", message } = error as NodeJS.ErrnoException // The file system throws no others.
  return reasons[code] ?? message
}

const read = (path: string): string => {
  const status = statSync(path)
  if (status.isDirectory()) throw new Error("it is a directory")
  // Named pipes are how shells pass on what a program decrypts.
  if (!status.isFile() && !status.isFIFO()) throw new Error("it is not a regular file")
  if (status.size > maxSize) throw new Error(`it is larger than ${maxSize} bytes`)
  return readFileSync(path, "utf8")
}

const attempt = <A>(path: string, look: (path: string) => A): Effect.Effect<A, UsageError> =>
  Effect.try({
    try: () => look(path),
    catch: (error) => new UsageError({ message: `cannot read ${path}: ${reasonOf(error)}` })
  })

/** The text of a file. */
export const text = (path: string): Effect.Effect<string, UsageError> => attempt(path, read)

/** The names in a folder. */
export const names = (path: string): Effect.Effect<ReadonlyArray<string>, UsageError> =>
  attempt(path, (path) => readdirSync(path))
