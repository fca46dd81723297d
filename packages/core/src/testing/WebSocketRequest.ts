import { listElements, valuesOf } from "../http/CommaList.ts"
import { isToken } from "../http/FieldSyntax.ts"
import type { HeaderBlock } from "../http/HeaderBlock.ts"
import type { HttpRequestHead } from "../exchange/RequestScope.ts"
import { makeHead, type TestRequest } from "./TestRequest.ts"

/** A WebSocket handshake as a test writes it. The client adds the fields that make it one, unless they are given. */
export interface WebSocketRequest extends Pick<TestRequest, "path" | "headers"> {
  /** What the client offers, in its order; nothing by default. */
  readonly subprotocols?: ReadonlyArray<string>
}

/** The head as a server reports it, and what it makes of the offered subprotocols. */
export interface Handshake {
  readonly head: HttpRequestHead
  readonly subprotocols: ReadonlyArray<string>
}

/** The fields of RFC 6455 §4.1. The key only has to look like one, since nobody checks the answer. */
const handshakeFields = (subprotocols: ReadonlyArray<string>): HeaderBlock => [
  ["connection", "Upgrade"],
  ["upgrade", "websocket"],
  ["sec-websocket-version", "13"],
  ["sec-websocket-key", "AAECAwQFBgcICQoLDA0ODw=="],
  ...(subprotocols.length === 0 ? [] : [["sec-websocket-protocol", subprotocols.join(", ")] as const])
]

/** Answers `undefined` for a handshake that a server answers with 400. */
export const makeHandshake = (request: WebSocketRequest): Handshake | undefined => {
  const { headers = [], subprotocols: offered = [] } = request
  const given = new Set(headers.map(([name]) => name.toLowerCase()))
  const added = handshakeFields(offered).filter(([name]) => !given.has(name))
  const head = makeHead({ ...request, headers: [...added, ...headers] })
  if (head === undefined) return undefined
  const subprotocols = valuesOf(head.headers, "sec-websocket-protocol").flatMap(listElements)
  const isSound = subprotocols.every(isToken) && new Set(subprotocols).size === subprotocols.length
  return isSound ? { head, subprotocols } : undefined
}
