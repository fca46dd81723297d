import * as Effect from "effect/Effect"
import * as FiberMap from "effect/FiberMap"
import type * as EffectScope from "effect/Scope"
import { makeNow } from "../process/MonotonicClock.ts"
import type { Timer } from "../pool/PoolEvent.ts"

/** Milliseconds beyond which a timer is late because this process did not run: it was stopped, or the machine was. */
export const lateness = 1000

/** The timers of a pool of workers: each runs under its name, and can be started anew or cancelled. */
export interface PoolTimers {
  /** Without end when the delay is infinite; a timer that runs already starts anew. */
  readonly schedule: (timer: Timer, delay: number) => Effect.Effect<void>
  readonly cancel: (timer: Timer) => Effect.Effect<void>
}

/** Timers for as long as the scope is open. */
export const make = (onElapsed: (timer: Timer) => void): Effect.Effect<PoolTimers, never, EffectScope.Scope> =>
  Effect.gen(function* () {
    const fibers = yield* FiberMap.make<Timer>()
    const now = yield* makeNow
    return {
      schedule: (timer, delay) => {
        if (delay === Number.POSITIVE_INFINITY) return FiberMap.remove(fibers, timer)
        const run = Effect.andThen(
          sleep(now, delay),
          Effect.sync(() => onElapsed(timer))
        )
        return Effect.asVoid(FiberMap.run(fibers, timer, run))
      },
      cancel: (timer) => FiberMap.remove(fibers, timer)
    }
  })

/** Sleeps; a little longer when this process did not run, so that what others did in that time is heard first. */
const sleep = (now: () => number, delay: number): Effect.Effect<void> =>
  Effect.gen(function* () {
    const due = now() + delay
    yield* Effect.sleep(delay)
    if (now() - due > lateness) yield* Effect.sleep(lateness)
  })
