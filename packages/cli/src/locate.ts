/**
 * The program that finds the place of a syntax error (`SyntaxPlace`): node [flags] locate.ts URL MESSAGE. Reads the module
 * and all that it imports, without running any of it, and fails with the first error of this message: the place of an
 * error is in nothing that a program can see of it, only in what Node prints of one that nobody catches.
 */
import { readFileSync } from "node:fs"
import { stripTypeScriptTypes } from "node:module"
import { SourceTextModule } from "node:vm"

const isScript = (url: string): boolean => /^file:.*\.[cm]?[jt]s$/.test(url)

const sourceOf = (url: string): string => {
  const text = readFileSync(new URL(url), "utf8")
  return /\.[cm]?ts$/.test(url) ? stripTypeScriptTypes(text) : text
}

/** What a module imports when it begins, and what it imports later by a name that is written out. */
const requestsOf = (source: string, module: SourceTextModule): ReadonlyArray<string> => [
  ...module.dependencySpecifiers,
  ...Array.from(source.matchAll(/\bimport\s*\(\s*(["'])([^"'\\\n]+)\1/g), ([, , specifier = ""]) => specifier)
]

const resolve = (specifier: string, parent: string): string | undefined => {
  try {
    return import.meta.resolve(specifier, parent)
  } catch {
    return undefined
  }
}

const look = (entry: string, message: string): void => {
  const urls = new Set([entry])
  // A set is also iterated over what is added meanwhile.
  for (const url of urls) {
    try {
      const source = sourceOf(url)
      const module = new SourceTextModule(source, { identifier: url })
      for (const specifier of requestsOf(source, module)) {
        const imported = resolve(specifier, url)
        if (imported !== undefined && isScript(imported)) urls.add(imported)
      }
    } catch (error) {
      // Another one may be of a file that is no module at all.
      if (error instanceof SyntaxError && error.message === message) throw error
    }
  }
}

const [entry = "", message = ""] = process.argv.slice(2)
look(entry, message)
