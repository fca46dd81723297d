/** From what an application names by a field to a file below one of the folders that it may. */
import { decodeUtf8 } from "@pagi/core/bytes/ByteString"
import type { HeaderBlock } from "@pagi/core/http/HeaderBlock"
import { readPath } from "@pagi/core/http/RequestPath"
import { isAbsolute, relative, resolve, sep } from "node:path"
import * as TargetPath from "../static/TargetPath.ts"

/** A folder that has been found. */
export interface SendFolder {
  /** Without a slash at the end. */
  readonly prefix: string
  /** As it was given, made absolute. */
  readonly folder: string
  /** The same without symbolic links. */
  readonly root: string
}

/** A file below a folder. */
export interface SentPath {
  readonly root: string
  readonly names: ReadonlyArray<string>
}

/** The fields that name files. */
export type SendField = "x-sendfile" | "x-accel-redirect"

/** What a response names, if it does; the first field counts. */
export const fieldOf = (headers: HeaderBlock): readonly [SendField, string] | undefined => {
  for (const [given, value] of headers) {
    const name = given.toLowerCase()
    if (name === "x-sendfile" || name === "x-accel-redirect") return [name, value]
  }
  return undefined
}

/** The file by an absolute path of the file system. */
const ofPath = (folders: ReadonlyArray<SendFolder>, path: string): SentPath | undefined => {
  if (!isAbsolute(path) || path.includes("\0")) return undefined
  for (const { folder, root } of folders) {
    for (const start of [folder, root]) {
      const names = relative(start, resolve(path)).split(sep)
      if (names.every(TargetPath.isVisible)) return { root, names }
    }
  }
  return undefined
}

/** The file by a path as in a URL, below the longest prefix that there is. */
const ofUrl = (folders: ReadonlyArray<SendFolder>, url: string): SentPath | undefined => {
  const parts = readPath(url)
  if (parts === undefined) return undefined
  const { path, rawPath } = parts
  const [found] = folders
    .filter(({ prefix }) => path.startsWith(`${prefix}/`))
    .toSorted((left, right) => right.prefix.length - left.prefix.length)
  const target = found && TargetPath.parse(path.slice(found.prefix.length), rawPath)
  return found === undefined || target === undefined || target.endsWithSlash
    ? undefined
    : { root: found.root, names: target.names }
}

/** The file that a field names; nothing for what is outside the folders, hidden, or no path. */
export const read = (
  folders: ReadonlyArray<SendFolder>,
  [name, value]: readonly [SendField, string]
): SentPath | undefined => (name === "x-sendfile" ? ofPath(folders, decodeUtf8(value) ?? value) : ofUrl(folders, value))
