/** Conditional requests (RFC 9110 §13). */
import { valuesOf } from "@pagi/core/http/CommaList"
import type { HeaderBlock } from "@pagi/core/http/HeaderBlock"
import * as DateTime from "effect/DateTime"
import { parseHttpDate } from "effect/http/Headers"
import * as Result from "effect/Result"
import { isStrong, type Validators } from "./Validators.ts"

/** What the preconditions of a GET or HEAD request come to: the answer itself, 304 or 412. */
export type Outcome = "proceed" | "notModified" | "failed"

/** The value of a field that may be given once; a field given twice has none. */
export const single = (headers: HeaderBlock, name: string): string | undefined => {
  const [value, ...others] = valuesOf(headers, name)
  return others.length === 0 ? value : undefined
}

/** The value of a list, which may be spread over several fields (RFC 9110 §5.3). */
const list = (headers: HeaderBlock, name: string): string | undefined => {
  const values = valuesOf(headers, name)
  return values.length === 0 ? undefined : values.join(", ")
}

/** An HTTP date in milliseconds since 1970; `undefined` when it is none, so that the field is ignored (§13.1.3). */
const date = (headers: HeaderBlock, name: string): number | undefined => {
  const text = single(headers, name)
  if (text === undefined) return undefined
  return Result.getOrUndefined(Result.map(parseHttpDate(text), DateTime.toEpochMillis))
}

const entityTags = (field: string): ReadonlyArray<string> => field.match(/(?:W\/)?"[\x21\x23-\x7e\x80-\xff]*"/g) ?? []
const opaque = (entityTag: string): string => entityTag.replace(/^W\//, "")

/** Strong comparison (§8.8.3.2), as If-Match asks for: neither tag is weak. */
const matchesStrongly = (field: string, entityTag: string): boolean =>
  field.trim() === "*" || (isStrong(entityTag) && entityTags(field).includes(entityTag))

/** Weak comparison, as If-None-Match asks for. */
const matchesWeakly = (field: string, entityTag: string): boolean =>
  field.trim() === "*" || entityTags(field).some((tag) => opaque(tag) === opaque(entityTag))

/** Evaluates the preconditions of a GET or HEAD request in the order of RFC 9110 §13.2.2. */
export const evaluate = (headers: HeaderBlock, { entityTag, lastModified }: Validators): Outcome => {
  const ifMatch = list(headers, "if-match")
  if (ifMatch !== undefined) {
    if (!matchesStrongly(ifMatch, entityTag)) return "failed"
  } else {
    const ifUnmodifiedSince = date(headers, "if-unmodified-since")
    if (ifUnmodifiedSince !== undefined && lastModified > ifUnmodifiedSince) return "failed"
  }
  const ifNoneMatch = list(headers, "if-none-match")
  if (ifNoneMatch !== undefined) return matchesWeakly(ifNoneMatch, entityTag) ? "notModified" : "proceed"
  const ifModifiedSince = date(headers, "if-modified-since")
  return ifModifiedSince !== undefined && lastModified <= ifModifiedSince ? "notModified" : "proceed"
}

/**
 * Whether a Range field counts (RFC 9110 §13.1.5). A tag must match strongly, and a date exactly. A date is as good as the
 * tag is strong: the file has been left alone for longer than the second that the date stands for (§8.8.2.2).
 */
export const allowsRange = (headers: HeaderBlock, { entityTag, lastModified }: Validators): boolean => {
  if (valuesOf(headers, "if-range").length === 0) return true
  const value = single(headers, "if-range")?.trim()
  if (value === undefined || !isStrong(entityTag)) return false
  return value === entityTag || date(headers, "if-range") === lastModified
}
