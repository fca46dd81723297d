/** What caches are told about files. */
import * as Duration from "effect/Duration"

/** How long caches may keep static files. */
export interface CacheSettings {
  /** How long a cache may use a file without asking; 0, the default, makes it ask each time, and a 304 is the answer. */
  readonly maxAge?: Duration.Input | undefined
  /** Whether files with a hash of their content in their names may be kept for a year; false by default. */
  readonly immutable?: boolean | undefined
}

/** The last part of a name before its extensions: behind a dot, a hyphen or an underscore, as bundlers write hashes. */
const lastPart = /[._-]([A-Za-z0-9_-]{8,64})(?:\.[A-Za-z][A-Za-z0-9]{0,7}){1,3}$/

/** Eight or more hexadecimal digits, not all of them decimal: that could be a date. */
const isHexadecimal = (part: string): boolean => /^[0-9a-f]{8,64}$/.test(part) && /\d/.test(part) && /[a-f]/.test(part)

/** Letters in a mixture of cases with a digit among them, as no word is: an upper-case letter follows something else. */
const isMixed = (part: string): boolean => /\d/.test(part) && /[a-z]/.test(part) && /[a-z\d_][A-Z]/.test(part)

/**
 * Whether a name has a hash of the file's content in it, as bundlers write it: `main.8f3b2c1d.js`, `index-B3xKz9aQ.css`.
 * What could be a word, a date or a version is none, so some hashes are not seen.
 */
export const hasHash = (name: string): boolean => {
  const part = lastPart.exec(name)?.[1]
  if (part === undefined) return false
  // A name may have hyphens before its hash, and a hash in base64url may have some inside.
  const last = part.slice(Math.max(part.lastIndexOf("-"), part.lastIndexOf("_")) + 1)
  return [part, last].some((text) => text.length >= 8 && (isHexadecimal(text) || isMixed(text)))
}

/** Makes what finds the value of Cache-Control for the name of a file. */
export const make = ({ immutable = false, maxAge = 0 }: CacheSettings): ((name: string) => string) => {
  const seconds = Math.floor(Duration.toSeconds(maxAge))
  const others = seconds === 0 ? "no-cache" : `public, max-age=${seconds}`
  return (name) => (immutable && hasHash(name) ? "public, max-age=31536000, immutable" : others)
}
