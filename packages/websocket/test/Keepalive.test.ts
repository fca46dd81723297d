import { assert, describe, it } from "@effect/vitest"
import * as Deadlines from "@pagi/core/server/Deadlines"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import { Keepalive, type KeptSession } from "../src/Keepalive.ts"

const maxInterval = 20
const maxTimeout = 60

/** A session whose peer answers so many pings, at once. What is sent leaves at the end of a turn, as from a real one. */
class FakeSession implements KeptSession {
  readonly name: string
  readonly intervalTicks: number
  readonly timeoutTicks: number
  pings = 0
  /** The tick in which it was ended, if it was. */
  endedTick: number | undefined = undefined
  isBehind = false
  readonly #clock: Clock.Clock
  readonly #answers: number
  readonly #keepalive: Keepalive

  constructor(
    clock: Clock.Clock,
    wheel: Deadlines.Deadlines,
    [intervalTicks, timeoutTicks]: readonly [number, number],
    answers: number
  ) {
    this.name = `every ${intervalTicks} ticks, answered in ${timeoutTicks}`
    this.intervalTicks = intervalTicks
    this.timeoutTicks = timeoutTicks
    this.#clock = clock
    this.#answers = answers
    this.#keepalive = new Keepalive(this, wheel)
    this.#keepalive.start(intervalTicks, timeoutTicks)
  }

  sendPing(): boolean {
    this.pings++
    this.isBehind = true
    queueMicrotask(() => this.#leave())
    return true
  }

  #leave(): void {
    this.isBehind = false
    if (this.pings <= this.#answers) this.#keepalive.onPong()
  }

  onUnanswered(): void {
    this.endedTick = this.#clock.currentTimeMillisUnsafe() / Deadlines.tickMillis
    this.release()
  }

  release(): void {
    this.#keepalive.release()
  }
}

/** Every pair of an interval and a timeout, in ticks. */
const pairs = Array.from({ length: maxInterval * maxTimeout }, (_, index): readonly [number, number] => [
  1 + (index % maxInterval),
  1 + Math.floor(index / maxInterval)
])

/** A session for each of the pairs. */
const openSessions = (answers: number) =>
  Effect.gen(function* () {
    const clock = yield* Clock.Clock
    const wheel = yield* Deadlines.make
    return { sessions: pairs.map((pair) => new FakeSession(clock, wheel, pair, answers)), wheel }
  })

const pass = (ticks: number): Effect.Effect<void> =>
  Effect.replicateEffect(TestClock.adjust(Deadlines.tickMillis), ticks, { discard: true })

describe("keepalive, whatever the interval and the timeout", () => {
  for (const answers of [0, 1, 3]) {
    it.effect(`ends the session of a peer that answers ${answers} pings, in the time of both`, () =>
      Effect.gen(function* () {
        const { sessions, wheel } = yield* openSessions(answers)
        yield* pass((answers + 1) * (maxInterval + 1) + maxTimeout + 1)
        for (const { endedTick = Infinity, intervalTicks, name, pings, timeoutTicks } of sessions) {
          const ticks = endedTick - answers * (intervalTicks + 1)
          assert.isAtLeast(ticks, intervalTicks + timeoutTicks, name)
          assert.isAtMost(ticks, intervalTicks + timeoutTicks + 2, name)
          assert.strictEqual(pings, answers + 1, name)
        }
        assert.strictEqual(wheel.size, 0)
      })
    )
  }

  it.effect("does not end the session of a peer that always answers at once", () =>
    Effect.gen(function* () {
      const ticks = 300
      const { sessions, wheel } = yield* openSessions(Infinity)
      yield* pass(ticks)
      for (const { endedTick, intervalTicks, name, pings } of sessions) {
        assert.isUndefined(endedTick, name)
        assert.strictEqual(pings, Math.floor(ticks / (intervalTicks + 1)), name)
      }
      for (const session of sessions) session.release()
      assert.strictEqual(wheel.size, 0)
    })
  )
})
