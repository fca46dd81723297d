import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import { Deadline, type DeadlineOwner, Deadlines, make } from "../../src/server/Deadlines.ts"
import { ManualClock } from "../support/ManualClock.ts"

const second = 10

/** Writes down when its deadlines expire, and can do something then. */
class Recorder implements DeadlineOwner {
  readonly expired: Array<number> = []
  readonly #clock: Clock.Clock
  readonly #react: (deadline: Deadline) => void

  constructor(clock: Clock.Clock, react: (deadline: Deadline) => void = () => {}) {
    this.#clock = clock
    this.#react = react
  }

  onDeadline(deadline: Deadline): void {
    this.expired.push(this.#clock.currentTimeMillisUnsafe())
    this.#react(deadline)
  }
}

/** A wheel with a deadline on it, under `TestClock`. */
const setUp = Effect.gen(function* () {
  const clock = yield* Clock.Clock
  const wheel = yield* make
  const recorder = new Recorder(clock)
  return { clock, wheel, recorder, deadline: new Deadline(wheel, recorder) }
})

/** A wheel on a clock of its own, which turns when the test says so. */
const setUpManually = Effect.gen(function* () {
  const clock = new ManualClock()
  const wheel = new Deadlines(clock)
  yield* Effect.forkScoped(wheel.run, { startImmediately: true })
  const recorder = new Recorder(clock)
  return { clock, wheel, recorder, deadline: new Deadline(wheel, recorder) }
})

describe("Deadlines", () => {
  it("counts durations in ticks, rounded up", () => {
    const ticks = [0, 1, 99, 100, 101, 60_000].map((millis) => Deadlines.ticks(Duration.millis(millis)))
    assert.deepStrictEqual(ticks, [0, 1, 1, 1, 2, 600])
  })

  describe("a deadline", () => {
    it.effect("expires once, at most a tick after its time and never before", () =>
      Effect.gen(function* () {
        const { deadline, recorder } = yield* setUp
        deadline.start(second)
        assert.isTrue(deadline.isRunning)
        yield* TestClock.adjust(999)
        assert.deepStrictEqual(recorder.expired, [])
        yield* TestClock.adjust(101)
        assert.strictEqual(recorder.expired.length, 1)
        assert.isFalse(deadline.isRunning)
        yield* TestClock.adjust("10 minutes")
        assert.strictEqual(recorder.expired.length, 1)
      })
    )

    it.effect.each([1, 2, 511, 512, 513, 600, 5 * 512, 5 * 512 + 1])("of %i ticks is neither early nor late", (ticks) =>
      Effect.gen(function* () {
        const { deadline, wheel, recorder } = yield* setUp
        // Another one turns the wheel, so that the start lies in the middle of a tick.
        new Deadline(wheel, recorder).start(1)
        yield* TestClock.adjust(1050)
        new Deadline(wheel, new Recorder(yield* Clock.Clock)).start(ticks + second)
        yield* TestClock.adjust(170)
        recorder.expired.length = 0
        deadline.start(ticks)
        const due = 1220 + ticks * 100
        yield* TestClock.adjust(ticks * 100 + 100)
        assert.strictEqual(recorder.expired.length, 1)
        assert.isAtLeast(recorder.expired[0] ?? Number.NaN, due)
        assert.isAtMost(recorder.expired[0] ?? Number.NaN, due + 100)
      })
    )

    it.effect("that is restarted counts from the restart, later or earlier", () =>
      Effect.gen(function* () {
        const { deadline, recorder } = yield* setUp
        deadline.start(5 * second)
        yield* TestClock.adjust("4 seconds")
        deadline.start(5 * second)
        yield* TestClock.adjust("4 seconds")
        assert.deepStrictEqual(recorder.expired, [])
        deadline.start(1)
        yield* TestClock.adjust(200)
        assert.strictEqual(recorder.expired.length, 1)
        // It can be used again.
        deadline.start(1)
        yield* TestClock.adjust(200)
        assert.strictEqual(recorder.expired.length, 2)
      })
    )

    it.effect("that is stopped or released does not expire, and can be started again", () =>
      Effect.gen(function* () {
        for (const end of ["stop", "release"] as const) {
          const { deadline, recorder } = yield* setUp
          deadline.start(second)
          deadline[end]()
          deadline[end]()
          assert.isFalse(deadline.isRunning)
          yield* TestClock.adjust("1 minute")
          assert.deepStrictEqual(recorder.expired, [])
          deadline.start(second)
          yield* TestClock.adjust("2 seconds")
          assert.strictEqual(recorder.expired.length, 1)
        }
      })
    )

    it.effect("of 0 ticks never expires, and stops one that runs", () =>
      Effect.gen(function* () {
        const { deadline, wheel, recorder } = yield* setUp
        deadline.start(0)
        assert.strictEqual(wheel.size, 0)
        deadline.start(second)
        deadline.start(0)
        assert.isFalse(deadline.isRunning)
        yield* TestClock.adjust("1 minute")
        assert.deepStrictEqual(recorder.expired, [])
      })
    )

    it.effect("that is released leaves the wheel at once, one that is stopped when its slot comes round", () =>
      Effect.gen(function* () {
        const { deadline, wheel, recorder } = yield* setUp
        const other = new Deadline(wheel, recorder)
        deadline.start(second)
        other.start(second)
        deadline.stop()
        assert.strictEqual(wheel.size, 2)
        other.release()
        assert.strictEqual(wheel.size, 1)
        yield* TestClock.adjust("2 seconds")
        assert.strictEqual(wheel.size, 0)
      })
    )
  })

  describe("an owner", () => {
    it.effect("may restart the deadline that has expired", () =>
      Effect.gen(function* () {
        const { clock, wheel } = yield* setUp
        const recorder = new Recorder(clock, (deadline) => deadline.start(second))
        new Deadline(wheel, recorder).start(second)
        yield* TestClock.adjust("11 seconds")
        assert.strictEqual(recorder.expired.length, 10)
      })
    )

    it.effect.each(["stop", "release", "restart"] as const)("may %s others whose time has come as well", (act) =>
      Effect.gen(function* () {
        const { clock, wheel } = yield* setUp
        const deadlines: Array<Deadline> = []
        const recorder = new Recorder(clock, (expired) => {
          // The first one to be told speaks for those of its kind; there are two kinds in the slot.
          const kind = deadlines.indexOf(expired) % 2
          for (const [index, other] of deadlines.entries()) {
            if (index % 2 !== kind || other === expired) continue
            if (act === "restart") other.start(20 * second)
            else other[act]()
          }
        })
        for (let count = 0; count < 8; count++) deadlines.push(new Deadline(wheel, recorder))
        for (const deadline of deadlines) deadline.start(second)
        yield* TestClock.adjust(1200)
        assert.strictEqual(recorder.expired.length, 2)
        assert.isTrue(recorder.expired.every((time) => time <= 1100))
        yield* TestClock.adjust("15 seconds")
        assert.strictEqual(recorder.expired.length, 2)
      })
    )

    it.effect("that releases the next one does not make the rest of the slot wait for another round", () =>
      Effect.gen(function* () {
        const { clock, wheel } = yield* setUp
        const recorders: Array<Recorder> = []
        // Each connection releases its second deadline, which stands beside its first one in the same slot.
        for (let count = 0; count < 5; count++) {
          const released = new Deadline(wheel, new Recorder(clock, () => assert.fail("released")))
          const recorder = new Recorder(clock, () => released.release())
          released.start(second)
          new Deadline(wheel, recorder).start(second)
          recorders.push(recorder)
        }
        yield* TestClock.adjust(1100)
        assert.deepStrictEqual(
          recorders.map(({ expired }) => expired.length),
          [1, 1, 1, 1, 1]
        )
      })
    )
  })

  it.effect("parks when no deadline is linked and goes on with the next one", () =>
    Effect.gen(function* () {
      const { clock, deadline, recorder } = yield* setUpManually
      assert.strictEqual(clock.sleeps.length, 0)
      clock.millis = 12_345
      deadline.start(1)
      assert.strictEqual(clock.sleeps.length, 1)
      clock.wakeAfter(100)
      clock.wakeAfter(100)
      assert.deepStrictEqual(recorder.expired, [12_545])
      assert.strictEqual(clock.sleeps.length, 2)
      clock.wakeAfter(60_000)
      assert.strictEqual(clock.sleeps.length, 2)
      deadline.start(1)
      assert.strictEqual(clock.sleeps.length, 3)
      // The minute in which nothing was linked counts for nothing.
      clock.wakeAfter(100)
      assert.strictEqual(recorder.expired.length, 1)
    })
  )

  it.effect("is stopped by its scope", () =>
    Effect.gen(function* () {
      const recorder = new Recorder(yield* Clock.Clock)
      const wheel = yield* Effect.scoped(make)
      new Deadline(wheel, recorder).start(1)
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(recorder.expired, [])
    })
  )

  describe("on a clock that jumps", () => {
    it.effect("counts a second at most for time in which the process did not run", () =>
      Effect.gen(function* () {
        const { clock, deadline, recorder } = yield* setUpManually
        deadline.start(30)
        clock.wakeAfter(3_600_000)
        assert.deepStrictEqual(recorder.expired, [])
        clock.wakeAfter(3_600_000)
        clock.wakeAfter(3_600_000)
        assert.deepStrictEqual(recorder.expired, [])
        clock.wakeAfter(100)
        assert.strictEqual(recorder.expired.length, 1)
      })
    )

    it.effect("does not lose time to turns that are a little late, and stays on its ticks", () =>
      Effect.gen(function* () {
        const { clock, deadline, recorder } = yield* setUpManually
        deadline.start(10 * second)
        while (recorder.expired.length === 0 && clock.millis < 60_000) {
          clock.wakeAfter(Duration.toMillis(clock.sleeps.at(-1) ?? Duration.zero) + 7)
        }
        assert.isAtLeast(recorder.expired[0] ?? Number.NaN, 10_000)
        assert.isAtMost(recorder.expired[0] ?? Number.NaN, 10_107)
      })
    )

    it.effect("is early by no more than what the wheel was late", () =>
      Effect.gen(function* () {
        for (let offset = 1; offset < 110; offset++) {
          const { clock, deadline, wheel, recorder } = yield* setUpManually
          new Deadline(wheel, recorder).start(second)
          for (let turn = 0; turn < 5; turn++) {
            clock.wakeAfter(Duration.toMillis(clock.sleeps.at(-1) ?? Duration.zero) + 7)
          }
          clock.millis += offset
          recorder.expired.length = 0
          const started = clock.millis
          deadline.start(1)
          while (deadline.isRunning && clock.millis < started + 1000) clock.wakeAfter(1)
          assert.isFalse(deadline.isRunning)
          assert.isAtLeast(clock.millis - started, 100 - 17)
        }
      })
    )

    it.effect("does not count the rest of a late turn for what an owner starts in it", () =>
      Effect.gen(function* () {
        const { clock, wheel, recorder } = yield* setUpManually
        const successor = new Deadline(wheel, recorder)
        new Deadline(wheel, new Recorder(clock, () => successor.start(3))).start(1)
        clock.wakeAfter(1000)
        assert.deepStrictEqual(recorder.expired, [])
        assert.isTrue(successor.isRunning)
        for (let turn = 0; turn < 3; turn++) clock.wakeAfter(100)
        assert.deepStrictEqual(recorder.expired, [])
        clock.wakeAfter(100)
        assert.strictEqual(recorder.expired.length, 1)
      })
    )

    it.effect("turns on when it was woken a little early", () =>
      Effect.gen(function* () {
        const { clock, deadline, recorder } = yield* setUpManually
        deadline.start(1)
        clock.wakeAfter(99)
        assert.deepStrictEqual(clock.sleeps.map(Duration.toMillis), [100, 1])
        clock.wakeAfter(1)
        clock.wakeAfter(100)
        assert.strictEqual(recorder.expired.length, 1)
      })
    )
  })

  describe("with random operations", () => {
    const deadlineCount = 8
    const index = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: deadlineCount - 1 }))
    const ticks = Schema.Union([
      Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 30 })),
      Schema.Int.check(Schema.isBetween({ minimum: 505, maximum: 1100 }))
    ])
    const operation = Schema.Union([
      Schema.Struct({ kind: Schema.Literal("start"), index, ticks }),
      Schema.Struct({ kind: Schema.Literals(["stop", "release"]), index }),
      // What the owner does with another deadline when this one expires.
      Schema.Struct({
        kind: Schema.Literal("plan"),
        index,
        other: index,
        ticks,
        act: Schema.Literals(["start", "release"])
      }),
      Schema.Struct({
        kind: Schema.Literal("wait"),
        millis: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 2500 }))
      })
    ])

    it.effect.prop(
      "agrees with a list of times",
      [Schema.Array(operation)],
      ([operations]) =>
        Effect.scoped(
          Effect.gen(function* () {
            const clock = yield* Clock.Clock
            const wheel = yield* make
            const now = () => clock.currentTimeMillisUnsafe()
            /** When each running deadline is due, by its number. */
            const due = new Map<number, number>()
            const plans = new Map<number, () => void>()
            const deadlines: Array<Deadline> = []
            const owner: DeadlineOwner = {
              onDeadline: (deadline) => {
                const number = deadlines.indexOf(deadline)
                const time = due.get(number)
                assert.isDefined(time, "expired although it was not running")
                assert.isAtLeast(now(), time ?? Number.NaN)
                assert.isAtMost(now(), (time ?? Number.NaN) + 100)
                due.delete(number)
                plans.get(number)?.()
              }
            }
            for (let count = 0; count < deadlineCount; count++) deadlines.push(new Deadline(wheel, owner))
            const start = (number: number, ticks: number) => {
              due.set(number, now() + ticks * 100)
              deadlines[number]?.start(ticks)
            }
            const end = (number: number, how: "stop" | "release") => {
              due.delete(number)
              deadlines[number]?.[how]()
            }
            for (const step of operations) {
              switch (step.kind) {
                case "start":
                  start(step.index, step.ticks)
                  break
                case "stop":
                case "release":
                  end(step.index, step.kind)
                  break
                case "plan":
                  plans.set(step.index, () =>
                    step.act === "start" ? start(step.other, step.ticks) : end(step.other, "release")
                  )
                  break
                case "wait":
                  yield* TestClock.adjust(step.millis)
                  for (const time of due.values()) assert.isBelow(now(), time + 100)
              }
              for (const [number, deadline] of deadlines.entries())
                assert.strictEqual(deadline.isRunning, due.has(number))
            }
            plans.clear()
            yield* TestClock.adjust("2 minutes")
            assert.strictEqual(due.size, 0)
            assert.strictEqual(wheel.size, 0)
          })
        ),
      { arbitrary: { runs: 200, size: 40 } }
    )
  })

  it.effect("turns by another clock besides while its own stands still, and only for as long as it is asked to", () =>
    Effect.gen(function* () {
      const wheel = new Deadlines(new ManualClock())
      const recorder = new Recorder(yield* Clock.Clock)
      const deadline = new Deadline(wheel, recorder)
      deadline.start(3)
      const besides = yield* Effect.forkChild(wheel.runBesides(yield* Clock.Clock), { startImmediately: true })
      yield* TestClock.adjust("399 millis")
      assert.deepStrictEqual(recorder.expired, [])
      yield* TestClock.adjust("1 millis")
      assert.deepStrictEqual(recorder.expired, [400])
      yield* Fiber.interrupt(besides)
      deadline.start(3)
      yield* TestClock.adjust("10 seconds")
      assert.lengthOf(recorder.expired, 1)
    })
  )
})
