/** What becomes of a request, for the access log: noted while it goes on, reported once when it has ended. */
import type * as Clock from "effect/Clock"
import type { DisconnectReason } from "../../contract/DisconnectReason.ts"
import type { HeaderBlock } from "../../http/HeaderBlock.ts"
import type { Address } from "../../contract/Address.ts"

/** How an exchange ended; `at_capacity` is a connection that was turned away. */
export type AccessOutcome = "complete" | "at_capacity" | DisconnectReason

/** What an access log is told of a request. */
export interface LoggedRequest {
  readonly method: string
  /** The request target as received. */
  readonly target: string
  readonly httpVersion: string
  readonly headers: HeaderBlock
}

/** What is known about an exchange when it has ended. */
export interface AccessRecord {
  /** The peer; absent on Unix sockets. */
  readonly client: Address | undefined
  readonly server: Address | undefined
  /** Absent when there was no valid head. */
  readonly request: LoggedRequest | undefined
  /** The status sent; 499 when the exchange ended before one was. */
  readonly status: number
  /** What the application sent with the status; absent unless the log asks for it. */
  readonly responseHeaders: HeaderBlock | undefined
  /** Bytes of the response body that were sent, without the protocol's framing. */
  readonly bytes: number
  /** Wall-clock time of the request's start, milliseconds since 1970. */
  readonly startedAt: number
  /** Milliseconds from the request's head to the end of the exchange. */
  readonly duration: number
  /** Milliseconds from the request's head to that of the response; absent without one, or unless the log asks for it. */
  readonly firstByte: number | undefined
  readonly outcome: AccessOutcome
}

/** Where finished exchanges are reported. */
export interface AccessLog {
  record(record: AccessRecord): void
  /** Whether records shall have `responseHeaders`. */
  readonly usesResponseHeaders: boolean
  /** Whether records shall have `firstByte`, which costs a look at the clock. */
  readonly usesFirstByte: boolean
}

/** Both ends of a connection, as its transport knows them. */
export interface LoggedConnection {
  readonly client: Address | undefined
  readonly server: Address | undefined
}

/** Milliseconds for which the distance between the monotonic and the wall clock counts as unchanged. */
const distanceLifetime = 1000

/** Gives the exchanges of a server to its access log. */
export class AccessRecorder {
  readonly log: AccessLog
  readonly #clock: Clock.Clock
  readonly #origin: bigint
  #distance = 0
  #measuredAt = Number.NEGATIVE_INFINITY

  constructor(clock: Clock.Clock, log: AccessLog) {
    this.log = log
    this.#clock = clock
    this.#origin = clock.monotonicTimeNanosUnsafe()
  }

  /** An exchange that begins now; without a request when what arrived was not a valid head. */
  begin(connection: LoggedConnection, request: LoggedRequest | undefined): AccessEntry {
    return new AccessEntry(this, connection, request)
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

/** An exchange on its way into the access log. Drivers of all protocols tell it what happens. */
export class AccessEntry implements AccessRecord {
  readonly client: Address | undefined
  readonly server: Address | undefined
  readonly request: LoggedRequest | undefined
  status = 499
  responseHeaders: HeaderBlock | undefined = undefined
  bytes = 0
  /** Until the end, the reading of the recorder's clock. */
  startedAt: number
  /** Not a number until the end. */
  duration = Number.NaN
  firstByte: number | undefined = undefined
  outcome: AccessOutcome = "complete"
  readonly #recorder: AccessRecorder

  constructor(recorder: AccessRecorder, { client, server }: LoggedConnection, request: LoggedRequest | undefined) {
    this.client = client
    this.server = server
    this.request = request
    this.startedAt = recorder.now()
    this.#recorder = recorder
  }

  /** The response has a head; it counts as sent unless `revoke` follows. */
  started(status: number, headers: HeaderBlock | undefined): void {
    const { log } = this.#recorder
    this.status = status
    if (log.usesResponseHeaders) this.responseHeaders = headers
    if (log.usesFirstByte) this.firstByte = this.#recorder.now() - this.startedAt
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

  /** Reports the exchange as ended now. Only the first call counts. */
  end(outcome: AccessOutcome): void {
    if (!Number.isNaN(this.duration)) return
    const recorder = this.#recorder
    const now = recorder.now()
    this.duration = now - this.startedAt
    this.startedAt += recorder.distance(now)
    this.outcome = outcome
    recorder.log.record(this)
  }

  /** The server itself has answered, and with that the exchange has ended. */
  answered(status: number, length: number, outcome: AccessOutcome): void {
    this.started(status, undefined)
    this.sent(length)
    this.end(outcome)
  }
}
