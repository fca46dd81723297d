import type * as Clock from "effect/Clock"

/** The value of the Date header field (RFC 9110 §6.6.1), made once a second. */
export class DateHeader {
  readonly #clock: Clock.Clock
  #second = -1
  #text = ""

  constructor(clock: Clock.Clock) {
    this.#clock = clock
  }

  /** The current time as an IMF-fixdate. */
  get value(): string {
    const second = Math.floor(this.#clock.currentTimeMillisUnsafe() / 1000)
    if (second !== this.#second) {
      this.#second = second
      this.#text = new Date(second * 1000).toUTCString()
    }
    return this.#text
  }
}
