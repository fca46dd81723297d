/** The events of the machine: what received bytes mean, one at a time. */
import type { HeaderBlock } from "@pagi/core/http/HeaderBlock"
import type { ProtocolError } from "./ProtocolError.ts"
import type { RequestHead } from "./RequestHead.ts"

/** Some bytes of the request body: a view into the received bytes or a copy of lent ones, never empty, without transfer coding. */
export interface BodyPiece {
  readonly type: "body"
  readonly bytes: Uint8Array
}

/** The request body is complete. Comes once for each head whose `bodyLength` is not 0. */
export interface EndOfMessage {
  readonly type: "end"
  readonly trailers: HeaderBlock
}

/** Nothing can be said before more bytes, or the end of input, are received. */
export interface NeedData {
  readonly type: "need-data"
}
export const NeedData: NeedData = { type: "need-data" }

/** The request has been read whole, and the next one may not start before `Connection.nextCycle`. */
export interface Paused {
  readonly type: "paused"
}
export const Paused: Paused = { type: "paused" }

/** No event will follow: the peer ended between messages, broke the protocol, or the connection must not be reused. */
export interface Closed {
  readonly type: "closed"
}
export const Closed: Closed = { type: "closed" }

/** What `Connection.next` reports. */
export type Event = RequestHead | BodyPiece | EndOfMessage | ProtocolError | NeedData | Paused | Closed

/** The end of a message that has no trailers, shared by all of them. */
export const endWithoutTrailers: EndOfMessage = { type: "end", trailers: [] }
