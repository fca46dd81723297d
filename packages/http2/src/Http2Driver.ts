import type { ServerConnection } from "@pagi/core/server/ConnectionRegistry"
import type { ListenerFibers } from "@pagi/core/server/ConnectionFibers"
import { Deadline, type DeadlineOwner, ticks } from "@pagi/core/server/Deadlines"
import type { DisconnectReason } from "@pagi/core/contract/DisconnectReason"
import { endOf } from "@pagi/core/observe/ConnectionEnd"
import { describeConnection, type Limit, type ObservedConnection, tellProblem } from "@pagi/core/observe/Observer"
import { toldSilenceTicks } from "@pagi/core/server/Linger"
import type { Transport, TransportHandler } from "@pagi/core/transport/Transport"
import { TransportInput } from "@pagi/core/server/TransportInput"
import * as Effect from "effect/Effect"
import { identify } from "./stream/Admission.ts"
import type { DriverOptions } from "./stream/DriverOptions.ts"
import { Connection } from "./protocol/Connection.ts"
import { CANCEL, ENHANCE_YOUR_CALM, INTERNAL_ERROR, NO_ERROR, SETTINGS_TIMEOUT } from "./protocol/wire/ErrorCode.ts"
import type { Event, Request } from "./protocol/Event.ts"
import type { ConnectionErrorReason, StreamErrorReason } from "./protocol/wire/ProtocolError.ts"
import { OutputPump } from "./OutputPump.ts"
import type { ConnectedRequest, RequestConnection } from "./stream/RequestConnection.ts"
import { RequestStream } from "./stream/RequestStream.ts"
import type { Stream } from "./protocol/streams/Stream.ts"

/**
 * How far the connection has come, and what it has left to do:
 *
 *     open ──┬─(drain)─► leaving ─(last stream)─┬─► lingering ─► closed
 *            └─(broken rule, idle for too long)─┘
 *
 * - `open`: the requests of a peer, once the machine has got the preface and the peer's settings (`isEstablished`)
 * - `leaving`: a first GOAWAY was sent. Streams that are open go on, and so do those that the peer opens until it has seen
 *   that, and a moment longer; then there is a second GOAWAY, and none is served any more (`isRefusing`)
 * - `lingering`: our side is closed; what the peer still sends is discarded
 * - `closed`: to wait for the applications that have not ended
 */
type Phase = "open" | "leaving" | "lingering" | "closed"

/** Ticks of a tenth of a second that the peer has to acknowledge our settings (RFC 9113 §6.5.3). */
const settingsTicks = ticks(10, "seconds")

/** Ticks of a tenth of a second that the peer has to answer the PING behind the first of two GOAWAYs. */
const leavingTicks = ticks(1, "seconds")

/** Ticks in which the peer may still open streams that it was about to open when it has answered that PING. */
const graceTicks = ticks(100, "milliseconds")

/** Bytes beyond the high mark at which the peer is not read any more: it has to read first what it has asked for. */
const outputMargin = 65_536

/** Broken rules that are about a limit. */
const limits: { readonly [Reason in ConnectionErrorReason | StreamErrorReason]?: Limit } = {
  "section-too-large": "h2MaxHeaderListSize",
  "too-many-resets": "h2ResetRate",
  "too-many-streams": "h2MaxConcurrentStreams"
}

/** One HTTP/2 connection: joins the protocol machine to a transport, and its streams to the application. */
export class Http2Driver
  extends TransportInput
  implements TransportHandler, RequestConnection, ServerConnection, DeadlineOwner
{
  readonly settings: DriverOptions
  declare readonly transport: Transport
  readonly fibers: ListenerFibers
  readonly machine: Connection<RequestStream>
  arrivedAt: number | undefined = undefined
  #described: ObservedConnection | undefined = undefined
  readonly #output: OutputPump
  /** Limits how long the peer may be silent, whatever it is waited for. */
  readonly #readDeadline: Deadline
  readonly #settingsDeadline: Deadline
  /** Limits how long there may be no request. */
  readonly #idleDeadline: Deadline
  #writeDeadline: Deadline | undefined = undefined
  /** When the first of the streams has to be looked at on which nothing may have happened for too long. */
  #stallDeadline: Deadline | undefined = undefined
  #phase: Phase = "open"
  /** Requests whose applications have not ended at once, and not since. */
  readonly #waiting = new Set<ConnectedRequest>()
  /** Whether events of the machine are being acted upon; what is left to do is looked at behind them. */
  #isAdvancing = false
  /** How many frames and sections were complete when the read deadline was started for one that comes in pieces. */
  #timedAfter = 0
  /** Whether the peer has closed its side of the transport. */
  #isPeerEnded = false

  constructor(settings: DriverOptions, transport: Transport, fibers: ListenerFibers) {
    super(transport)
    const { server } = settings
    this.settings = settings
    this.fibers = fibers
    // There is no name for a Unix socket, so that clients leave it out or empty.
    this.machine = new Connection(settings.machine, transport, this.#waiting, transport.server?.[1] !== null)
    this.#output = new OutputPump(this.machine, transport, settings.exchange.highWaterMark)
    this.#readDeadline = new Deadline(server.deadlines, this)
    this.#settingsDeadline = new Deadline(server.deadlines, this)
    this.#idleDeadline = new Deadline(server.deadlines, this)
    this.#readDeadline.start(server.limits.headers)
    this.#settingsDeadline.start(settingsTicks)
    this.machine.begin()
    server.registry.add(this)
    // It is to gather without limit, since the machine decides when much was written.
    transport.open(this, Number.POSITIVE_INFINITY)
    transport.scheduleFlush()
  }

  // from the transport -----------------------------------------------------------------------------------------------

  onData(bytes: Uint8Array, isLent: boolean): void {
    if (this.#phase === "lingering" || this.#phase === "closed") return this.discard(bytes.length)
    this.arrivedAt = undefined
    this.machine.receive(bytes, isLent)
    this.#advance()
    this.machine.keep()
  }

  onEnd(): void {
    this.#isPeerEnded = true
    this.endFor("client_closed")
    for (const stream of [...this.machine.openStreams]) {
      const { owner } = stream
      if (owner?.isAnswering === true) owner.drop("client_closed", CANCEL)
      // The rest of its request will not come.
      else if (stream.isLocalClosed) this.reset(stream, NO_ERROR)
    }
    this.#settle()
  }

  onFlush(): void {
    this.#output.onFlush()
  }

  onBlocked(): void {
    this.#output.onBlocked()
    this.#writeDeadline ??= new Deadline(this.settings.server.deadlines, this)
    if (!this.#writeDeadline.isRunning) this.#writeDeadline.start(this.settings.server.limits.write)
  }

  onDrain(): void {
    if (!this.isSent) this.#writeDeadline?.start(this.settings.server.limits.write)
    else this.#writeDeadline?.stop()
    if (this.isSent) this.restartLinger()
    if (this.#phase === "lingering" || this.#phase === "closed") return
    // Before content takes the room again.
    this.#regulate()
    this.#output.pump()
    this.#settle()
  }

  onClose(reason: DisconnectReason | undefined): void {
    this.endForClose(reason)
    this.#phase = "closed"
    this.#readDeadline.release()
    this.#settingsDeadline.release()
    this.#idleDeadline.release()
    this.#writeDeadline?.release()
    this.#stallDeadline?.release()
    this.#endStreams(reason ?? "client_closed")
    this.#finish()
  }

  // from the timer wheel and the registry ------------------------------------------------------------------------------

  onDeadline(deadline: Deadline): void {
    if (deadline === this.#writeDeadline) return this.mayTakeOn(deadline) ? undefined : this.abort("write_timeout")
    if (deadline === this.#settingsDeadline) {
      if (this.machine.areSettingsAcknowledged || this.#phase === "lingering") return
      this.endFor("protocol_error")
      this.settings.server.observer?.protocolError?.("settings-timeout", this.transport)
      return this.#fail(SETTINGS_TIMEOUT, "the settings were not acknowledged in time")
    }
    if (deadline === this.#idleDeadline) return this.#onIdle(deadline)
    if (deadline === this.#stallDeadline) return this.#checkStalls(deadline)
    switch (this.#phase) {
      case "open":
        if (!this.machine.isEstablished) return this.#giveUp()
        this.tellLimit("headersTimeout")
        return this.#fail(ENHANCE_YOUR_CALM, "a frame took too long to arrive")
      case "leaving":
        this.machine.refuseFurther()
        return this.#settle()
      case "lingering":
        return this.endUnlessSending(deadline)
      case "closed":
        return
    }
  }

  /** The client has not even sent its preface and settings. */
  #giveUp(): void {
    this.endFor("idle_timeout")
    this.transport.destroy()
  }

  #onIdle(deadline: Deadline): void {
    if (this.#phase !== "open") return
    // A request may be under way, whose time is limited too.
    if (this.machine.isMidway) deadline.start(this.settings.server.limits.headers)
    else this.#fail(NO_ERROR, "idle for too long")
  }

  /** One deadline serves all streams: one for each would be made, linked and unlinked for each request with a body. */
  watchStall(ticks: number): number {
    const { deadlines } = this.settings.server
    const due = deadlines.now + ticks + 1
    this.#stallDeadline ??= new Deadline(deadlines, this)
    if (due < this.#stallDeadline.due) this.#stallDeadline.start(ticks)
    return due
  }

  #checkStalls(deadline: Deadline): void {
    const { now } = this.settings.server.deadlines
    let next = Number.POSITIVE_INFINITY
    for (const { owner } of [...this.machine.openStreams]) {
      const due = owner?.checkStall(now) ?? 0
      if (due !== 0) next = Math.min(next, due)
    }
    if (next !== Number.POSITIVE_INFINITY) deadline.start(Math.max(1, next - now - 1))
  }

  drain(): void {
    this.linger?.hurry()
    if (this.#phase !== "open") return
    this.endFor("server_shutdown")
    this.#phase = "leaving"
    this.machine.announceEnd()
    this.#readDeadline.start(leavingTicks)
    for (const { owner } of [...this.machine.openStreams]) owner?.drain()
    this.transport.scheduleFlush()
  }

  // the way in -------------------------------------------------------------------------------------------------------

  #advance(): void {
    if (this.#isAdvancing) return
    this.#isAdvancing = true
    try {
      while (this.#react(this.machine.next()));
      this.#output.pump()
      this.#regulate()
    } catch (defect) {
      // A mistake in here, or a getter in the application's state that throws, must cost one connection only.
      this.settings.exchange.log(Effect.logError("a connection failed", defect))
      this.#fail(INTERNAL_ERROR, "internal error")
    } finally {
      this.#isAdvancing = false
    }
    this.#settle()
  }

  #begin(received: Request<RequestStream>): void {
    const request = identify(this.settings, this.transport, received)
    new RequestStream(this, request).begin(request)
  }

  /** Acts upon an event; answers whether there may be another. */
  #react(event: Event<RequestStream>): boolean {
    switch (event.type) {
      case "request":
        this.#idleDeadline.stop()
        this.#begin(event)
        return true
      case "data":
        event.stream.owner?.onData(event)
        return true
      case "trailers":
        event.stream.owner?.onContentEnd()
        return true
      case "reset":
        this.settings.server.observer?.streamReset?.(event.reason === undefined ? "client" : "server")
        if (event.reason !== undefined) this.#tellProblem(event.reason)
        event.stream.owner?.onReset(event.reason === undefined ? "client_closed" : "protocol_error")
        return true
      case "refused":
        this.settings.server.observer?.streamReset?.("server")
        this.#tellProblem(event.reason)
        return true
      case "malformed":
        this.settings.server.observer?.streamReset?.("server")
        this.#tellProblem("malformed-request")
        this.settings.server.exchanges
          ?.begin(this.transport, undefined, this.settings.server.requestIds?.next())
          .end("protocol_error")
        return true
      case "ping-acknowledged":
        if (this.#phase === "leaving") this.#refuseSoon()
        return true
      case "error":
        this.endFor(limits[event.reason] === undefined ? "protocol_error" : "limit")
        this.#tellProblem(event.reason)
        this.#linger("protocol_error")
        return false
      default:
        return false
    }
  }

  /** Clients of several threads, such as Go's, answer while one of them may be about to open a stream. */
  #refuseSoon(): void {
    const { deadlines, isPatient } = this.settings.server
    if (!isPatient) this.machine.refuseFurther()
    // Answers beyond the first do not put it off.
    else if (deadlines.now + graceTicks + 1 < this.#readDeadline.due) this.#readDeadline.start(graceTicks)
  }

  #tellProblem(reason: ConnectionErrorReason | StreamErrorReason): void {
    tellProblem(this.settings.server.observer, this.transport, reason, limits[reason])
  }

  /** Reads on only if the peer reads too, and limits the time of whatever is waited for. */
  #regulate(): void {
    if (this.#phase === "lingering" || this.#phase === "closed") return
    const { machine } = this
    const limit = machine.highWaterMark + outputMargin
    if (machine.bufferedAmount > limit) this.#output.makeRoom()
    if (machine.bufferedAmount > limit) this.setPaused(true)
    else if (machine.bufferedAmount <= this.settings.exchange.lowWaterMark) this.setPaused(false)
  }

  /** Whatever has happened, the time that runs is the one for what is waited for now, and nothing may be left to do. */
  #settle(): void {
    const { machine } = this
    if (machine.hasOutput) this.transport.scheduleFlush()
    if (this.#phase === "lingering" || this.#phase === "closed") return
    const isUnused = machine.openStreamCount === 0
    if (isUnused && (machine.isRefusing || this.#isPeerEnded)) this.#close()
    else if (this.#phase === "open" && machine.isEstablished) this.#timeReading(isUnused)
  }

  /** Until the connection is established, the read deadline limits how long that takes. */
  #timeReading(isUnused: boolean): void {
    const { limits } = this.settings.server
    const { completed, isMidway } = this.machine
    if (isUnused && !this.#idleDeadline.isRunning) this.#idleDeadline.start(limits.idle)
    if (!isMidway) this.#readDeadline.stop()
    else if (!this.#readDeadline.isRunning || this.#timedAfter !== completed) {
      this.#readDeadline.start(limits.headers)
      this.#timedAfter = completed
    }
  }

  // the way out --------------------------------------------------------------------------------------------------------

  onHeld(stream: ConnectedRequest): void {
    this.#output.hold(stream)
  }

  onWritten(stream: ConnectedRequest): void {
    this.#output.onWritten(stream)
    if (!this.#isAdvancing && this.machine.openStreamCount === 0) this.#settle()
  }

  flush(): void {
    this.transport.flush()
  }

  reset(stream: Stream<RequestStream>, code: number): void {
    if (!stream.isClosed) this.settings.server.observer?.streamReset?.("server")
    this.machine.reset(stream, code)
  }

  onApplicationStart(stream: ConnectedRequest): void {
    this.#waiting.add(stream)
  }

  onApplicationEnd(stream: ConnectedRequest): void {
    if (!this.#waiting.delete(stream)) return
    if (this.#phase === "closed") return this.#finish()
    this.offerPlace()
    if (!this.#isAdvancing) this.#settle()
  }

  // endings ------------------------------------------------------------------------------------------------------------

  /** Ends the connection with a GOAWAY of this code. */
  #fail(code: number, message: string): void {
    const reason = code === NO_ERROR ? "idle_timeout" : code === INTERNAL_ERROR ? "server_error" : "client_timeout"
    this.endFor(endOf(reason))
    this.machine.abort(code, message)
    this.#linger(reason)
  }

  /** GOAWAY was written: our side closes behind it. */
  #linger(reason: DisconnectReason): void {
    this.#endStreams(reason)
    this.#close()
  }

  #close(): void {
    if (this.#phase === "lingering" || this.#phase === "closed") return
    this.#phase = "lingering"
    this.machine.finishTurn()
    this.transport.end()
    this.beginLinger(this.#readDeadline, toldSilenceTicks)
  }

  get described(): ObservedConnection {
    return (this.#described ??= describeConnection(this.transport))
  }

  get protocol(): "h2" {
    return "h2"
  }

  protected get hasRunning(): boolean {
    return this.#waiting.size > 0
  }

  /** Ends the connection now. */
  abort(reason: DisconnectReason): void {
    if (this.#phase === "closed") return
    this.endFor(endOf(reason))
    const isStuck = reason === "write_timeout" || (this.#phase === "lingering" && this.transport.bufferedAmount > 0)
    if (this.#phase !== "lingering") this.machine.abort(reason === "server_error" ? INTERNAL_ERROR : NO_ERROR, "")
    this.#phase = "lingering"
    this.#endStreams(reason)
    this.machine.finishTurn()
    if (isStuck) this.transport.reset()
    else this.transport.destroy()
  }

  #endStreams(reason: DisconnectReason): void {
    for (const { owner } of [...this.machine.openStreams]) owner?.onReset(reason)
    for (const stream of [...this.#waiting]) stream.onReset(reason)
  }

  #finish(): void {
    if (this.#waiting.size === 0) this.settings.server.registry.remove(this)
  }
}
