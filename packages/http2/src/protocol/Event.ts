/** The events of the machine: what received frames mean, one at a time. */
import type { HeaderBlock } from "@pagi/core/http/HeaderBlock"
import type { RefusedRequest, RequestHead } from "./head/RequestFields.ts"
import type { Stream } from "./streams/Stream.ts"
import type { ConnectionErrorReason, StreamErrorReason } from "./wire/ProtocolError.ts"

/** A request has begun; `stream.isRemoteClosed` says whether its content is empty. */
export interface Request<Owner> {
  readonly type: "request"
  readonly stream: Stream<Owner>
  readonly head: RequestHead | RefusedRequest
}

/** A piece of a request's content; `stream.isRemoteClosed` says whether it is the last. */
export interface Data<Owner> {
  readonly type: "data"
  readonly stream: Stream<Owner>
  readonly bytes: Uint8Array
  /** What the piece takes of the windows, padding included, until `consume` gives it back. */
  readonly flowLength: number
}

/** A request's content has ended with trailers. */
export interface Trailers<Owner> {
  readonly type: "trailers"
  readonly stream: Stream<Owner>
  readonly headers: HeaderBlock
}

/** The stream is closed before its end: by the peer, or by us because the peer broke a rule on it. */
export interface Reset<Owner> {
  readonly type: "reset"
  readonly stream: Stream<Owner>
  readonly code: number
  /** The rule that the peer broke; absent when it was the peer that has reset the stream. */
  readonly reason: StreamErrorReason | undefined
}

/** What came was no request that an application could have seen, and was answered by a reset (RFC 9113 §8.1.1). */
export interface MalformedRequest {
  readonly type: "malformed"
  readonly message: string
}

/** The peer broke a rule on a stream that is not open, which was answered by a reset. */
export interface StreamRefused {
  readonly type: "refused"
  readonly reason: StreamErrorReason
}

/** The connection has failed, and GOAWAY was written (RFC 9113 §5.4.1). */
export interface Failed {
  readonly type: "error"
  readonly code: number
  readonly reason: ConnectionErrorReason | StreamErrorReason
  readonly message: string
}

export type Event<Owner> =
  | Request<Owner>
  | Data<Owner>
  | Trailers<Owner>
  | Reset<Owner>
  | MalformedRequest
  | StreamRefused
  | Failed
  | { readonly type: "ping-acknowledged" }
  | { readonly type: "need-data" }
  | { readonly type: "closed" }

export const NeedData = { type: "need-data" } as const
export const Closed = { type: "closed" } as const
export const PingAcknowledged = { type: "ping-acknowledged" } as const
