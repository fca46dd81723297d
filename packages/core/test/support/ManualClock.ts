import type * as Clock from "effect/Clock"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"

/**
 * A clock whose sleepers wake when the test says so, and not when their time has come: what a blocked event loop or a
 * suspended machine looks like.
 */
export class ManualClock implements Clock.Clock {
  millis = 0
  /** What sleepers have asked for. */
  readonly sleeps: Array<Duration.Duration> = []
  #sleepers: Array<() => void> = []

  currentTimeMillisUnsafe(): number {
    return this.millis
  }

  currentTimeNanosUnsafe(): bigint {
    return BigInt(this.millis) * 1_000_000n
  }

  monotonicTimeNanosUnsafe(): bigint {
    return this.currentTimeNanosUnsafe()
  }

  readonly currentTimeMillis = Effect.sync(() => this.currentTimeMillisUnsafe())
  readonly currentTimeNanos = Effect.sync(() => this.currentTimeNanosUnsafe())
  readonly monotonicTimeNanos = Effect.sync(() => this.monotonicTimeNanosUnsafe())

  sleep(duration: Duration.Duration): Effect.Effect<void> {
    return Effect.callback((resume) => {
      this.sleeps.push(duration)
      this.#sleepers.push(() => resume(Effect.void))
    })
  }

  /** Lets time pass and then wakes all who sleep. */
  wakeAfter(millis: number): void {
    this.millis += millis
    const sleepers = this.#sleepers
    this.#sleepers = []
    for (const sleeper of sleepers) sleeper()
  }
}
