/** What becomes of an exchange, for observers: noted while it goes on, told once when it has ended. */
import type * as Clock from "effect/Clock"
import type { Address } from "../contract/Address.ts"
import * as EventStream from "../http/EventStream.ts"
import type { HeaderBlock } from "../http/HeaderBlock.ts"
import { isContentless } from "../http/ResponseStatus.ts"
import type {
  ExchangeKind,
  ExchangeOutcome,
  ExchangeRecord,
  ObservedConnection,
  ObservedRequest,
  Observer
} from "./Observer.ts"

/** Milliseconds for which the distance between the monotonic and the wall clock counts as unchanged. */
const distanceLifetime = 1000

/** Knows the span of an exchange, at the latest when it ends; none where there is none. */
export interface Traced {
  readonly span?: { readonly traceId: string } | undefined
}

/** Reads the trace that a request is a part of for its client. */
export interface TraceReader {
  traceOf(headers: HeaderBlock): string | undefined
}

/** Is told what a driver does for an exchange, while it goes on. */
export interface ExchangeFollower extends Traced {
  /** The response has a head, which says what the exchange is; it counts as sent unless `revoked` follows. */
  started(status: number, headers: HeaderBlock | undefined, kind: ExchangeKind): void
  revoked(): void
  /** So many bytes of the response's body, or of a session's messages, were sent. */
  sent(length: number): void
  /** The exchange has ended; its application may run on. */
  ended(outcome: ExchangeOutcome): void
}

/** What an exchange is whose response has this head. */
export const kindOf = (status: number, headers: HeaderBlock | undefined, isHead: boolean): ExchangeKind =>
  headers !== undefined && EventStream.isContent(headers) && !isContentless(status, isHead) ? "sse" : "http"

/** Nobody listens: the entry is there for a follower. */
const nobody: Observer = {}

/** Tells the observer of a server of its exchanges. */
export class ExchangeRecorder {
  readonly observer: Observer
  readonly #clock: Clock.Clock
  readonly #isHeard: boolean
  readonly #traces: TraceReader | undefined
  readonly #origin: bigint
  #distance = 0
  #measuredAt = Number.NEGATIVE_INFINITY

  /** Unless `isHeard`, nobody asks for times, and the clock is not looked at. `traces` is absent where no spans are made. */
  constructor(clock: Clock.Clock, observer: Observer, isHeard = true, traces?: TraceReader) {
    this.observer = observer
    this.#traces = traces
    this.#clock = clock
    this.#isHeard = isHeard
    this.#origin = clock.monotonicTimeNanosUnsafe()
  }

  /** The recorder for an observer; nothing when nobody listens to exchanges, and none has a span that follows it. */
  static make(
    clock: Clock.Clock,
    observer: Observer | undefined,
    traces?: TraceReader | undefined
  ): ExchangeRecorder | undefined {
    const isHeard = observer?.exchangeStarted !== undefined || observer?.exchangeEnded !== undefined
    if (!isHeard && traces === undefined) return undefined
    return new ExchangeRecorder(clock, observer ?? nobody, isHeard, traces)
  }

  /** An exchange that begins now; without a request when what arrived was not a valid head. */
  begin(
    connection: ObservedConnection,
    request: ObservedRequest | undefined,
    requestId = request?.requestId
  ): ExchangeEntry {
    this.observer.exchangeStarted?.(request, connection)
    return new ExchangeEntry(this, connection, request, requestId)
  }

  /** The trace of an exchange that has ended: its span's, or else the caller's. */
  traceOf(traced: Traced | undefined, request: ObservedRequest | undefined): string | undefined {
    return traced?.span?.traceId ?? (request === undefined ? undefined : this.#traces?.traceOf(request.headers))
  }

  /** Milliseconds of a clock that only goes forward, since the recorder was made. */
  now(): number {
    return this.#isHeard ? Number(this.#clock.monotonicTimeNanosUnsafe() - this.#origin) / 1e6 : 0
  }

  /** Milliseconds to add to a reading of `now` for the time of day. Looks at the second clock only now and then. */
  distance(now: number): number {
    if (now - this.#measuredAt >= distanceLifetime) {
      this.#measuredAt = now
      this.#distance = this.#clock.currentTimeMillisUnsafe() - now
    }
    return this.#distance
  }
}

/** The record of an exchange that goes on. Drivers of all protocols tell it what happens. */
export class ExchangeEntry implements ExchangeRecord {
  readonly client: Address | undefined
  readonly server: Address | undefined
  readonly secure: boolean
  readonly request: ObservedRequest | undefined
  readonly requestId: string | undefined
  /** Not known until the end. */
  traceId: string | undefined = undefined
  kind: ExchangeKind = "http"
  status = 499
  responseHeaders: HeaderBlock | undefined = undefined
  bytes = 0
  /** Until the end, the reading of the recorder's clock. */
  startedAt: number
  /** Not a number until the end. */
  duration = Number.NaN
  firstByte: number | undefined = undefined
  queueTime: number | undefined = undefined
  outcome: ExchangeOutcome = "complete"
  #follower: ExchangeFollower | undefined = undefined
  #traced: Traced | undefined = undefined
  /** Whether the response has a head of which it is to be noted when it is sent. */
  #isHeadAwaited = false
  /** The reading of the recorder's clock when the response was complete. */
  #completedAt: number | undefined = undefined
  readonly #recorder: ExchangeRecorder

  constructor(
    recorder: ExchangeRecorder,
    { client, secure, server }: ObservedConnection,
    request: ObservedRequest | undefined,
    requestId: string | undefined
  ) {
    this.client = client
    this.server = server
    this.secure = secure
    this.request = request
    this.requestId = requestId
    this.startedAt = recorder.now()
    this.#recorder = recorder
  }

  /** Tells another one what happens from now on. */
  follow(follower: ExchangeFollower): void {
    this.#follower = follower
    this.#traced = follower
  }

  /** The application makes the span itself. */
  tracedBy(traced: Traced): void {
    this.#traced = traced
  }

  /**
   * The request's head came when the clock of the recorder read so; nothing, if it is the first of those that have come now.
   * Answers when those behind it have come.
   */
  arrived(at: number | undefined): number {
    const arrivedAt = at ?? this.startedAt
    this.queueTime = this.startedAt - arrivedAt
    return arrivedAt
  }

  /** The response has a head; it counts as sent unless `revoke` follows. */
  started(status: number, headers: HeaderBlock | undefined): void {
    this.#start(status, headers, kindOf(status, headers, this.request?.method === "HEAD"))
  }

  /** A handshake is accepted by this head; it counts as sent unless `revoke` follows. */
  accepted(status: number, headers: HeaderBlock): void {
    this.#start(status, headers, "websocket")
  }

  #start(status: number, headers: HeaderBlock | undefined, kind: ExchangeKind): void {
    const { observer } = this.#recorder
    this.status = status
    this.kind = kind
    if (observer.usesResponseHeaders === true) this.responseHeaders = headers
    if (observer.usesFirstByte === true) this.#isHeadAwaited = true
    this.#follower?.started(status, headers, kind)
  }

  /** The response's head, if it has one, is on its way; to be told when that happens before there is content. */
  headSent(): void {
    if (this.#isHeadAwaited) this.#noteHead(this.#recorder.now())
  }

  #noteHead(now: number): void {
    this.#isHeadAwaited = false
    this.firstByte = now - this.startedAt
  }

  /** The head that was announced has not been sent, and will not be. */
  revoke(): void {
    this.status = 499
    this.kind = "http"
    this.responseHeaders = undefined
    this.firstByte = undefined
    this.#isHeadAwaited = false
    this.#follower?.revoked()
  }

  /** So many bytes of the response's body were sent, which they may complete. */
  sent(length: number, ends = false): void {
    this.bytes += length
    if (ends || this.#isHeadAwaited) {
      const now = this.#recorder.now()
      if (this.#isHeadAwaited) this.#noteHead(now)
      if (ends) this.#completedAt = now
    }
    this.#follower?.sent(length)
  }

  /** Tells of the exchange as ended now. Only the first call counts. */
  end(outcome: ExchangeOutcome): void {
    if (!Number.isNaN(this.duration)) return
    const recorder = this.#recorder
    const now = this.#completedAt ?? recorder.now()
    if (this.#isHeadAwaited) this.#noteHead(now)
    this.duration = now - this.startedAt
    this.startedAt += recorder.distance(now)
    this.outcome = outcome
    if (recorder.observer.exchangeEnded !== undefined) {
      this.traceId = recorder.traceOf(this.#traced, this.request)
      recorder.observer.exchangeEnded(this)
    }
    this.#follower?.ended(outcome)
  }

  /** The server itself has answered, and with that the exchange has ended. */
  answered(status: number, length: number, outcome: ExchangeOutcome): void {
    this.started(status, undefined)
    this.sent(length, true)
    this.end(outcome)
  }
}
