import { accessSync, constants } from "node:fs"
import { delimiter, join } from "node:path"

/** Servers such as nginx are often in folders that the PATH of a user lacks. */
const folders = [...(process.env["PATH"] ?? "").split(delimiter), "/usr/sbin", "/usr/local/sbin"]

const isExecutable = (path: string): boolean => {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** Where a program is, if it is installed. That a test has to do without it is said aloud. */
export const findProgram = (name: string): string | undefined => {
  const path = folders.map((folder) => join(folder, name)).find(isExecutable)
  if (path === undefined) console.warn(`NOT TESTED with ${name}: it is not installed`)
  return path
}
