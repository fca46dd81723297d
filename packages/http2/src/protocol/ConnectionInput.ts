import { ReceiveBuffer } from "@pagi/core/bytes/ReceiveBuffer"
import { isForbiddenTrailer } from "@pagi/core/http/TrailerField"
import { AbuseBudget } from "./AbuseBudget.ts"
import { Closed, type Event, NeedData, PingAcknowledged } from "./Event.ts"
import { initialWindow, maxWindow, ReceiveWindow } from "./wire/FlowWindow.ts"
import { readData, takeContent } from "./frame/Data.ts"
import { ACK, END_STREAM } from "./frame/Flag.ts"
import { FrameHeader, frameHeaderSize } from "./frame/FrameHeader.ts"
import * as FrameType from "./frame/FrameType.ts"
import { readGoAway, writeGoAway } from "./frame/GoAway.ts"
import { PayloadRange } from "./frame/PayloadRange.ts"
import { readPing, writePing } from "./frame/Ping.ts"
import { readPriority } from "./frame/Priority.ts"
import { readRstStream, writeRstStream } from "./frame/RstStream.ts"
import { readSettings, writeSettingsAck } from "./frame/Settings.ts"
import { readWindowUpdate, writeWindowUpdate } from "./frame/WindowUpdate.ts"
import { HeaderSection } from "./head/HeaderSection.ts"
import type { ConnectionConfig } from "./ConnectionConfig.ts"
import { Output, type OutputObserver, type OutputSink } from "./Output.ts"
import { matchPreface, preface } from "./Preface.ts"
import { connectionError, type ConnectionError, streamError, type StreamError } from "./wire/ProtocolError.ts"
import { readRequest, readTrailers } from "./head/RequestFields.ts"
import type { Closing } from "./streams/ClosedStreams.ts"
import { Stream, type StreamOwner } from "./streams/Stream.ts"
import { StreamTable } from "./streams/StreamTable.ts"

/** What the peer may send on all streams together, in windows of single streams: one that waits must not stop the rest. */
const windowsPerConnection = 16

// Read anew for each frame; nothing in them lasts.
const header = new FrameHeader()
const range = new PayloadRange()

/** Streams that are open on a busy connection. */
const busyStreams = 4

/**
 * What is read next: the client's preface, its first SETTINGS, or any frame. After a broken rule, or an end of our own,
 * nothing is:
 *
 *     preface ─► settings ─► frames          any ─► failed
 */
type Phase = "preface" | "settings" | "frames" | "failed"

/** Applications that run, some of them perhaps on although their streams are closed (CVE-2023-44487). */
export interface Running {
  readonly size: number
}

/** The way in of a connection: bytes become frames, and frames events (RFC 9113 §4 to §6). */
export abstract class ConnectionInput<Owner extends StreamOwner> implements OutputObserver<Owner> {
  protected readonly settings: ConnectionConfig
  protected readonly output: Output<Owner>
  protected readonly streams = new StreamTable<Owner>()
  protected readonly budget: AbuseBudget
  protected readonly receiveWindow: ReceiveWindow
  /** Frames and header sections that have come completely; tells whether there is progress. */
  completed = 0
  /** Whether the peer has confirmed our settings. */
  areSettingsAcknowledged = false
  private readonly buffer = new ReceiveBuffer()
  private readonly section: HeaderSection
  private readonly isNamed: boolean
  private readonly running: Running
  private phase: Phase = "preface"

  /** `isNamed` says whether the server can be reached by a host's name, which requests have to tell then. */
  constructor(settings: ConnectionConfig, sink: OutputSink, running: Running, isNamed: boolean) {
    this.settings = settings
    this.isNamed = isNamed
    this.running = running
    this.output = new Output(sink, settings, this)
    this.section = new HeaderSection(settings.maxHeaderListSize, settings.maxHeaderCount)
    this.budget = new AbuseBudget(settings, settings.now)
    const windowSize = Math.min(maxWindow, settings.initialWindowSize * windowsPerConnection)
    this.receiveWindow = new ReceiveWindow(windowSize, Math.max(windowSize, initialWindow))
  }

  abstract onDataSent(length: number): void
  abstract onContentGone(stream: Stream<Owner>): void
  abstract onLocalEnd(stream: Stream<Owner>): void

  /** Takes bytes from the peer, and owns them from then on; lent ones it may use only until `keep` is called. */
  receive(bytes: Uint8Array, isLent = false): void {
    if (this.phase !== "failed") this.buffer.append(bytes, isLent)
  }

  keep(): void {
    this.buffer.keep()
  }

  /** What has come and was not read yet may bring requests, too. */
  get isBusy(): boolean {
    return this.buffer.length > 0 || this.streams.size >= busyStreams
  }

  /** Whether a frame or a header section has begun to arrive and is not complete. */
  get isMidway(): boolean {
    return this.buffer.length > 0 || this.section.isOpen
  }

  /** Whether the preface and the settings behind it have come. */
  get isEstablished(): boolean {
    return this.phase === "frames"
  }

  /** The next thing that the received bytes mean. */
  next(): Event<Owner> {
    for (;;) {
      if (this.phase === "failed") return Closed
      const event = this.phase === "preface" ? this.readPreface() : this.readFrame()
      if (event !== undefined) return event
    }
  }

  private readPreface(): Event<Owner> | undefined {
    const { buffer } = this
    const matched = matchPreface(buffer.bytes, buffer.start, buffer.end)
    if (matched < 0) return this.fail(connectionError("invalid-preface"))
    if (matched < preface.length) return NeedData
    buffer.consumeTo(buffer.start + preface.length)
    this.phase = "settings"
    return undefined
  }

  private readFrame(): Event<Owner> | undefined {
    const { buffer } = this
    if (buffer.length < frameHeaderSize) return NeedData
    header.read(buffer.bytes, buffer.start)
    const problem = this.checkHeader()
    if (problem !== undefined) return this.fail(problem)
    if (buffer.length < frameHeaderSize + header.length) return NeedData
    const start = buffer.start + frameHeaderSize
    if (header.type === FrameType.DATA) return this.onData(start)
    const event = this.onFrame(buffer.bytes, start)
    if (!this.isFailed) buffer.consumeTo(start + header.length)
    if (!this.section.isOpen) this.completed++
    return event
  }

  protected get isFailed(): boolean {
    return this.phase === "failed"
  }

  /** What can be said about a frame before its payload has come. */
  private checkHeader(): ConnectionError | undefined {
    if (header.length > this.settings.maxFrameSize) return connectionError("frame-too-large")
    const { isOpen, streamId } = this.section
    const isContinuation = header.type === FrameType.CONTINUATION
    if (isOpen) {
      return isContinuation && header.streamId === streamId ? undefined : connectionError("section-interrupted")
    }
    if (isContinuation) return connectionError("unexpected-continuation")
    const isSettings = header.type === FrameType.SETTINGS && !header.has(ACK)
    if (this.phase === "settings" && !isSettings) return connectionError("missing-settings")
    return undefined
  }

  private onFrame(bytes: Uint8Array, start: number): Event<Owner> | undefined {
    switch (header.type) {
      case FrameType.HEADERS:
        return this.afterFragment(this.section.begin(bytes, start, header))
      case FrameType.CONTINUATION:
        return this.afterFragment(this.section.proceed(bytes, start, header))
      case FrameType.RST_STREAM:
        return this.onRstStream(bytes, start)
      case FrameType.WINDOW_UPDATE:
        return this.onWindowUpdate(bytes, start)
      case FrameType.PUSH_PROMISE:
        return this.fail(connectionError("unexpected-push"))
    }
    if (!this.budget.control()) return this.fail(connectionError("too-many-control-frames"))
    switch (header.type) {
      case FrameType.SETTINGS:
        return this.onSettings(bytes, start)
      case FrameType.PING:
        return this.onPing(bytes, start)
      case FrameType.PRIORITY:
        return this.onProblem(header.streamId, readPriority(bytes, start, header))
      case FrameType.GOAWAY: {
        const goAway = readGoAway(bytes, start, header)
        return "type" in goAway ? this.fail(goAway) : undefined
      }
      default:
        // Of a type that is not known, and therefore without meaning (RFC 9113 §4.1).
        return undefined
    }
  }

  // content ------------------------------------------------------------------------------------------------------------

  private onData(start: number): Event<Owner> | undefined {
    const { buffer } = this
    const { length, streamId } = header
    this.completed++
    const problem = readData(buffer.bytes, start, header, range)
    if (problem !== undefined) return this.fail(problem)
    if (!this.receiveWindow.receive(length)) return this.fail(connectionError("connection-window-exceeded"))
    const ends = header.has(END_STREAM)
    if (range.start === range.end && !ends && !this.budget.control())
      return this.fail(connectionError("too-many-control-frames"))
    const stream = this.streams.get(streamId)
    const bytes = stream === undefined ? undefined : takeContent(buffer, range)
    if (!this.isFailed) buffer.consumeTo(start + length)
    if (stream === undefined || bytes === undefined) return this.onStrayData(streamId, length)
    const refusal = stream.receive(bytes.length, length, ends)
    if (refusal !== undefined) {
      this.consumeConnection(length)
      return this.failStream(streamId, refusal)
    }
    if (ends) this.endRemote(stream)
    return { type: "data", stream, bytes, flowLength: length }
  }

  /** Content on a stream that is not open. */
  private onStrayData(streamId: number, length: number): Event<Owner> | undefined {
    if (streamId > this.streams.lastId) return this.fail(connectionError("idle-stream"))
    this.consumeConnection(length)
    return this.onStray(streamId)
  }

  /** What was under way when we have reset the stream is ignored; otherwise nothing could have come (RFC 9113 §5.1). */
  private onStray(streamId: number): Event<Owner> | undefined {
    if (!this.budget.control()) return this.fail(connectionError("too-many-control-frames"))
    switch (this.streams.endOf(streamId)) {
      case "reset":
        return undefined
      case "ended":
        return this.fail(connectionError("stream-closed"))
      default:
        return streamId > this.streams.lastServedId ? undefined : this.fail(connectionError("unexpected-stream-id"))
    }
  }

  private endRemote(stream: Stream<Owner>): void {
    this.streams.advance(stream, "remoteEnd")
    stream.owner?.onReceived()
  }

  /** The connection's part of what `consume` gives back. */
  protected consumeConnection(length: number): void {
    const increment = this.receiveWindow.consume(length)
    if (increment > 0) writeWindowUpdate(this.output.frames, 0, increment)
  }

  // header sections ------------------------------------------------------------------------------------------------------

  private afterFragment(problem: ConnectionError | undefined): Event<Owner> | undefined {
    if (problem !== undefined) return this.fail(problem)
    return this.section.isOpen ? undefined : this.onSection(this.section)
  }

  private onSection({ ends, problem, streamId }: HeaderSection): Event<Owner> | undefined {
    const stream = this.streams.get(streamId)
    if (stream !== undefined) return this.onTrailers(stream, ends, problem)
    if (streamId <= this.streams.lastId) return this.onStray(streamId)
    this.streams.lastId = streamId
    // Our GOAWAY has said that nothing is done for these (RFC 9113 §6.8).
    if (streamId > this.streams.lastServedId) return this.onStray(streamId)
    if (problem !== undefined) return this.failStream(streamId, problem)
    const { maxConcurrentStreams } = this.settings
    if (this.streams.size >= maxConcurrentStreams || this.running.size >= 2 * maxConcurrentStreams) {
      return this.failStream(streamId, streamError("too-many-streams"))
    }
    return this.openStream(streamId, ends)
  }

  private openStream(streamId: number, ends: boolean): Event<Owner> | undefined {
    const { enableConnectProtocol, initialWindowSize } = this.settings
    const head = readRequest(this.section.list, ends, this.isNamed, enableConnectProtocol)
    if (typeof head === "string") {
      const failure = this.failStream(streamId, streamError("malformed-request"))
      return failure.type === "error" ? failure : { type: "malformed", message: head }
    }
    this.budget.earn(1)
    // Before it has seen our settings, a peer may take the default for granted (RFC 9113 §6.9.3).
    const available = this.areSettingsAcknowledged ? initialWindowSize : Math.max(initialWindowSize, initialWindow)
    const window = new ReceiveWindow(initialWindowSize, available)
    const stream = new Stream<Owner>(streamId, window, this.output.peer.initialWindowSize)
    this.streams.add(stream)
    if (ends) this.endRemote(stream)
    else if (head.type === "request") stream.contentRemaining = head.contentLength
    return { type: "request", stream, head }
  }

  /** A second section has to be the last thing on its stream (RFC 9113 §8.1). */
  private onTrailers(stream: Stream<Owner>, ends: boolean, problem: StreamError | undefined): Event<Owner> | undefined {
    if (stream.isRemoteClosed) return this.failStream(stream.id, streamError("stream-closed"))
    if (problem !== undefined) return this.failStream(stream.id, problem)
    if (!ends) return this.failStream(stream.id, streamError("headers-without-end"))
    const headers = readTrailers(this.section.list, isForbiddenTrailer)
    if (typeof headers === "string") return this.failStream(stream.id, streamError("malformed-trailers"))
    if (stream.lacksContent) return this.failStream(stream.id, streamError("content-length-mismatch"))
    this.endRemote(stream)
    return { type: "trailers", stream, headers }
  }

  // control frames ---------------------------------------------------------------------------------------------------------

  private onRstStream(bytes: Uint8Array, start: number): Event<Owner> | undefined {
    const code = readRstStream(bytes, start, header)
    if (typeof code !== "number") return this.fail(code)
    const { streamId } = header
    if (this.streams.isIdle(streamId)) return this.fail(connectionError("idle-stream"))
    if (!this.budget.reset()) return this.fail(connectionError("too-many-resets"))
    const stream = this.streams.get(streamId)
    if (stream === undefined) return undefined
    this.close(stream, "ended")
    return { type: "reset", stream, code, reason: undefined }
  }

  private onWindowUpdate(bytes: Uint8Array, start: number): Event<Owner> | undefined {
    const increment = readWindowUpdate(bytes, start, header)
    const { streamId } = header
    if (!this.budget.control()) return this.fail(connectionError("too-many-control-frames"))
    if (typeof increment !== "number") return this.onProblem(streamId, increment)
    const { queue } = this.output
    if (streamId === 0) return queue.widen(increment) ? undefined : this.fail(connectionError("window-overflow"))
    const stream = this.streams.get(streamId)
    if (stream === undefined) {
      return this.streams.isIdle(streamId) ? this.fail(connectionError("idle-stream")) : undefined
    }
    return queue.widenStream(stream, increment) ? undefined : this.failStream(streamId, streamError("window-overflow"))
  }

  private onSettings(bytes: Uint8Array, start: number): Event<Owner> | undefined {
    const { output } = this
    const before = output.peer.initialWindowSize
    const problem = readSettings(bytes, start, header, output.peer)
    if (problem !== undefined) return this.fail(problem)
    if (header.has(ACK)) {
      this.areSettingsAcknowledged = true
      return undefined
    }
    this.phase = "frames"
    // Also what was sent already counts against the new size (RFC 9113 §6.9.2).
    const change = output.peer.initialWindowSize - before
    for (const stream of this.streams.values()) {
      if (!output.queue.widenStream(stream, change)) return this.fail(connectionError("window-overflow"))
    }
    output.applyPeerSettings()
    writeSettingsAck(output.frames)
    return undefined
  }

  private onPing(bytes: Uint8Array, start: number): Event<Owner> | undefined {
    const problem = readPing(header)
    if (problem !== undefined) return this.fail(problem)
    if (header.has(ACK)) return PingAcknowledged
    writePing(this.output.frames, true, bytes, start)
    return undefined
  }

  // errors -----------------------------------------------------------------------------------------------------------------

  private onProblem(streamId: number, problem: ConnectionError | StreamError | undefined): Event<Owner> | undefined {
    if (problem === undefined) return undefined
    return problem.type === "connection-error" ? this.fail(problem) : this.failStream(streamId, problem)
  }

  /** Ends the connection: nothing of what follows is read (RFC 9113 §5.4.1). */
  private fail({ code, message, reason }: ConnectionError | StreamError): Event<Owner> {
    this.end(code, message)
    return { type: "error", code, reason, message }
  }

  /** Sends the last GOAWAY. */
  protected end(code: number, message: string): void {
    this.phase = "failed"
    this.buffer.clear()
    for (const stream of this.streams.values()) this.output.drop(stream)
    writeGoAway(this.output.frames, Math.min(this.streams.lastId, this.streams.lastServedId), code, message)
  }

  /** Ends a stream because of what the peer has sent on it (RFC 9113 §5.4.2). */
  private failStream(streamId: number, error: StreamError): Event<Owner> {
    // There is no stream to reset, and so only the connection can say what is wrong.
    if (streamId > this.streams.lastId) return this.fail(error)
    // Who provokes resets costs as much as who sends them (CVE-2025-8671).
    if (!this.budget.reset()) return this.fail(connectionError("too-many-resets"))
    writeRstStream(this.output.frames, streamId, error.code)
    const stream = this.streams.get(streamId)
    if (stream === undefined) this.streams.noteReset(streamId)
    else this.close(stream, "reset")
    const { code, reason } = error
    return stream === undefined ? { type: "refused", reason } : { type: "reset", stream, code, reason }
  }

  protected close(stream: Stream<Owner>, how: Closing): void {
    this.output.drop(stream)
    this.streams.advance(stream, "reset", how)
  }
}
