/** Whether a folder is one in which other users cannot put anything in the place of something else. */
import { lstatSync, statSync } from "node:fs"

/** The bit of a folder in which nobody may rename or remove what belongs to others. */
const sticky = 0o1000

/** Whether what is in a folder stays what it is: nobody but this user and root can rename it, or put another in its place. */
export const isSafe = (path: string, user: number): boolean => {
  const { mode, uid } = statSync(path)
  const isShared = (mode & 0o022) !== 0 && (mode & sticky) === 0
  // A link leads somewhere else as soon as its owner wants it to.
  return [uid, lstatSync(path).uid].every((owner) => owner === 0 || owner === user) && !isShared
}
