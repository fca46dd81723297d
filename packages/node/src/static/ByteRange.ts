/** The Range header field (RFC 9110 §14.2), for one range of bytes. */

/** A part of a file. */
export interface ByteRange {
  /** The first byte. */
  readonly start: number
  /** The byte after the last. */
  readonly end: number
}

const oneRange = /^bytes=[ \t]*(\d*)-(\d*)[ \t]*$/i

/**
 * The range that a client asks for; `undefined` when the field has to be ignored, because it is malformed, of another
 * unit, or a list. A list is ignored whatever it holds: a server may (§14.2), what asks for many ranges is rarely a
 * client that needs them, and a bound of one is the easiest to be sure of.
 *
 * @param size the length of the whole file in bytes
 */
export const parse = (field: string, size: number): ByteRange | "unsatisfiable" | undefined => {
  const match = oneRange.exec(field)
  if (match === null) return undefined
  const [, first = "", last = ""] = match
  if (first === "") return last === "" ? undefined : suffix(Number(last), size)
  const start = Number(first)
  if (last !== "" && Number(last) < start) return undefined
  if (start >= size) return "unsatisfiable"
  return { start, end: last === "" ? size : Math.min(Number(last) + 1, size) }
}

const suffix = (length: number, size: number): ByteRange | "unsatisfiable" =>
  length === 0 || size === 0 ? "unsatisfiable" : { start: Math.max(0, size - length), end: size }
