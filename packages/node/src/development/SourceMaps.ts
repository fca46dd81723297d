/** Where a place of a generated file is in the file that it was generated from, if that file says so by a source map. */
import { readFileSync, statSync } from "node:fs"
import { SourceMap, type SourceMapPayload } from "node:module"
import { dirname, extname, resolve } from "node:path"
import { fileURLToPath, pathToFileURL } from "node:url"
import type { Place } from "./StackFrames.ts"

/** A place in a file that was written by a person, with the file's text if the map has it. */
export interface Original {
  readonly place: Place
  readonly content: string | undefined
}

/** Bytes of a file or map beyond which it is not looked at. */
const largestFile = 16 * 2 ** 20

interface LoadedMap {
  readonly map: SourceMap
  readonly payload: SourceMapPayload
  /** What its paths start from. */
  readonly base: string
}

/** Whether it is a file of JavaScript or TypeScript. A stack is a text that anybody can have written, and could name any file. */
export const isScript = (file: string): boolean => /^\.[cm]?[jt]sx?$/.test(extname(file))

/** The text of a file, unless it is missing, no file, or beyond all measure. */
export const textOf = (file: string, largest: number): string | undefined => {
  try {
    const status = statSync(file)
    return status.isFile() && status.size <= largest ? readFileSync(file, "utf8") : undefined
  } catch {
    return undefined
  }
}

const inlineMap = /^data:application\/json;(?:charset=[^;,]+;)?base64,/

const referenceOf = (text: string): string | undefined => {
  const start = text.lastIndexOf("//# sourceMappingURL=")
  if (start === -1) return undefined
  const [reference = ""] = text.slice(start + "//# sourceMappingURL=".length).split(/[\s"'`]/, 1)
  return reference === "" ? undefined : reference
}

const load = (file: string): LoadedMap | undefined => {
  if (!isScript(file)) return undefined
  const text = textOf(file, largestFile)
  const reference = text === undefined ? undefined : referenceOf(text)
  if (reference === undefined) return undefined
  try {
    if (reference.startsWith("data:")) {
      if (!inlineMap.test(reference)) return undefined
      return make(Buffer.from(reference.slice(reference.indexOf(",") + 1), "base64").toString(), dirname(file))
    }
    const url = new URL(reference, pathToFileURL(file))
    if (url.protocol !== "file:") return undefined
    const path = fileURLToPath(url)
    const content = textOf(path, largestFile)
    return content === undefined ? undefined : make(content, dirname(path))
  } catch {
    return undefined
  }
}

const make = (json: string, base: string): LoadedMap => {
  const payload = JSON.parse(json) as SourceMapPayload // The class below throws for what is none.
  return { map: new SourceMap(payload), payload, base }
}

/** Source maps that have been looked for. */
export class SourceMaps {
  readonly #maps = new Map<string, LoadedMap | undefined>()

  #of(file: string): LoadedMap | undefined {
    if (!this.#maps.has(file)) this.#maps.set(file, load(file))
    return this.#maps.get(file)
  }

  /** What a place was made from; `undefined` for a place in a file that was not generated, as far as is known. */
  original(place: Place): Original | undefined {
    const found = this.#of(place.file)
    try {
      return found && originalIn(found, place)
    } catch {
      // Of something that is no map, or leads to no file.
      return undefined
    }
  }
}

const originalIn = (found: LoadedMap, { column, line }: Place): Original | undefined => {
  const entry = found.map.findEntry(line - 1, column - 1)
  if (!("originalSource" in entry) || typeof entry.originalSource !== "string") return undefined
  const { originalColumn, originalLine, originalSource } = entry
  const path = originalSource.startsWith("file:") ? fileURLToPath(originalSource) : resolve(found.base, originalSource)
  const { sources, sourcesContent } = found.payload
  const index = sources.findIndex((source) => originalSource.endsWith(source))
  const content: unknown = index === -1 ? undefined : sourcesContent?.[index]
  return {
    place: { file: path, line: originalLine + 1, column: originalColumn + 1 },
    content: typeof content === "string" ? content : undefined
  }
}
