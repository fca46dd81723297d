/** The working directory, by the path under which the process was started in it. */
import { statSync } from "node:fs"
import { isAbsolute } from "node:path"

const isHere = (path: string): boolean => {
  try {
    const [one, other] = [statSync(path, { bigint: true }), statSync(".", { bigint: true })]
    return one.dev === other.dev && one.ino === other.ino
  } catch {
    return false
  }
}

/**
 * Answers how to look the path up anew. It may lead through a link that is changed for each new version of an
 * application, and what is started afterwards is to be the new version. Nothing happens when the path is not known.
 */
export const remember = (path = process.env["PWD"]): (() => void) => {
  if (path === undefined || !isAbsolute(path) || !isHere(path)) return () => {}
  return () => {
    try {
      process.chdir(path)
    } catch {
      // It is not there at the moment: everything stays as it is.
    }
  }
}
