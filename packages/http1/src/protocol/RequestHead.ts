import { isHost } from "@pagi/core/http/Authority"
import { type ByteString, fromBytes } from "@pagi/core/bytes/ByteString"
import { listElements, readExpect } from "@pagi/core/http/CommaList"
import { CR, isTarget, isToken, LF, SP } from "./ByteClass.ts"
import { requestBodyLength } from "./BodyLength.ts"
import { readFields, scanFields } from "./FieldSection.ts"
import type { Limits } from "./Limits.ts"
import { protocolError, type ProtocolError } from "./ProtocolError.ts"
import { parseTarget } from "./RequestTarget.ts"
import { combineCookies, gatherRoutingFields, type RoutingFields } from "./RoutingFields.ts"

/** A request without its body (RFC 9112 §3 and §5, RFC 9110 §6). */
export interface RequestHead {
  readonly type: "request"
  /** A token, its case as received. */
  readonly method: string
  /** The request-target as received. */
  readonly target: ByteString
  /** The path as received, without the query; "*" for `OPTIONS *`, "/" for an absolute form without a path. */
  readonly rawPath: ByteString
  /** `rawPath` percent-decoded, then decoded as UTF-8. */
  readonly path: string
  /** Without the "?". */
  readonly queryString: ByteString
  readonly httpVersion: "1.0" | "1.1"
  /** Lower-case names in arrival order, duplicates kept; several Cookie fields are one, joined with "; ". */
  readonly headers: Array<[name: string, value: string]>
  /** Content-Length, 0 without a body, -1 for chunked. */
  readonly bodyLength: number
  /** Whether the client wants the connection to persist (RFC 9112 §9.3). */
  readonly keepAlive: boolean
  /** Whether the client waits for 100 (Continue) before it sends the body (RFC 9110 §10.1.1); HTTP/1.1 only. */
  readonly expectContinue: boolean
  /** The Upgrade field in lower case, when Connection lists it (RFC 9110 §7.8); HTTP/1.1 only. */
  readonly upgrade: string | undefined
}

/** `HTTP/x.y` and the CRLF behind it. */
const VERSION_LENGTH = 8

/**
 * Parses the complete head in `bytes` from `start` up to `end`, the index behind its empty line. Field names are put
 * into lower case in place, so that the whole head becomes a string once and every part of it is a slice.
 */
export const parseRequestHead = (
  bytes: Uint8Array,
  start: number,
  end: number,
  limits: Limits
): RequestHead | ProtocolError => {
  const methodEnd = skip(bytes, start, isToken)
  const targetEnd = skip(bytes, methodEnd + 1, isTarget)
  const httpVersion = readRequestLine(bytes, start, methodEnd, targetEnd)
  if (typeof httpVersion !== "string") return httpVersion
  const versionEnd = targetEnd + 1 + VERSION_LENGTH
  const count = scanFields(bytes, versionEnd + 2, end)
  if (typeof count !== "number") return count
  const text = fromBytes(bytes, start, end)
  const method = text.slice(0, methodEnd - start)
  const target = text.slice(methodEnd + 1 - start, targetEnd - start)
  return interpretHead(method, target, httpVersion, readFields(text, start, count), limits)
}

/** What is wrong with the request line that begins at `start`, and has come whole, before its fields have. */
export const requestLineProblem = (bytes: Uint8Array, start: number): ProtocolError | undefined => {
  const methodEnd = skip(bytes, start, isToken)
  const version = readRequestLine(bytes, start, methodEnd, skip(bytes, methodEnd + 1, isTarget))
  return typeof version === "string" ? undefined : version
}

/** Whether so many bytes from `start` on are all of a method. */
export const isMethodLongerThan = (bytes: Uint8Array, start: number, length: number): boolean =>
  skip(bytes, start, isToken) - start > length

/** The version in a request line, with a method and a target that end before these indices (RFC 9112 §3). */
const readRequestLine = (
  bytes: Uint8Array,
  start: number,
  methodEnd: number,
  targetEnd: number
): "1.0" | "1.1" | ProtocolError =>
  methodEnd === start || bytes[methodEnd] !== SP || targetEnd === methodEnd + 1 || bytes[targetEnd] !== SP
    ? protocolError("malformed-request-line")
    : readVersion(bytes, targetEnd + 1)

const skip = (bytes: Uint8Array, start: number, allowed: Uint8Array): number => {
  let index = start
  while (allowed[bytes[index] ?? 0] === 1) index++
  return index
}

/**
 * Reads `HTTP-version` (RFC 9112 §2.3) and demands that it ends the line; its name is case-sensitive. A higher minor
 * version than there is counts as the highest (RFC 9110 §6.2).
 */
const readVersion = (bytes: Uint8Array, start: number): "1.0" | "1.1" | ProtocolError => {
  const isHttp =
    bytes[start] === 0x48 &&
    bytes[start + 1] === 0x54 &&
    bytes[start + 2] === 0x54 &&
    bytes[start + 3] === 0x50 &&
    bytes[start + 4] === 0x2f &&
    bytes[start + 6] === 0x2e &&
    bytes[start + VERSION_LENGTH] === CR &&
    bytes[start + VERSION_LENGTH + 1] === LF
  const major = (bytes[start + 5] ?? 0) - 0x30
  const minor = (bytes[start + 7] ?? 0) - 0x30
  if (!isHttp || !isDigit(major) || !isDigit(minor)) return protocolError("malformed-request-line")
  if (major !== 1) return protocolError("unsupported-version")
  return minor === 0 ? "1.0" : "1.1"
}

const isDigit = (value: number): boolean => value >= 0 && value <= 9

/** Gives a head that is correct in form its meaning. */
const interpretHead = (
  method: string,
  target: ByteString,
  httpVersion: "1.0" | "1.1",
  fields: Array<[string, string]>,
  limits: Limits
): RequestHead | ProtocolError => {
  if (method === "CONNECT") return protocolError("connect-unsupported")
  const parts = parseTarget(method, target)
  if ("type" in parts) return parts
  const routing = gatherRoutingFields(fields)
  const problem = checkHost(routing, httpVersion)
  if (problem !== undefined) return problem
  const { expect } = routing
  const expectsContinue = expect !== undefined && readExpect(expect)
  if (expectsContinue === undefined) return protocolError("unknown-expectation")
  const bodyLength = requestBodyLength(routing, httpVersion, limits)
  if (typeof bodyLength !== "number") return bodyLength
  const headers = routing.cookieCount > 1 ? combineCookies(fields) : fields
  if (parts.authority !== undefined) replaceHost(headers, parts.authority)
  const options = routing.connection === undefined ? noOptions : listElements(routing.connection.toLowerCase())
  return {
    type: "request",
    method,
    target,
    rawPath: parts.rawPath,
    path: parts.path,
    queryString: parts.queryString,
    httpVersion,
    headers,
    bodyLength,
    keepAlive: !options.includes("close") && (httpVersion === "1.1" || options.includes("keep-alive")),
    // From an HTTP/1.0 client it is ignored (RFC 9110 §10.1.1).
    expectContinue: expectsContinue && httpVersion === "1.1" && bodyLength !== 0,
    upgrade: httpVersion === "1.1" && options.includes("upgrade") ? routing.upgrade?.toLowerCase() : undefined
  }
}

const noOptions: ReadonlyArray<string> = []

/** HTTP/1.1 needs exactly one valid Host (RFC 9112 §3.2); HTTP/1.0 may do without. */
const checkHost = ({ host, hostCount }: RoutingFields, httpVersion: "1.0" | "1.1"): ProtocolError | undefined => {
  if (host === undefined) return httpVersion === "1.0" ? undefined : protocolError("missing-host")
  if (hostCount > 1) return protocolError("duplicate-host")
  return isHost(host) ? undefined : protocolError("invalid-host")
}

/** The authority of an absolute form counts, not what Host says (RFC 9112 §3.2.2). */
const replaceHost = (headers: Array<[string, string]>, authority: ByteString): void => {
  const host = headers.find(([name]) => name === "host")
  if (host === undefined) headers.push(["host", authority])
  else host[1] = authority
}
