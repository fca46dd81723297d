/**
 * The way past `send` for one message that goes to many exchanges: a plain call for each of them, with an encoding that is
 * made once. It is found at the `send` that an exchange hands out, also by another copy of this package: an application
 * brings its own, and the command is a bundle with another. So it consists of plain data and plain functions, and what
 * changes about it gets another key.
 */
import type { ByteString } from "../bytes/ByteString.ts"
import type * as Event from "./Event.ts"

/** An event that many exchanges are sent alike. Messages and events of a stream take the direct way, others never do. */
export type SharedEvent = Event.WebSocketSendEvent | Event.SseSendEvent

/** What goes over the wire for an event. */
export interface SharedEncoding {
  /** A whole frame, or an event of a stream. Never changed: other connections may still have it to write. */
  readonly bytes: ByteString | Uint8Array
  /** Bytes of the payload alone. */
  readonly length: number
}

/** A message to many exchanges, with what the first of them finds out for the others. Its event must not change. */
export interface SharedMessage {
  readonly event: SharedEvent
  /** Whether the event was checked, and is as the contract wants it. */
  isSound: boolean
  encoding: SharedEncoding | undefined
}

export const sharedMessage = (event: SharedEvent): SharedMessage => ({ event, isSound: false, encoding: undefined })

/**
 * What became of a message:
 *
 * - `sent`: the same as by `send`
 * - `later`: nothing was done, since `send` would have to wait; followers are told when there is room
 * - `ordinary`: nothing was done, since there is more to it, such as an error; it is for `send`
 * - `gone`: the exchange is over
 */
export type Offered = "sent" | "later" | "ordinary" | "gone"

/** Who has more to send than there is room for. Nothing that it does may throw. */
export interface Follower {
  /** There is room again after there was none. */
  onRoom(): void
  /** The exchange is over. */
  onEnd(): void
}

/** The direct way into an exchange. */
export interface DirectSend {
  /** Whether `send` would not have to wait. */
  readonly hasRoom: boolean
  offer(message: SharedMessage): Offered
  /** Tells a follower from now on; at once if the exchange is over. */
  follow(follower: Follower): void
  unfollow(follower: Follower): void
}

/** Where a `send` has it. */
export const directKey: unique symbol = Symbol.for("@pagi/core/DirectSend/1")

/**
 * The direct way to where `send` leads; nothing if somebody stands in between, such as an application around this one
 * that hands on a `send` of its own.
 */
export const directOf = (send: object): DirectSend | undefined =>
  (send as { readonly [directKey]?: DirectSend | undefined })[directKey] // Nobody but us has that key.
