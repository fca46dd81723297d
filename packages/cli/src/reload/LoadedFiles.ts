/** The files that this process loads from now on, as far as they are the application's: what a reload waits for. */
import module from "node:module"
import { dirname, resolve, sep } from "node:path"
import { fileURLToPath, pathToFileURL } from "node:url"
import * as FileVersion from "./FileVersion.ts"

/** Files by their absolute paths, each with the version that was loaded. */
export type LoadedFiles = ReadonlyMap<string, string>

const isOfPackage = (path: string): boolean => path.includes(`${sep}node_modules${sep}`)

/** Where a file would be that could not be found; nothing of what is looked up in packages. */
const wanted = (specifier: string, parent: string | undefined): string | undefined => {
  try {
    if (specifier.startsWith("file:")) return fileURLToPath(specifier)
    if (!/^\.{0,2}\//.test(specifier)) return undefined
    const folder = parent?.startsWith("file:") === true ? dirname(fileURLToPath(parent)) : process.cwd()
    return resolve(folder, specifier)
  } catch {
    return undefined
  }
}

/**
 * Begins to note what is loaded, by Node's hooks, which Node 23 has from 23.5 on; before that only `entry` is noted.
 *
 * @param entry the module of the application, which may not be there yet
 * @param onFile is called with each file when it is noted
 */
export const note = (entry: string | undefined, onFile: (path: string) => void): LoadedFiles => {
  const files = new Map<string, string>()
  const add = (path: string): void => {
    if (isOfPackage(path)) return
    files.set(path, FileVersion.beforeReading(path))
    onFile(path)
  }
  if (entry !== undefined) add(resolve(entry))
  module.registerHooks?.({
    resolve: (specifier, context, nextResolve) => {
      try {
        const resolved = nextResolve(specifier, context)
        // What is loaded is what a link leads to, and it may lead somewhere else tomorrow.
        const path = resolved.url.startsWith("file:") ? wanted(specifier, context.parentURL) : undefined
        if (path !== undefined && pathToFileURL(path).href !== resolved.url.replace(/[?#].*$/, "")) add(path)
        return resolved
      } catch (error) {
        const path = wanted(specifier, context.parentURL)
        if (path !== undefined) add(path)
        throw error
      }
    },
    load: (url, context, nextLoad) => {
      if (url.startsWith("file:")) add(fileURLToPath(new URL(url.replace(/[?#].*$/, ""))))
      return nextLoad(url, context)
    }
  })
  return files
}

/** The first file that is not as it was loaded, if there is one. */
export const changed = (files: LoadedFiles): string | undefined => {
  for (const [path, version] of files) if (FileVersion.of(path) !== version) return path
  return undefined
}

/** For how many milliseconds no file has been written. */
export const quietFor = (files: LoadedFiles): number => Math.min(...[...files.keys()].map(FileVersion.age))
