/** The events of the machine: what received frames mean, one at a time. */
import type { ProtocolError } from "./ProtocolError.ts"

/** A whole text message. */
export interface TextMessage {
  readonly type: "text"
  readonly text: string
}

/** A whole binary message. The bytes belong to whoever receives the event. */
export interface BytesMessage {
  readonly type: "bytes"
  readonly bytes: Uint8Array
}

/** The payload of a whole message that was compressed (RFC 7692 §6.1); the bytes belong to whoever receives the event. */
export interface CompressedMessage {
  readonly type: "compressed"
  readonly isText: boolean
  readonly bytes: Uint8Array
}

/** A ping, to be answered by a pong with the same bytes (RFC 6455 §5.5.2). */
export interface Ping {
  readonly type: "ping"
  readonly bytes: Uint8Array
}

/** An answer to a ping, or a sign of life that nobody asked for (RFC 6455 §5.5.3). */
export interface Pong {
  readonly type: "pong"
  readonly bytes: Uint8Array
}

/** The peer's close frame; `code` is 1005 when it has none (RFC 6455 §7.1.5). */
export interface CloseFrame {
  readonly type: "close"
  readonly code: number
  readonly reason: string
}

/** Nothing can be said before more bytes are received. */
export interface NeedData {
  readonly type: "need-data"
}
export const NeedData: NeedData = { type: "need-data" }

/** No event will follow: the peer has closed, or broken the protocol. */
export interface Closed {
  readonly type: "closed"
}
export const Closed: Closed = { type: "closed" }

/** What `Connection.next` reports. */
export type Event =
  | TextMessage
  | BytesMessage
  | CompressedMessage
  | Ping
  | Pong
  | CloseFrame
  | ProtocolError
  | NeedData
  | Closed
