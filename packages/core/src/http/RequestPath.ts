/** The path and the query of a request's target: taken apart, percent-decoded, and read as UTF-8. */
import { type ByteString, decodeUtf8 } from "../bytes/ByteString.ts"
import { digitAt } from "../bytes/Hexadecimal.ts"

const PERCENT = 0x25

/** Undoes percent-encoding (RFC 3986 §2.1) from the first "%" on; `undefined` when it is malformed. */
const percentDecode = (text: ByteString, firstPercent: number): ByteString | undefined => {
  let decoded = ""
  let literalStart = 0
  for (let at = firstPercent; at !== -1; at = text.indexOf("%", literalStart)) {
    const high = digitAt(text, at + 1)
    const low = digitAt(text, at + 2)
    if (high === undefined || low === undefined) return undefined
    decoded += text.slice(literalStart, at) + String.fromCharCode(high * 16 + low)
    literalStart = at + 3
  }
  return decoded + text.slice(literalStart)
}

/**
 * The path that an application sees: percent-decoded once, then decoded as UTF-8; when the bytes are not valid UTF-8
 * they stay as they are, one code unit each. `undefined` for malformed percent-encoding and for a NUL, encoded or not,
 * because a path that is cut short at a NUL names something else than the path that was checked.
 */
export const decode = (rawPath: ByteString): string | undefined => {
  let isAscii = true
  let firstPercent = -1
  for (let index = 0; index < rawPath.length; index++) {
    const code = rawPath.charCodeAt(index)
    if (code === PERCENT) {
      firstPercent = index
      break
    }
    if (code === 0) return undefined
    if (code > 0x7f) isAscii = false
  }
  if (firstPercent === -1) return isAscii ? rawPath : (decodeUtf8(rawPath) ?? rawPath)
  const bytes = percentDecode(rawPath, firstPercent)
  if (bytes === undefined || bytes.includes("\0")) return undefined
  return decodeUtf8(bytes) ?? bytes
}

/** A request target in origin form (RFC 9112 §3.2.1, `:path` of RFC 9113 §8.3.1), taken apart. */
export interface PathParts {
  /** As received, without the query. */
  readonly rawPath: ByteString
  /** `rawPath` as `decode` gives it. */
  readonly path: string
  /** Without the "?". */
  readonly queryString: ByteString
}

/** Takes a target apart; `undefined` when its path is malformed. */
export const readPath = (target: ByteString): PathParts | undefined => {
  const rawPath = withoutQuery(target)
  const path = decode(rawPath)
  if (path === undefined) return undefined
  return { rawPath, path, queryString: target.slice(rawPath.length + 1) }
}

/** The target that `readPath` takes apart so. */
export const joinTarget = ({ queryString, rawPath }: Pick<PathParts, "queryString" | "rawPath">): ByteString =>
  queryString === "" ? rawPath : `${rawPath}?${queryString}`

/** A target without its query, which may have secrets. */
export const withoutQuery = (target: ByteString): ByteString => {
  const queryMark = target.indexOf("?")
  return queryMark === -1 ? target : target.slice(0, queryMark)
}
