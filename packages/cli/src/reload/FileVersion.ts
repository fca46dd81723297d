/** What tells the content of a file from another one, without reading it. */
import { statSync } from "node:fs"

/** Of a file that is not there, or cannot be looked at. */
export const missing = "missing"

/** Of a file that may have been written once more in the same moment: it equals no version of any file. */
const unsure = "unsure"

/** Milliseconds in which a file system may give two writes the same time. */
const granularity = 12

/** How long ago a file was written, in milliseconds; a file from the future counts as an old one. */
const ageOf = (modifiedAt: number): number => {
  const age = Date.now() - modifiedAt
  return age < 0 ? Number.POSITIVE_INFINITY : age
}

const look = (path: string) => statSync(path, { throwIfNoEntry: false })

/** The version of a file as it is now. */
export const of = (path: string): string => {
  try {
    const status = look(path)
    return status?.isFile() === true ? `${status.mtimeMs}:${status.size}:${status.ino}` : missing
  } catch {
    return missing
  }
}

/** The same for a file that is about to be read: what is read may be another version if it is being written just now. */
export const beforeReading = (path: string): string => (age(path) < granularity ? unsure : of(path))

/** How many milliseconds ago the file was written; infinite if there is none. */
export const age = (path: string): number => {
  try {
    const status = look(path)
    return status === undefined ? Number.POSITIVE_INFINITY : ageOf(status.mtimeMs)
  } catch {
    return Number.POSITIVE_INFINITY
  }
}

/** Whether there is something in the file: editors empty it before they write. */
export const isEmpty = (path: string): boolean => {
  try {
    return (look(path)?.size ?? 0) === 0
  } catch {
    return true
  }
}
