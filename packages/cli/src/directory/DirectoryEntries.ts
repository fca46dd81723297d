/** Reads what is shown of a directory. */
import * as Effect from "effect/Effect"
import * as fs from "node:fs/promises"
import { join } from "node:path"
import { type FileFailure, fromSystem, type NotShown } from "@pagi/node/static/FileError"
import type { Entry } from "./Listing.ts"
import { isInside, type OpenedFile } from "@pagi/node/static/OpenedFile"
import { isVisible } from "@pagi/node/static/TargetPath"

/** Entries that are looked at at the same time; more would only queue for the threads that do it. */
const CONCURRENCY = 4

/** Entries that a page lists at most: each costs a system call, and a page of more is of no use to anybody. */
const LIMIT = 2000

export interface Listed {
  readonly entries: ReadonlyArray<Entry>
  /** Names beyond the limit. */
  readonly omitted: number
}

/** What is shown of a directory: its visible regular files and directories, and links to such inside the root. */
export const read = (root: string, directory: OpenedFile): Effect.Effect<Listed, NotShown | FileFailure> =>
  Effect.gen(function* () {
    const path = directory.directPath
    const all = yield* Effect.tryPromise({ try: () => fs.readdir(path), catch: fromSystem(path) })
    const visible = all.filter(isVisible)
    const names = visible.length > LIMIT ? visible.toSorted().slice(0, LIMIT) : visible
    const entries = yield* Effect.forEach(
      names,
      (name) => Effect.promise(() => inspect(root, join(path, name), name)),
      { concurrency: CONCURRENCY }
    )
    return { entries: entries.filter((entry) => entry !== undefined), omitted: visible.length - names.length }
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
