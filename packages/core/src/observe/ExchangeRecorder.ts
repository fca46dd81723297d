/** What becomes of an exchange, for observers: noted while it goes on, told once when it has ended. */
import type * as Clock from "effect/Clock"
import type { Address } from "../contract/Address.ts"
import type { HeaderBlock } from "../http/HeaderBlock.ts"
import type { ExchangeOutcome, ExchangeRecord, ObservedConnection, ObservedRequest, Observer } from "./Observer.ts"

/** Milliseconds for which the distance between the monotonic and the wall clock counts as unchanged. */
const distanceLifetime = 1000

/** Tells the observer of a server of its exchanges. */
export class ExchangeRecorder {
  readonly observer: Observer
  readonly #clock: Clock.Clock
  readonly #origin: bigint
  #distance = 0
  #measuredAt = Number.NEGATIVE_INFINITY

  constructor(clock: Clock.Clock, observer: Observer) {
    this.observer = observer
    this.#clock = clock
    this.#origin = clock.monotonicTimeNanosUnsafe()
  }

  /** The recorder for an observer; nothing when nobody listens to exchanges. */
  static make(clock: Clock.Clock, observer: Observer | undefined): ExchangeRecorder | undefined {
    return observer?.exchangeStarted === undefined && observer?.exchangeEnded === undefined
      ? undefined
      : new ExchangeRecorder(clock, observer)
  }

  /** An exchange that begins now; without a request when what arrived was not a valid head. */
  begin(connection: ObservedConnection, request: ObservedRequest | undefined): ExchangeEntry {
    this.observer.exchangeStarted?.(request, connection)
    return new ExchangeEntry(this, connection, request)
  }

  /** Milliseconds of a clock that only goes forward, since the recorder was made. */
  now(): number {
    return Number(this.#clock.monotonicTimeNanosUnsafe() - this.#origin) / 1e6
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
  readonly request: ObservedRequest | undefined
  status = 499
  responseHeaders: HeaderBlock | undefined = undefined
  bytes = 0
  /** Until the end, the reading of the recorder's clock. */
  startedAt: number
  /** Not a number until the end. */
  duration = Number.NaN
  firstByte: number | undefined = undefined
  outcome: ExchangeOutcome = "complete"
  readonly #recorder: ExchangeRecorder

  constructor(
    recorder: ExchangeRecorder,
    { client, server }: ObservedConnection,
    request: ObservedRequest | undefined
  ) {
    this.client = client
    this.server = server
    this.request = request
    this.startedAt = recorder.now()
    this.#recorder = recorder
  }

  /** The response has a head; it counts as sent unless `revoke` follows. */
  started(status: number, headers: HeaderBlock | undefined): void {
    const { observer } = this.#recorder
    this.status = status
    if (observer.usesResponseHeaders === true) this.responseHeaders = headers
    if (observer.usesFirstByte === true) this.firstByte = this.#recorder.now() - this.startedAt
  }

  /** The head that was announced has not been sent, and will not be. */
  revoke(): void {
    this.status = 499
    this.responseHeaders = undefined
    this.firstByte = undefined
  }

  /** So many bytes of the response's body were sent. */
  sent(length: number): void {
    this.bytes += length
  }

  /** Tells of the exchange as ended now. Only the first call counts. */
  end(outcome: ExchangeOutcome): void {
    if (!Number.isNaN(this.duration)) return
    const recorder = this.#recorder
    const now = recorder.now()
    this.duration = now - this.startedAt
    this.startedAt += recorder.distance(now)
    this.outcome = outcome
    recorder.observer.exchangeEnded?.(this)
  }

  /** The server itself has answered, and with that the exchange has ended. */
  answered(status: number, length: number, outcome: ExchangeOutcome): void {
    this.started(status, undefined)
    this.sent(length)
    this.end(outcome)
  }
}
