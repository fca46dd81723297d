/** Looks at a request before the application does: it is refused, a WebSocket handshake, or an ordinary one. */
import { isMisdirected } from "@pagi/core/http/ExpectedHost"
import type { Transport } from "@pagi/core/transport/Transport"
import type { WebSocketHandshake } from "@pagi/core/exchange/WebSocketUpgrade"
import { misdirected, type Refusal, refusal } from "@pagi/core/server/Refusal"
import type { Http1Settings } from "./Http1Settings.ts"
import type { RequestHead } from "./protocol/RequestHead.ts"

/** A body behind a handshake could not be told from frames. */
const handshakeWithBody = refusal(400, "A WebSocket handshake has no body")

/** Looks at a request before the application does: it is refused, a WebSocket handshake, or (`undefined`) an ordinary one. */
export const admit = (
  { exchange, webSocket }: Http1Settings,
  { expectedHost }: Pick<Transport, "expectedHost">,
  head: RequestHead
): Refusal | WebSocketHandshake | undefined => {
  if (expectedHost !== undefined && isMisdirected(expectedHost, head.headers)) return misdirected
  if (head.upgrade === undefined || !exchange.servesWebSockets) return undefined
  const upgrade = webSocket?.read(head)
  return upgrade?.type === "handshake" && head.bodyLength !== 0 ? handshakeWithBody : upgrade
}
