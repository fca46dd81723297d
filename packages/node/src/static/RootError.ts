import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as fs from "node:fs/promises"

/** The directory to serve does not exist, is none, or cannot be reached. */
export class RootError extends Schema.TaggedError<RootError>()("RootError", {
  root: Schema.String,
  detail: Schema.String
}) {
  override get message(): string {
    return `cannot serve the directory ${this.root}: ${this.detail}`
  }
}

/** The real path of a directory that is to be served; a link to one is followed, once and for all. */
export const realRoot = (root: string): Effect.Effect<string, RootError> =>
  Effect.tryPromise({
    try: async () => {
      const path = await fs.realpath(root)
      // To read the names in it is not asked for: files of a directory may be open to a user who cannot list it.
      if (!(await fs.stat(path)).isDirectory()) throw new Error("it is not a directory")
      return path
    },
    catch: (error) => new RootError({ root, detail: detailOf(error as NodeJS.ErrnoException) }) // It throws no others.
  })

const reasons: Readonly<Record<string, string>> = {
  ENOENT: "there is no such directory",
  ENOTDIR: "it is not a directory",
  EACCES: "it may not be entered"
}

const detailOf = ({ code = "", message }: NodeJS.ErrnoException): string => reasons[code] ?? message
