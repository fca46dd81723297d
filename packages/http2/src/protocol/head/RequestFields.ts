/**
 * Reads the header and trailer sections of a request: which fields they may have, and what these mean (RFC 9113 §8).
 */
import { isAuthority } from "@pagi/core/http/Authority"
import { readExpect } from "@pagi/core/http/CommaList"
import type { ByteString } from "@pagi/core/bytes/ByteString"
import { isToken, isValue, parseContentLength } from "@pagi/core/http/FieldSyntax"
import type { HeaderBlock } from "@pagi/core/http/HeaderBlock"
import { readPath } from "@pagi/core/http/RequestPath"
import type { DecodedFields } from "../hpack/DecodedFields.ts"
import type { HeaderField } from "../hpack/HeaderField.ts"

/** A request without its content (RFC 9113 §8.3.1). */
export interface RequestHead {
  readonly type: "request"
  readonly method: string
  /** `:path` as received, and for a CONNECT without one `:authority`. */
  readonly target: ByteString
  readonly rawPath: ByteString
  readonly path: string
  readonly queryString: ByteString
  readonly httpVersion: "2"
  /** Without pseudo-header fields, the authority as `host`, and all cookies as one field. */
  readonly headers: HeaderBlock
  readonly contentLength: number | undefined
  /** `:protocol` of an extended CONNECT (RFC 8441 §4). */
  readonly protocol: ByteString | undefined
  /** Whether the client waits for 100 (Continue) before it sends content (RFC 9110 §10.1.1). */
  readonly expectContinue: boolean
}

/** A request that is well-formed but cannot be served. */
export interface RefusedRequest {
  readonly type: "refused"
  readonly status: number
  /** ASCII text for the content of the answer. */
  readonly message: string
  readonly isHead: boolean
}

/** The request is malformed (RFC 9113 §8.1.1), and why. */
export type Malformed = string

// What a field means, as `HeaderField.meaning` remembers it.
const ordinary = 1
const method = 2
const scheme = 3
const authority = 4
const path = 5
const protocol = 6
const te = 7
const contentLength = 8
const host = 9
const cookie = 10
const expect = 11
const malformed = 12

const meanings: ReadonlyMap<string, number> = new Map([
  [":method", method],
  [":scheme", scheme],
  [":authority", authority],
  [":path", path],
  [":protocol", protocol],
  ["te", te],
  ["content-length", contentLength],
  ["host", host],
  ["cookie", cookie],
  ["expect", expect],
  // Fields about a connection, of which HTTP/2 says everything in frames (RFC 9113 §8.2.2).
  ["connection", malformed],
  ["keep-alive", malformed],
  ["proxy-connection", malformed],
  ["transfer-encoding", malformed],
  ["upgrade", malformed]
])

const meaningOf = (field: HeaderField): number => {
  const { name, value } = field
  if (!isFieldValue(value)) return malformed
  const known = meanings.get(name)
  if (known !== undefined) return isWellFormed(known, value) ? known : malformed
  return isFieldName(name) ? ordinary : malformed
}

/** Whether the value is one that the field may have in some request. */
const isWellFormed = (meaning: number, value: ByteString): boolean => {
  switch (meaning) {
    case te:
      return value.toLowerCase() === "trailers"
    case method:
      return isToken(value)
    case authority:
      return value === "" || isAuthority(value)
    case path:
      // It begins with a slash, or is "*" for OPTIONS; as in HTTP/1.1 it has visible bytes except "#".
      return (value.startsWith("/") && !/[\0-\x20#\x7f]/.test(value)) || value === "*"
    default:
      return true
  }
}

/** Names are in lower case (RFC 9113 §8.2.1). A colon, as of an unknown pseudo-header field, is in no token. */
const isFieldName = (name: ByteString): boolean => isToken(name) && !/[A-Z]/.test(name)

/** Without blanks at either end (RFC 9113 §8.2.1). */
const isFieldValue = (value: ByteString): boolean =>
  isValue(value) && !isBlank(value.charCodeAt(0)) && !isBlank(value.charCodeAt(value.length - 1))

const isBlank = (code: number): boolean => code === 0x20 || code === 0x09

/** What has been found in the header section that is being read. */
interface Found {
  method: HeaderField | undefined
  scheme: HeaderField | undefined
  authority: HeaderField | undefined
  path: HeaderField | undefined
  protocol: HeaderField | undefined
  host: HeaderField | undefined
  contentLength: HeaderField | undefined
  expect: HeaderField | undefined
  cookies: Array<ByteString> | undefined
  /** Whether a field has come that is none of the pseudo-header fields. */
  isPseudoOver: boolean
}

const nothingFound = (): Found => ({
  method: undefined,
  scheme: undefined,
  authority: undefined,
  path: undefined,
  protocol: undefined,
  host: undefined,
  contentLength: undefined,
  expect: undefined,
  cookies: undefined,
  isPseudoOver: false
})

/**
 * Reads the header section of a request. `ends` says whether no content follows, `needsHost` whether there has to be a
 * host. Where there is none that a client could name, an absent or empty one is right, as the empty Host of HTTP/1.1 is.
 * `allowsConnect` says whether a client may ask for another protocol on its stream (RFC 8441 §3).
 */
export const readRequest = (
  list: DecodedFields,
  ends: boolean,
  needsHost: boolean,
  allowsConnect: boolean
): RequestHead | RefusedRequest | Malformed => {
  const found = nothingFound()
  const headers: Array<readonly [ByteString, ByteString]> = []
  for (const field of list.fields) {
    const problem = noteField(found, headers, field)
    if (problem !== undefined) return problem
  }
  const problem = findMissing(found, needsHost)
  if (problem !== undefined) return problem
  if (list.isTooLarge) return refuse(431, "The header section is too large", found)
  return interpret(found, headers, ends, allowsConnect)
}

type Headers = Array<readonly [ByteString, ByteString]>

const noteField = (found: Found, headers: Headers, field: HeaderField): Malformed | undefined => {
  if (field.meaning === 0) field.meaning = meaningOf(field)
  const { meaning } = field
  if (meaning === malformed) return describeMalformed(field)
  if (meaning >= method && meaning <= protocol) return notePseudo(found, headers, field)
  found.isPseudoOver = true
  if (meaning === ordinary || meaning === te) {
    headers.push(field.pair)
    return undefined
  }
  return noteRouting(found, headers, field)
}

/** What is wrong with a field that means `malformed`. */
const describeMalformed = ({ name, value }: HeaderField): Malformed => {
  const known = meanings.get(name)
  return known === undefined || known === malformed
    ? `the field ${JSON.stringify(name)} is not allowed`
    : `the value of ${name} is not allowed: ${JSON.stringify(value)}`
}

/** Pseudo-header fields come before all others, and each of them once (RFC 9113 §8.3). */
const notePseudo = (found: Found, headers: Headers, field: HeaderField): Malformed | undefined => {
  if (found.isPseudoOver) return `the field ${field.name} comes too late`
  const name = pseudoNames[field.meaning]
  if (name === undefined || found[name] !== undefined) return `there is more than one ${field.name}`
  found[name] = field
  if (name === "authority") headers.push(["host", field.value])
  return undefined
}

const pseudoNames: Readonly<Record<number, "method" | "scheme" | "authority" | "path" | "protocol">> = {
  [method]: "method",
  [scheme]: "scheme",
  [authority]: "authority",
  [path]: "path",
  [protocol]: "protocol"
}

const noteRouting = (found: Found, headers: Headers, field: HeaderField): Malformed | undefined => {
  switch (field.meaning) {
    case host:
      if (found.host !== undefined) return "there is more than one host"
      found.host = field
      // `:authority` is in its place already, and must say the same (RFC 9113 §8.3.1).
      if (found.authority === undefined) headers.push(field.pair)
      return undefined
    case cookie:
      // A place for all of them together (RFC 9113 §8.2.3).
      if (found.cookies === undefined) headers.push(field.pair)
      ;(found.cookies ??= []).push(field.value)
      return undefined
    case contentLength:
      if (found.contentLength !== undefined) return "there is more than one content-length"
      found.contentLength = field
      break
    case expect:
      found.expect = field
      break
  }
  headers.push(field.pair)
  return undefined
}

/** RFC 9113 §8.3.1 and §8.5, RFC 8441 §4. */
const findMissing = (found: Found, needsHost: boolean): Malformed | undefined => {
  if (found.method === undefined) return "there is no :method"
  if (found.protocol !== undefined && found.method.value !== "CONNECT") return ":protocol needs the method CONNECT"
  const isPlainConnect = found.method.value === "CONNECT" && found.protocol === undefined
  const named = (found.authority ?? found.host)?.value ?? ""
  if (named === "" && (needsHost || isPlainConnect)) return "there is no :authority or host"
  if (found.authority === undefined && named !== "" && !isAuthority(named)) return "host is malformed"
  if (found.authority !== undefined && found.host !== undefined && !isSameHost(found.authority, found.host)) {
    return ":authority and host are different"
  }
  if (isPlainConnect) return (found.scheme ?? found.path) ? "CONNECT has neither :scheme nor :path" : undefined
  if (found.scheme === undefined) return "there is no :scheme"
  if (found.path === undefined) return "there is no :path"
  return found.path.value === "*" && found.method.value !== "OPTIONS" ? "only OPTIONS has the path *" : undefined
}

const isSameHost = (one: HeaderField, other: HeaderField): boolean =>
  one.value === other.value || one.value.toLowerCase() === other.value.toLowerCase()

const refuse = (status: number, message: string, found: Found): RefusedRequest => ({
  type: "refused",
  status,
  message,
  isHead: found.method?.value === "HEAD"
})

const interpret = (
  found: Found,
  headers: Headers,
  ends: boolean,
  allowsConnect: boolean
): RequestHead | RefusedRequest | Malformed => {
  const target = found.path?.value ?? ""
  if (target === "") return refuse(501, "CONNECT is not supported", found)
  const parts = readPath(target)
  if (parts === undefined) return refuse(400, "The path has malformed percent-encoding or a NUL", found)
  const length = found.contentLength === undefined ? undefined : parseContentLength(found.contentLength.value)
  if (found.contentLength !== undefined && length === undefined) return "content-length is not one decimal number"
  if (ends && length !== undefined && length > 0) return "there is no content, although content-length says so"
  const { expect: expectation } = found
  const expects = expectation !== undefined && readExpect(expectation.value)
  if (expects === undefined) return refuse(417, "The only supported expectation is 100-continue", found)
  if (found.protocol !== undefined && !allowsConnect) return "extended CONNECT was not offered"
  if (found.cookies !== undefined && found.cookies.length > 1) joinCookies(headers, found.cookies)
  return {
    type: "request",
    method: found.method?.value ?? "",
    target,
    rawPath: parts.rawPath,
    path: parts.path,
    queryString: parts.queryString,
    httpVersion: "2",
    headers,
    contentLength: length,
    protocol: found.protocol?.value,
    expectContinue: expects && !ends
  }
}

const joinCookies = (headers: Headers, cookies: ReadonlyArray<ByteString>): void => {
  const index = headers.findIndex(([name]) => name === "cookie")
  headers[index] = ["cookie", cookies.join("; ")]
}

/** Reads a trailer section (RFC 9113 §8.1); fields that may not be trailers are left out. */
export const readTrailers = (
  list: DecodedFields,
  isForbidden: (name: string) => boolean
): HeaderBlock | "too-large" | Malformed => {
  if (list.isTooLarge) return "too-large"
  const headers: Headers = []
  for (const field of list.fields) {
    if (field.meaning === 0) field.meaning = meaningOf(field)
    const { meaning } = field
    if (meaning === malformed || (meaning >= method && meaning <= protocol)) {
      return `the trailer ${JSON.stringify(field.name)} is not allowed`
    }
    if (!isForbidden(field.name)) headers.push(field.pair)
  }
  return headers
}
