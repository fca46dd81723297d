import type * as Clock from "effect/Clock"
import type { Address } from "./Transport.ts"

/** What is known about an exchange when it has ended. */
export interface AccessRecord {
  readonly client: Address | undefined
  readonly method: string
  /** The request target as received. */
  readonly target: string
  readonly httpVersion: string
  /** The status sent; 499 when the peer left before one was. */
  readonly status: number
  /** Wall-clock time of the request's start, milliseconds since 1970. */
  readonly startedAt: number
  /** Milliseconds. */
  readonly duration: number
}

/** Where finished exchanges are reported. */
export interface AccessLog {
  record(record: AccessRecord): void
}

/** What an access log is told of a request. */
export type LoggedRequest = Pick<AccessRecord, "method" | "target" | "httpVersion">

/** An exchange on its way into the access log. */
export class AccessEntry {
  /** The status of the final response, once it has one. */
  status: number | undefined = undefined
  readonly #clock: Clock.Clock
  readonly #client: Address | undefined
  readonly #request: LoggedRequest
  readonly #startedNanos: bigint

  constructor(clock: Clock.Clock, client: Address | undefined, request: LoggedRequest) {
    this.#clock = clock
    this.#client = client
    this.#request = request
    this.#startedNanos = clock.monotonicTimeNanosUnsafe()
  }

  /** Reports the exchange as ended now. */
  end(log: AccessLog): void {
    const { httpVersion, method, target } = this.#request
    const duration = Number(this.#clock.monotonicTimeNanosUnsafe() - this.#startedNanos) / 1e6
    const startedAt = this.#clock.currentTimeMillisUnsafe() - duration
    const status = this.status ?? 499
    log.record({ client: this.#client, method, target, httpVersion, status, startedAt, duration })
  }
}

const months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
const two = (value: number): string => (value < 10 ? `0${value}` : String(value))

/** Writes the time of log lines, `22/Nov/2026:08:00:00 +0000`, anew only once a second. */
export class LogTime {
  #second = -1
  #text = ""

  format(millis: number): string {
    const second = Math.floor(millis / 1000)
    if (second !== this.#second) {
      const date = new Date(second * 1000)
      const day = `${two(date.getUTCDate())}/${months[date.getUTCMonth()] ?? ""}/${date.getUTCFullYear()}`
      const time = `${two(date.getUTCHours())}:${two(date.getUTCMinutes())}:${two(date.getUTCSeconds())}`
      this.#second = second
      this.#text = `${day}:${time} +0000`
    }
    return this.#text
  }
}

const isSafe = /^[\x20-\x21\x23-\x5b\x5d-\x7e]*$/
const unsafe = /[^\x20-\x21\x23-\x5b\x5d-\x7e]/g
const escape = (character: string): string =>
  character === '"' || character === "\\"
    ? `\\${character}`
    : `\\x${character.charCodeAt(0).toString(16).padStart(2, "0")}`

/** Text from a request, made safe for a line of a log: quotes, control bytes and bytes above 0x7E are escaped. */
export const escapeLogText = (text: string): string => (isSafe.test(text) ? text : text.replace(unsafe, escape))

/** Milliseconds as seconds with three decimals, without the cost of `toFixed`. */
const formatSeconds = (millis: number): string => {
  const rounded = Math.round(millis)
  const fraction = rounded % 1000
  return `${(rounded - fraction) / 1000}.${fraction < 100 ? "0" : ""}${two(fraction)}`
}

/** The `clf` format: host, time, request, status and the duration in seconds. */
export const formatCommon = (time: LogTime, record: AccessRecord): string => {
  const host = record.client === undefined ? "unix" : record.client[0]
  const request = escapeLogText(`${record.method} ${record.target}`)
  return `${host} - - [${time.format(record.startedAt)}] "${request}" ${record.status} ${formatSeconds(record.duration)}s\n`
}
