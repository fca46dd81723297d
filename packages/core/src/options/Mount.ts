/** Folders whose files are served below a prefix of paths. */
import { type Kind, list } from "./OptionKind.ts"

/** A folder, and below which prefix of paths its files are. */
export interface Mount {
  /** Begins with a slash; `/` alone is for all paths. */
  readonly prefix: string
  /** A path of the file system, relative to the current directory or absolute. */
  readonly folder: string
}

/** Prefixes are compared with decoded paths, and have no empty or hidden name in them. */
const isPrefix = (prefix: string): boolean => prefix === "/" || /^(?:\/[^/\\%?#\0.][^/\\%?#\0]*)+\/?$/.test(prefix)

/** Reads `/assets=./public`; nothing of a text that is not so. */
const parse = (text: string): Mount | undefined => {
  const equals = text.indexOf("=")
  if (equals === -1) return undefined
  return { prefix: text.slice(0, equals), folder: text.slice(equals + 1) }
}

/** One of them; programs may give an object, too. */
const kind: Kind<Mount, Mount | string> = {
  expected: "a prefix of paths and a folder, such as /assets=./public",
  placeholder: "PREFIX=FOLDER",
  accept: (input) => {
    const mount = typeof input === "string" ? parse(input) : input
    if (typeof mount !== "object" || mount === null) return undefined
    const { folder, prefix } = mount
    const isSound = typeof prefix === "string" && isPrefix(prefix) && typeof folder === "string"
    return isSound && folder !== "" && !folder.includes("\0") ? { prefix, folder } : undefined
  },
  fromText: (text) => text,
  toText: ({ folder, prefix }) => `${prefix}=${folder}`
}

/** Several of them. */
export const mountsKind: Kind<ReadonlyArray<Mount>, ReadonlyArray<Mount | string>> = list(kind, 1)
