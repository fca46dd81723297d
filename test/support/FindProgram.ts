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

/** Says aloud that tests have to do without something; where everything was to be installed (`.ci/run`), that is an error. */
export const tellMissing = (what: string): void => {
  const message = `NOT TESTED with ${what}: it is not installed`
  if (process.env["REQUIRED_TEST_PROGRAMS"] === "all") throw new Error(message)
  console.warn(message)
}

/** Where a program is, if it is installed. */
export const findProgram = (name: string): string | undefined => {
  const path = folders.map((folder) => join(folder, name)).find(isExecutable)
  if (path === undefined) tellMissing(name)
  return path
}
