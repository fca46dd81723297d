/** From the path of a request to names below the root, before the file system is asked anything. */

/** What a request asks for. */
export interface TargetPath {
  /** The names from the root to the file or directory; none for the root itself. */
  readonly names: ReadonlyArray<string>
  /** Whether the path ends with a slash, as the address of a directory does. */
  readonly endsWithSlash: boolean
}

/** The configuration files of the command, which may name secrets, and what programs make of such: `.gz`, `.bak`, `~`. */
const configuration = /^#?pagi\.config\.[cm]?(?:json|[jt]s)(?![a-z0-9])/i

/**
 * Whether a file or directory of this name is ever shown. Names with a leading dot are hidden, which `.` and `../apps` are
 * too, and configuration files. A backslash separates names on some systems and a NUL ends them on most, so neither may be
 * part of one.
 */
export const isVisible = (name: string): boolean =>
  name !== "" && !name.startsWith(".") && !/[/\\\0]/.test(name) && !configuration.test(name)

/**
 * Reads the path of a request. `undefined` when nothing that is shown can be there: a hidden name, an empty one (`//`),
 * or a slash that was percent-encoded, which belongs to a name and no name has one.
 *
 * @param path the decoded path; it is not decoded again
 * @param rawPath the same path as it was received
 */
export const parse = (path: string, rawPath: string): TargetPath | undefined => {
  if (!path.startsWith("/") || /%2f/i.test(rawPath)) return undefined
  const names = path.slice(1).split("/")
  const endsWithSlash = names.at(-1) === ""
  if (endsWithSlash) names.pop()
  return names.every(isVisible) ? { names, endsWithSlash } : undefined
}

/** The path as it is written in a URL, with a slash before each name and, for a directory, at the end. */
export const toUrlPath = (names: ReadonlyArray<string>): string =>
  `/${names.map((name) => `${encodeURIComponent(name)}/`).join("")}`
