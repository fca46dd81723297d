/** The files that somebody has named to be watched, by their paths, by folders, and by globs. */
import { existsSync, globSync, statSync } from "node:fs"
import { join, resolve } from "node:path"

const skipped = new Set(["node_modules", ".git"])

const filesOf = (pattern: string): ReadonlyArray<string> =>
  globSync(pattern, { exclude: (name) => skipped.has(name) }).map((file) => resolve(file))

const isFolder = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isDirectory() === true

/** The absolute paths of what is named; a path without a file is one that may come. */
export const find = (include: ReadonlyArray<string>): ReadonlyArray<string> =>
  include.flatMap((one) => {
    try {
      if (isFolder(one)) return filesOf(join(one, "**"))
      if (existsSync(one) || !/[*?[{]/.test(one)) return [resolve(one)]
      return filesOf(one)
    } catch {
      return []
    }
  })
