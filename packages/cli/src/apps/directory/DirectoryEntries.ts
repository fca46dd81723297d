import * as Effect from "effect/Effect"
import * as fs from "node:fs/promises"
import { join } from "node:path"
import { type FileFailure, fromSystem, type NotShown } from "./FileError.ts"
import type { Entry } from "./Listing.ts"
import { isInside, type OpenedFile } from "./OpenedFile.ts"
import { isVisible } from "./TargetPath.ts"

/** Entries that are looked at at the same time; more would only queue for the threads that do it. */
const CONCURRENCY = 4

/** What is shown of a directory: its visible regular files and directories, and links to such inside the root. */
export const read = (
  root: string,
  directory: OpenedFile
): Effect.Effect<ReadonlyArray<Entry>, NotShown | FileFailure> =>
  Effect.gen(function* () {
    const path = directory.directPath
    const names = yield* Effect.tryPromise({ try: () => fs.readdir(path), catch: fromSystem(path) })
    const entries = yield* Effect.forEach(
      names.filter(isVisible),
      (name) => Effect.promise(() => inspect(root, join(path, name), name)),
      { concurrency: CONCURRENCY }
    )
    return entries.filter((entry) => entry !== undefined)
  })

/** `undefined` for what a request would not get either, and for what is gone by now. */
const inspect = async (root: string, path: string, name: string): Promise<Entry | undefined> => {
  try {
    const entry = await fs.lstat(path)
    const isLink = entry.isSymbolicLink()
    if (isLink && !isInside(root, await fs.realpath(path))) return undefined
    const status = isLink ? await fs.stat(path) : entry
    if (!status.isFile() && !status.isDirectory()) return undefined
    return { name, isDirectory: status.isDirectory(), size: status.size, modified: status.mtimeMs }
  } catch {
    return undefined
  }
}
