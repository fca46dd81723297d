import type { ByteString } from "@pagi/core/bytes/ByteString"
import { ConnectionInput } from "./ConnectionInput.ts"
import type { Obstacle } from "./Output.ts"
import { INTERNAL_ERROR, NO_ERROR } from "./wire/ErrorCode.ts"
import { initialWindow } from "./wire/FlowWindow.ts"
import { writeGoAway } from "./frame/GoAway.ts"
import { writePing } from "./frame/Ping.ts"
import { writeRstStream } from "./frame/RstStream.ts"
import { writeSettings } from "./frame/Settings.ts"
import { writeWindowUpdate } from "./frame/WindowUpdate.ts"
import type { PreparedFields } from "./head/ResponseFields.ts"
import * as SettingId from "./wire/PeerSettings.ts"
import type { Stream, StreamOwner } from "./streams/Stream.ts"

/** In the first of two GOAWAYs: whatever the client opens until it has seen that will still be served (RFC 9113 §6.8). */
const everyStreamId = 2 ** 31 - 1

/** WINDOW_UPDATEs that honest clients answer content with: for the stream and the connection, some each 4 KiB. */
const updatesPerRefresh = 2
const refreshLength = 4096

const noBytes = new Uint8Array(8)

/**
 * The server's half of an HTTP/2 connection (RFC 9113). `receive` takes bytes in and `next` reports what they mean, one
 * event per call; the other methods write frames, which `finishTurn` hands on. No method throws, whatever the peer or the
 * application does.
 */
export class Connection<Owner extends StreamOwner> extends ConnectionInput<Owner> {
  /** Writes what a server sends first (RFC 9113 §3.4). */
  begin(): void {
    const { settings } = this
    const { frames } = this.output
    writeSettings(frames, [
      [SettingId.MAX_CONCURRENT_STREAMS, settings.maxConcurrentStreams],
      [SettingId.INITIAL_WINDOW_SIZE, settings.initialWindowSize],
      [SettingId.MAX_FRAME_SIZE, settings.maxFrameSize],
      [SettingId.MAX_HEADER_LIST_SIZE, settings.maxHeaderListSize],
      [SettingId.ENABLE_CONNECT_PROTOCOL, settings.enableConnectProtocol ? 1 : 0]
    ])
    const increment = this.receiveWindow.size - initialWindow
    if (increment > 0) writeWindowUpdate(frames, 0, increment)
  }

  /** Streams that are open. */
  get openStreams(): Iterable<Stream<Owner>> {
    return this.streams.values()
  }

  get openStreamCount(): number {
    return this.streams.size
  }

  /** Whether frames wait for `finishTurn`. */
  get hasOutput(): boolean {
    return this.output.frames.length > 0
  }

  /** Bytes that were written and that the transport has not sent; content that waits in streams is not among them. */
  get bufferedAmount(): number {
    return this.output.bufferedAmount
  }

  /** How large the buffered amount becomes by content, at most. */
  get highWaterMark(): number {
    return this.output.highWaterMark
  }

  /** Whether content has to wait in its stream. */
  get isFull(): boolean {
    return this.output.isFull
  }

  /** Bytes of a stream's content that wait for the peer. */
  backlogOf(stream: Stream<Owner>): number {
    return this.output.backlogOf(stream)
  }

  onDataSent(length: number): void {
    this.budget.earn(updatesPerRefresh * Math.max(1, Math.ceil(length / refreshLength)))
  }

  onContentGone(stream: Stream<Owner>): void {
    stream.owner?.onContentGone()
    // Whatever the owner does: it can never be sent.
    this.reset(stream, INTERNAL_ERROR)
  }

  onLocalEnd(stream: Stream<Owner>): void {
    this.streams.advance(stream, "localEnd")
    stream.owner?.onSent()
  }

  /** Sends a header section; `status` precedes it in a response. */
  sendHeaders(stream: Stream<Owner>, status: number, section: PreparedFields, isEnd: boolean): void {
    if (this.canSend(stream)) this.output.headers(stream, status, section, isEnd)
  }

  /** Sends content, at once as far as windows and the transport allow. */
  sendData(stream: Stream<Owner>, data: ByteString | Uint8Array, isEnd: boolean): void {
    if (this.canSend(stream)) this.output.data(stream, data, isEnd)
  }

  /** Sends trailers behind all content, which end the stream. */
  sendTrailers(stream: Stream<Owner>, section: PreparedFields): void {
    if (this.canSend(stream)) this.output.trailers(stream, section)
  }

  /** Nothing follows the last GOAWAY. */
  private canSend(stream: Stream<Owner>): boolean {
    return !stream.isLocalClosed && !this.isFailed
  }

  /** Whether the peer may send content on the stream. */
  mayReceive(stream: Stream<Owner>): boolean {
    return !stream.isRemoteClosed && stream.receiveWindow.available > 0 && this.receiveWindow.available > 0
  }

  /** Whether it is the peer's windows that keep a stream's content here. */
  isShut(stream: Stream<Owner>): boolean {
    return this.output.queue.isShut(stream)
  }

  /** Ends the stream before its time (RFC 9113 §5.4.2). */
  reset(stream: Stream<Owner>, code: number): void {
    if (stream.isClosed) return
    if (!this.isFailed) writeRstStream(this.output.frames, stream.id, code)
    this.close(stream, "reset")
  }

  /**
   * The application has taken so much of what the peer has sent, which it may send more of now (RFC 9113 §6.9).
   *
   * @param ahead how much of it `consumeAhead` has counted
   */
  consume(stream: Stream<Owner>, length: number, ahead = 0): void {
    if (this.isFailed) return
    this.consumeConnection(length - ahead)
    if (stream.isRemoteClosed) return
    const increment = stream.receiveWindow.consume(length)
    if (increment > 0) writeWindowUpdate(this.output.frames, stream.id, increment)
  }

  /**
   * Content has to wait for long, which leaves the window of the connection to other streams. What its own stream may send
   * is as it was.
   */
  consumeAhead(length: number): void {
    if (!this.isFailed) this.consumeConnection(length)
  }

  /** Writes content that has waited, as far as it can; answers what keeps the rest. */
  pump(): Obstacle {
    return this.output.pump()
  }

  /** Hands everything that was written to the transport. */
  finishTurn(): void {
    this.output.flush()
  }

  /** Announces the end of the connection, with a PING by whose answer the client has seen that. */
  announceEnd(): void {
    writeGoAway(this.output.frames, everyStreamId, NO_ERROR, "")
    writePing(this.output.frames, false, noBytes, 0)
  }

  /** Whether the peer has been told that nothing further will be served. */
  get isRefusing(): boolean {
    return this.streams.lastServedId !== Number.POSITIVE_INFINITY
  }

  /** No stream is served beyond those that are open now. */
  refuseFurther(): void {
    const { streams } = this
    if (streams.lastServedId <= streams.lastId) return
    streams.lastServedId = streams.lastId
    writeGoAway(this.output.frames, streams.lastId, NO_ERROR, "")
  }

  /** Ends the connection with an error of this code. */
  abort(code: number, message: string): void {
    if (!this.isFailed) this.end(code, message)
  }
}
