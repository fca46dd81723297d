/** The time of day for spans. */
import type * as Clock from "effect/Clock"

/** Nanoseconds for which the distance between the monotonic and the wall clock counts as unchanged. */
const distanceLifetime = 1_000_000_000n

/**
 * The time of day in nanoseconds since 1970, as the clock has it, read at half the price: Effect's live clock compares two
 * clocks at each reading, this one each second.
 */
export class SpanClock {
  readonly #clock: Clock.Clock
  #distance = 0n
  #expiry: bigint | undefined = undefined

  constructor(clock: Clock.Clock) {
    this.#clock = clock
  }

  now(): bigint {
    const monotonic = this.#clock.monotonicTimeNanosUnsafe()
    if (this.#expiry === undefined || monotonic >= this.#expiry) {
      this.#distance = this.#clock.currentTimeNanosUnsafe() - monotonic
      this.#expiry = monotonic + distanceLifetime
    }
    return monotonic + this.#distance
  }
}
