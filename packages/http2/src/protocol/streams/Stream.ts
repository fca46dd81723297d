import type { ByteQueue } from "@pagi/core/bytes/ByteQueue"
import type { ReceiveWindow } from "../wire/FlowWindow.ts"
import { type StreamError, streamError } from "../wire/ProtocolError.ts"
import type { PreparedFields } from "../head/ResponseFields.ts"
import type { StreamState } from "./StreamState.ts"

/** What follows when everything that is queued has been sent: nothing yet, END_STREAM, or trailers with it. */
export type StreamEnding = "none" | "end" | PreparedFields

/** Whoever a stream belongs to. */
export interface StreamOwner {
  /** An array that waited to be sent is shorter now, by the application's doing, so that its content cannot be sent. */
  onContentGone(): void
  /** Our last frame on the stream was written. */
  onSent(): void
  /** The peer's last frame on it has come. */
  onReceived(): void
}

/** A stream that has been opened and is not closed yet, as the machine knows it. `Owner` is whoever it belongs to. */
export class Stream<Owner> {
  readonly id: number
  /** Written by `StreamTable.advance` only. */
  state: StreamState = "open"
  /** Set by whoever takes the event that the stream was opened. */
  owner: Owner | undefined = undefined
  /** What the peer may send. */
  readonly receiveWindow: ReceiveWindow
  /**
   * Bytes that may be sent; negative when the peer has made its windows smaller (RFC 9113 §6.9.2). Written by `SendQueue`
   * only.
   */
  sendWindow: number
  /** Bytes of content that the request's Content-Length still leaves; `undefined` when there was none. */
  contentRemaining: number | undefined = undefined
  /** Content that waits for windows, or for its turn; made when some first has to. */
  queue: ByteQueue | undefined = undefined
  /** Bytes of content that were sent, ever. */
  sentBytes = 0
  /** How many of them were sent since the transport was last known to have nothing of this stream. */
  underWay = 0
  /** Where the last of them stands among all bytes that the connection has ever written. */
  lastPosition = 0
  /** What follows behind the content. */
  ending: StreamEnding = "none"
  /** Whether it is in the queue of those that can send, which says so itself. */
  isReady = false

  constructor(id: number, receiveWindow: ReceiveWindow, sendWindow: number) {
    this.id = id
    this.receiveWindow = receiveWindow
    this.sendWindow = sendWindow
  }

  /** Counts content that has come, of which `flowLength` counts against the window; answers which rule it breaks. */
  receive(length: number, flowLength: number, ends: boolean): StreamError | undefined {
    if (this.isRemoteClosed) return streamError("stream-closed")
    if (!this.receiveWindow.receive(flowLength)) return streamError("stream-window-exceeded")
    if (this.contentRemaining === undefined) return undefined
    this.contentRemaining -= length
    const isWrong = this.contentRemaining < 0 || (ends && this.contentRemaining > 0)
    return isWrong ? streamError("content-length-mismatch") : undefined
  }

  /** Whether less content has come than the request's Content-Length says. */
  get lacksContent(): boolean {
    return this.contentRemaining !== undefined && this.contentRemaining > 0
  }

  /** Bytes of content that wait here. */
  get queuedBytes(): number {
    return this.queue?.length ?? 0
  }

  get isClosed(): boolean {
    return this.state === "closed"
  }

  /** Whether the peer has sent its last frame on it. */
  get isRemoteClosed(): boolean {
    return this.state === "halfClosedRemote" || this.state === "closed"
  }

  /** Whether we have. */
  get isLocalClosed(): boolean {
    return this.state === "halfClosedLocal" || this.state === "closed"
  }
}
