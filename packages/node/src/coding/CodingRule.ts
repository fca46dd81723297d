/** Which responses are compressed, and what their fields say then. */
import { listElements } from "@pagi/core/http/CommaList"
import { parseContentLength } from "@pagi/core/http/FieldSyntax"
import type { HeaderBlock } from "@pagi/core/http/HeaderBlock"
import { isWithoutContent } from "@pagi/core/http/ResponseStatus"
import { type Coding, isCompressible } from "../static/ContentCoding.ts"

/** The values of fields with this name, which may be in any case. */
const valuesOf = (headers: HeaderBlock, name: string): ReadonlyArray<string> =>
  headers.filter((field) => field[0].toLowerCase() === name).map((field) => field[1])

/** The elements of a list in lower case. */
const elementsOf = (headers: HeaderBlock, name: string): ReadonlyArray<string> =>
  valuesOf(headers, name).flatMap((value) => listElements(value.toLowerCase()))

/**
 * Fields of responses that stay as they are: those that are compressed, are a part of something (RFC 9110 §14.4), or have
 * a digest of their content (RFC 9530), which another coding would make a wrong one.
 */
const forbidding = new Set([
  "content-encoding",
  "content-range",
  "content-md5",
  "digest",
  "content-digest",
  "repr-digest",
  "transfer-encoding"
])

/**
 * The content of this type comes in events, for which each is waited. They are short, a stream of them lasts, and so does
 * the memory of its coder.
 */
const eventStream = "text/event-stream"

/** Whether the content of a response can be compressed, whoever asks for it. */
export const isCandidate = (status: number, headers: HeaderBlock): boolean => {
  // 206 is a part of something, also if it does not say of what.
  if (isWithoutContent(status) || status === 206) return false
  const [type, ...others] = valuesOf(headers, "content-type")
  if (type === undefined || others.length > 0 || !isCompressible(type)) return false
  if (type.trim().toLowerCase().startsWith(eventStream)) return false
  return (
    !headers.some(([name]) => forbidding.has(name.toLowerCase())) &&
    !elementsOf(headers, "cache-control").includes("no-transform")
  )
}

/** The length that a response declares: `undefined` without one, `invalid` for what the server is going to refuse. */
export const declaredLength = (headers: HeaderBlock): number | "invalid" | undefined => {
  const [value, ...others] = valuesOf(headers, "content-length")
  if (value === undefined) return undefined
  return (others.length === 0 ? parseContentLength(value) : undefined) ?? "invalid"
}

const coded = "accept-encoding"

/** Says that the content depends on what codings the client takes (RFC 9110 §12.5.5). */
export const withVary = (headers: HeaderBlock): HeaderBlock => {
  const names = elementsOf(headers, "vary")
  return names.includes(coded) || names.includes("*") ? headers : [...headers, ["vary", coded]]
}

/** The tag of something that means the same, and is not the same byte for byte (RFC 9110 §8.8.1). */
const weaken = (entityTag: string): string => (entityTag.startsWith("W/") ? entityTag : `W/${entityTag}`)

/** The fields of a response whose content is compressed: without those that are about bytes which nobody gets. */
export const codedFields = (headers: HeaderBlock, coding: Coding): HeaderBlock => {
  const fields: Array<readonly [string, string]> = []
  for (const field of headers) {
    const name = field[0].toLowerCase()
    if (name === "etag") fields.push([field[0], weaken(field[1])])
    else if (name !== "content-length" && name !== "accept-ranges") fields.push(field)
  }
  return withVary([...fields, ["content-encoding", coding]])
}

/**
 * The fields of a 304. A client that has compressed content asks by its weak tag; the answer has to name the same one, for
 * caches look up by it what they have (RFC 9111 §4.3.4).
 */
export const notModifiedFields = (headers: HeaderBlock, request: HeaderBlock): HeaderBlock => {
  const [tag] = valuesOf(headers, "etag")
  if (tag === undefined || tag.startsWith("W/")) return headers
  const asked = new Set(valuesOf(request, "if-none-match").flatMap(listElements))
  if (!asked.has(weaken(tag)) || asked.has(tag)) return headers
  return withVary(headers.map((field) => (field[0].toLowerCase() === "etag" ? [field[0], weaken(tag)] : field)))
}
