/** The opening handshake from the server's side (RFC 6455 §4.2 over HTTP/1.1, RFC 8441 §5 over HTTP/2). */
import type { ByteString } from "@pagi/core/bytes/ByteString"
import { listElements, valuesOf } from "@pagi/core/http/CommaList"
import { isToken } from "@pagi/core/http/FieldSyntax"
import type { HeaderBlock } from "@pagi/core/http/HeaderBlock"
import { parseExtensions } from "./ExtensionList.ts"

/** What must be known of a request so that it can become a session. */
export interface Handshake {
  /** Sec-WebSocket-Key; absent over HTTP/2, where nothing has to be proven (RFC 8441 §5). */
  readonly key: ByteString | undefined
  /** What the client offers, in its order of preference. */
  readonly subprotocols: ReadonlyArray<string>
  /** All that Sec-WebSocket-Extensions offers, as one field. */
  readonly extensions: ByteString | undefined
}

/** Why a request cannot become a session, and how to answer it. */
export interface HandshakeProblem {
  readonly type: "error"
  readonly status: 400 | 426
  /** ASCII text for the log and for the content of the answer. */
  readonly message: string
  /** Fields of the answer. */
  readonly headers: HeaderBlock
}

/** A request that asks for a WebSocket: over HTTP/1.1 by Upgrade and Connection, over HTTP/2 by its `:protocol`. */
export interface HandshakeRequest {
  readonly method: string
  readonly httpVersion: "1.0" | "1.1" | "2"
  readonly headers: HeaderBlock
}

const VERSION = "13"

/** Base64 of 16 bytes: the last digit stands for two bits, the four others of it are zero. */
const keyPattern = /^[A-Za-z0-9+/]{21}[AQgw]==$/

/** Reads what a client sends to open a connection (RFC 6455 §4.2.1). */
export const readHandshake = (head: HandshakeRequest): Handshake | HandshakeProblem => {
  const isUpgrade = head.httpVersion !== "2"
  if (isUpgrade && head.method !== "GET") return refuse("A WebSocket handshake needs the method GET")
  const problem = findVersionProblem(head)
  if (problem !== undefined) return problem
  const key = isUpgrade ? findKey(head.headers) : undefined
  if (isUpgrade && key === undefined) return refuse("Sec-WebSocket-Key must be base64 of 16 bytes")
  const subprotocols = readSubprotocols(head.headers)
  if (subprotocols === undefined) return refuse("Sec-WebSocket-Protocol must be a list of different tokens")
  const offers = valuesOf(head.headers, "sec-websocket-extensions")
  const extensions = offers.length === 0 ? undefined : offers.join(", ")
  if (extensions !== undefined && parseExtensions(extensions) === undefined) {
    return refuse("Sec-WebSocket-Extensions is malformed")
  }
  return { key, subprotocols, extensions }
}

const refuse = (message: string): HandshakeProblem => ({ type: "error", status: 400, message, headers: [] })

/** A client that speaks another version is told which one there is (RFC 6455 §4.4, RFC 9110 §15.5.22). */
const findVersionProblem = ({ headers, httpVersion }: HandshakeRequest): HandshakeProblem | undefined => {
  const [version, another] = valuesOf(headers, "sec-websocket-version")
  if (another !== undefined) return refuse("There is more than one Sec-WebSocket-Version header")
  if (version === VERSION) return undefined
  const spoken = ["sec-websocket-version", VERSION] as const
  return {
    type: "error",
    status: 426,
    message: `The only supported version of the WebSocket protocol is ${VERSION}`,
    headers: httpVersion === "2" ? [spoken] : [...upgradeFields, spoken]
  }
}

const upgradeFields: HeaderBlock = [
  ["upgrade", "websocket"],
  ["connection", "upgrade"]
]

const findKey = (headers: HeaderBlock): ByteString | undefined => {
  const [key, another] = valuesOf(headers, "sec-websocket-key")
  return key !== undefined && another === undefined && keyPattern.test(key) ? key : undefined
}

/** The elements of all fields have to be different, and none may be empty (RFC 6455 §4.1). */
const readSubprotocols = (headers: HeaderBlock): ReadonlyArray<string> | undefined => {
  const offered = valuesOf(headers, "sec-websocket-protocol").flatMap(listElements)
  return offered.every(isToken) && new Set(offered).size === offered.length ? offered : undefined
}

/** The text whose SHA-1, in base64, proves that the handshake was understood (RFC 6455 §4.2.2). */
export const acceptKeyInput = (key: ByteString): ByteString => `${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`

/**
 * The fields that complete a handshake, in a response with 101 or over HTTP/2 with 200. `accept` is the proof, which
 * HTTP/2 does without as it does without an upgrade; `subprotocol` one of those offered; `extension` what was agreed on.
 */
export const responseFields = (
  accept: ByteString | undefined,
  subprotocol: string | undefined,
  extension: ByteString | undefined
): HeaderBlock => {
  const fields: Array<readonly [string, ByteString]> = []
  if (accept !== undefined) fields.push(...upgradeFields, ["sec-websocket-accept", accept])
  if (subprotocol !== undefined) fields.push(["sec-websocket-protocol", subprotocol])
  if (extension !== undefined) fields.push(["sec-websocket-extensions", extension])
  return fields
}
