/** Why a file is not shown, or cannot be read. */
import * as Schema from "effect/Schema"

/** There is nothing at the path that is shown: no file, not a regular one, a hidden one, or one outside the root. */
export class NotShown extends Schema.TaggedError<NotShown>()("NotShown", {
  path: Schema.String,
  detail: Schema.String
}) {
  override get message(): string {
    return `${this.path} is not shown: ${this.detail}`
  }
}

/** The system could not do what it was asked to. */
export class FileFailure extends Schema.TaggedError<FileFailure>()("FileFailure", {
  path: Schema.String,
  detail: Schema.String
}) {
  override get message(): string {
    return `cannot read ${this.path}: ${this.detail}`
  }
}

/** Codes which mean that a client may not have the file, rather than that something is wrong with the server. */
const notShownCodes = new Set([
  "EACCES",
  "EISDIR",
  "ELOOP",
  "ENAMETOOLONG",
  "ENODEV",
  "ENOENT",
  "ENOTDIR",
  "ENXIO",
  "EPERM"
])

/** Sorts an error of `node:fs`. */
export const fromSystem =
  (path: string) =>
  (error: unknown): NotShown | FileFailure => {
    const code = error instanceof Error && "code" in error ? String(error.code) : ""
    const detail = error instanceof Error ? error.message : String(error)
    return notShownCodes.has(code) ? new NotShown({ path, detail }) : new FileFailure({ path, detail })
  }
