import { Admission, Place } from "@pagi/core/server/Admission"
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { make } from "../../src/process/RequestAge.ts"

/** Milliseconds that each request computes for, and that it takes to refuse one. */
const computing = 2
const refusing = 0.1

const claimant = { onAdmitted: () => {}, onShed: () => {} }

/**
 * An event loop that serves requests in turns: in each of them all that have come before it has begun. Answers how many it
 * has served in a second, and how long those had waited.
 */
const simulate = (clock: Clock.Clock, perSecond: number, maxQueueTime: number) => {
  const [time, seconds] = [{ now: 0, idle: 0 }, 20]
  let atEnd = (): void => {}
  const age = make({
    now: () => time.now,
    idle: () => time.idle,
    atEnd: (callback) => {
      atEnd = callback
    }
  })
  const options = {
    maxConcurrentRequests: 0,
    maxQueuedRequests: 100,
    maxQueueTime: Duration.millis(maxQueueTime),
    healthPaths: []
  }
  const admission = new Admission({ options, clock, observer: undefined, age })
  const waits: Array<number> = []
  const count = perSecond * seconds
  const arrival = (index: number): number => (index * 1000) / perSecond
  for (let next = 0; next < count;) {
    const idle = Math.max(0, arrival(next) - time.now)
    time.now += idle
    time.idle += idle
    for (const begun = time.now; next < count && arrival(next) <= begun; next++) {
      const place = new Place(claimant)
      if (admission.enter(place, "/") === undefined) {
        waits.push(time.now - arrival(next))
        time.now += computing
        admission.leave(place)
      } else time.now += refusing
    }
    atEnd()
  }
  waits.sort((a, b) => a - b)
  return { goodput: waits.length / seconds, p99: waits[Math.floor(waits.length * 0.99)] ?? 0 }
}

describe("a process that gets more requests than it can compute", () => {
  for (const maxQueueTime of [20, 50, 100, 500]) {
    for (const factor of [1.1, 1.5, 2, 3]) {
      it.effect(`goes on at its pace, with ${maxQueueTime} ms and ${factor} times the load`, () =>
        Effect.gen(function* () {
          const { goodput, p99 } = simulate(yield* Clock.Clock, (factor * 1000) / computing, maxQueueTime)
          assert.isAtLeast(goodput, 0.85 * (1000 / computing))
          assert.isAtMost(p99, maxQueueTime)
        })
      )
    }
  }

  it.effect("refuses nothing as long as it can serve everything", () =>
    Effect.gen(function* () {
      const { goodput, p99 } = simulate(yield* Clock.Clock, 450, 20)
      assert.strictEqual(goodput, 450)
      assert.isBelow(p99, 20)
    })
  )
})
