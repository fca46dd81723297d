import { ByteQueue } from "@pagi/core/bytes/ByteQueue"
import type { ByteSink } from "@pagi/core/bytes/ByteSink"
import type { ByteString } from "@pagi/core/bytes/ByteString"
import { writeDataHeader } from "./frame/Data.ts"
import { frameHeaderSize } from "./frame/FrameHeader.ts"
import { beginHeaders, finishHeaders } from "./frame/Headers.ts"
import { Encoder } from "./hpack/Encoder.ts"
import type { ConnectionConfig } from "./ConnectionConfig.ts"
import { OutputBuffer } from "./wire/OutputBuffer.ts"
import { encodeFields, type PreparedFields } from "./head/ResponseFields.ts"
import { SendQueue } from "./streams/SendQueue.ts"
import { minFrameSize, PeerSettings } from "./wire/PeerSettings.ts"
import type { Stream } from "./streams/Stream.ts"

/** Where frames go, and what of them has not gone on from there. */
export interface OutputSink extends ByteSink {
  readonly bufferedAmount: number
  /** Whether it has been handed more than the operating system takes at the moment. */
  readonly isBlocked: boolean
}

/** The connection that frames leave. */
export interface OutputObserver<Owner> {
  /** Whether more content is likely to be written soon, by other streams. */
  readonly isBusy: boolean
  /** A DATA frame was written. */
  onDataSent(length: number): void
  /** An array that waited to be sent is shorter now, by the application's doing, so that its content cannot be sent. */
  onContentGone(stream: Stream<Owner>): void
  /** The last frame of our side was written. */
  onLocalEnd(stream: Stream<Owner>): void
}

/**
 * What keeps content that waits in its streams from going out:
 *
 * - `none`: no stream has any that its own window allows; it goes on with new content, or a WINDOW_UPDATE on the stream
 * - `window`: the window of the connection is used up; it goes on with a WINDOW_UPDATE on stream 0
 * - `transport`: so much waits for the transport that nothing further is written; it goes on when that has sent some
 */
export type Obstacle = "none" | "window" | "transport"

/**
 * Content that a busy connection gathers before it goes out: each call of the system costs, and wakes the peer. Of few
 * streams content goes out as it comes, which was measured to be better.
 */
const busyMark = 1_048_576

/** Content up to this size is copied behind its frame's header: cheaper than one more piece for the transport. */
const copyLimit = 4096

/** The way out of a connection: header blocks at once, content as windows and the transport allow. */
export class Output<Owner> {
  readonly peer = new PeerSettings()
  readonly queue = new SendQueue<Owner>()
  readonly frames: OutputBuffer
  private readonly encoder = new Encoder()
  private readonly sink: OutputSink
  private readonly observer: OutputObserver<Owner>
  /** Bytes that may wait for the transport while few streams are open. */
  private readonly quietMark: number
  /** Bytes that were handed to the transport, ever. */
  private handedOver = 0

  constructor(sink: OutputSink, { highWaterMark, pool }: ConnectionConfig, observer: OutputObserver<Owner>) {
    this.sink = sink
    this.frames = new OutputBuffer(pool)
    this.quietMark = highWaterMark
    this.observer = observer
  }

  /** Bytes that may wait for the transport, at most. */
  get highWaterMark(): number {
    return this.observer.isBusy ? Math.max(this.quietMark, busyMark) : this.quietMark
  }

  /** Whether so much waits for the transport that content has to wait in its stream. */
  get isFull(): boolean {
    return this.bufferedAmount > (this.sink.isBlocked ? this.quietMark : this.highWaterMark)
  }

  /** Bytes that were written and that the transport has not sent. */
  get bufferedAmount(): number {
    return this.sink.bufferedAmount + this.frames.length
  }

  /** Hands what was written to the transport. */
  flush(): void {
    if (this.frames.length > 0) this.hand(this.frames.take())
  }

  private hand(data: ByteString | Uint8Array): void {
    this.handedOver += data.length
    this.sink.write(data)
  }

  /**
   * Bytes of a stream's content that wait for the peer: in the stream, or in the transport. That one tells only how many
   * bytes of the whole connection it has not sent, so that of these it is what may still be there at most.
   */
  backlogOf(stream: Stream<Owner>): number {
    return stream.queuedBytes + this.underWayOf(stream)
  }

  private underWayOf(stream: Stream<Owner>): number {
    const ahead = stream.lastPosition - (this.handedOver - this.sink.bufferedAmount)
    if (ahead > 0) return Math.min(stream.underWay, ahead)
    stream.underWay = 0
    return 0
  }

  /** Takes over what the peer's settings say about us. */
  applyPeerSettings(): void {
    const { headerTableSize, leastHeaderTableSize } = this.peer
    this.encoder.setMaxTableSize(leastHeaderTableSize)
    this.encoder.setMaxTableSize(headerTableSize)
    this.peer.leastHeaderTableSize = headerTableSize
  }

  /** Writes a header section, as HEADERS and as many CONTINUATIONs as it takes. */
  headers(stream: Stream<Owner>, status: number | undefined, section: PreparedFields, isEnd: boolean): void {
    const { encoder, frames } = this
    const offset = beginHeaders(frames)
    encoder.begin(frames)
    if (status !== undefined) encoder.status(frames, status)
    encodeFields(frames, encoder, section)
    if (section.contentLength !== undefined) encoder.field(frames, "content-length", String(section.contentLength))
    finishHeaders(frames, offset, stream.id, isEnd, minFrameSize)
    if (isEnd) this.observer.onLocalEnd(stream)
  }

  /** Sends content, now or when it can be. */
  data(stream: Stream<Owner>, piece: ByteString | Uint8Array, isEnd: boolean): void {
    const { length } = piece
    if (isEnd) stream.ending = "end"
    if (stream.queuedBytes === 0 && (length === 0 || this.roomFor(stream) >= length)) {
      if (length > 0 || isEnd) this.writeFrame(stream, piece)
      return
    }
    if (length === 0) return
    stream.queue ??= new ByteQueue()
    stream.queue.push(piece)
    this.queue.add(stream)
    this.pump()
  }

  /** Ends the stream's content with trailers. */
  trailers(stream: Stream<Owner>, section: PreparedFields): void {
    if (stream.queuedBytes > 0) stream.ending = section
    else this.headers(stream, undefined, section, true)
  }

  /** Bytes that the stream may send in one frame now, without anybody before it. */
  private roomFor(stream: Stream<Owner>): number {
    if (!this.queue.isEmpty || this.isFull) return 0
    return this.queue.roomFor(stream)
  }

  /** Writes content that waits, frame by frame in turn; answers what keeps the rest. */
  pump(): Obstacle {
    const { queue } = this
    for (;;) {
      if (queue.isEmpty) return "none"
      if (queue.window <= 0) return "window"
      if (this.isFull) return "transport"
      const stream = queue.take()
      if (stream === undefined) return "none"
      this.writeQueued(stream)
      queue.add(stream)
    }
  }

  private writeQueued(stream: Stream<Owner>): void {
    const piece = stream.queue?.take(this.queue.roomFor(stream))
    if (piece === undefined) return this.observer.onContentGone(stream)
    this.writeFrame(stream, piece)
    if (stream.queuedBytes === 0 && typeof stream.ending !== "string") {
      this.headers(stream, undefined, stream.ending, true)
    }
  }

  private writeFrame(stream: Stream<Owner>, piece: ByteString | Uint8Array): void {
    const { frames } = this
    const { length } = piece
    const isEnd = stream.ending === "end" && stream.queuedBytes === 0
    this.queue.spend(stream, length)
    frames.reserve(frameHeaderSize + Math.min(length, copyLimit))
    writeDataHeader(frames, length, stream.id, isEnd)
    if (length > copyLimit) {
      this.flush()
      this.hand(piece)
    } else if (typeof piece === "string") frames.text(piece)
    else frames.copy(piece, 0, length)
    this.underWayOf(stream)
    stream.sentBytes += length
    stream.underWay += length
    stream.lastPosition = this.handedOver + frames.length
    this.observer.onDataSent(length)
    if (isEnd) this.observer.onLocalEnd(stream)
  }

  /** Forgets what the stream still had to send. */
  drop(stream: Stream<Owner>): void {
    this.queue.remove(stream)
    stream.queue?.clear()
  }
}
