/** Why a file cannot be sent, in words for whoever wrote the application. */
import { type FileHandle, FileUnreadable } from "@pagi/core/contract/FileSource"
import type { Stats } from "node:fs"

/** By the codes of the system; the rest of a sentence that begins with the file. */
const reasons: Readonly<Record<string, string>> = {
  EACCES: "may not be read by this process",
  EBADF: "is not open for reading",
  EISDIR: "is a directory",
  ELOOP: "leads through too many symbolic links",
  EMFILE: "cannot be opened, because this process has too many files open",
  ENAMETOOLONG: "has a name that is too long",
  ENFILE: "cannot be opened, because the system has too many files open",
  ENXIO: "is not a regular file",
  EPERM: "may not be read by this process",
  // What Node says to the descriptor -1, which a closed handle has.
  ERR_OUT_OF_RANGE: "is not open"
}

/** As JSON, so that nothing in a path can forge a line of a log. */
const nameOf = (file: string | FileHandle): string =>
  typeof file === "string" ? JSON.stringify(file) : `with descriptor ${typeof file === "number" ? file : file.fd}`

/** Says why `node:fs` could not open or read a file. */
export const fromSystem = (file: string | FileHandle, error: unknown): FileUnreadable => {
  const code = error instanceof Error && "code" in error ? String(error.code) : String(error)
  if (code === "ENOENT" || code === "ENOTDIR")
    return new FileUnreadable({ message: `there is no file ${nameOf(file)}` })
  return new FileUnreadable({ message: `the file ${nameOf(file)} ${reasons[code] ?? `cannot be read: ${code}`}` })
}

/** Why this is no file that can be sent, if it is none: devices may have no end, and a FIFO has no positions. */
export const statusProblem = (file: string | FileHandle, status: Stats): FileUnreadable | undefined => {
  if (status.isFile()) return undefined
  const kind = status.isDirectory() ? "a directory" : "not a regular file"
  return new FileUnreadable({ message: `the file ${nameOf(file)} is ${kind}` })
}

/** Why this path is refused unseen, if it is. */
export const pathProblem = (path: string, isAbsolute: boolean): FileUnreadable | undefined => {
  const problem = path.includes("\0")
    ? "has a NUL character"
    : isAbsolute
      ? undefined
      : "is not given by an absolute path"
  return problem === undefined ? undefined : new FileUnreadable({ message: `the file ${nameOf(path)} ${problem}` })
}
