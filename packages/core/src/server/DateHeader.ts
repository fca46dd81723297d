import type * as Clock from "effect/Clock"
import type { Deadlines } from "./Deadlines.ts"

/**
 * The value of the Date header field (RFC 9110 §6.6.1), made once a second. While the wheel of deadlines turns, the clock
 * is read once for each of its ticks rather than for each response.
 */
export class DateHeader {
  readonly #clock: Clock.Clock
  readonly #wheel: Pick<Deadlines, "isTurning" | "now">
  #tick = -1
  #second = -1
  #text = ""

  constructor(clock: Clock.Clock, wheel: Pick<Deadlines, "isTurning" | "now">) {
    this.#clock = clock
    this.#wheel = wheel
  }

  /** The current time as an IMF-fixdate; it may be late by a tick. */
  get value(): string {
    const { isTurning, now } = this.#wheel
    if (!isTurning || now !== this.#tick) this.#read(now)
    return this.#text
  }

  #read(tick: number): void {
    this.#tick = tick
    const second = Math.floor(this.#clock.currentTimeMillisUnsafe() / 1000)
    if (second === this.#second) return
    this.#second = second
    this.#text = new Date(second * 1000).toUTCString()
  }
}
