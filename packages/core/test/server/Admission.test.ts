import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import { Admission, Place } from "../../src/server/Admission.ts"

const limits = { maxConcurrentRequests: 2, maxQueuedRequests: 3, maxQueueTime: Duration.millis(50), healthPaths: [] }

const settled = Effect.promise(() => Promise.resolve())

const Step = Schema.Literals(["enter", "leaveRunning", "leaveWaiting", "pass"])

describe("Admission", () => {
  it.effect("counts what a request has waited before it came in", () =>
    Effect.gen(function* () {
      let age = 0
      const admission = new Admission({
        options: limits,
        clock: yield* Clock.Clock,
        observer: undefined,
        age: () => age
      })
      const enter = () => admission.enter(new Place({ onAdmitted: () => {}, onShed: () => {} }), "/")
      age = 50
      assert.isUndefined(enter())
      age = 50.1
      assert.strictEqual(enter(), "maxQueueTime")
    })
  )

  it.effect.prop(
    "whatever comes and goes: never too many, and each request has one fate",
    { steps: Schema.Array(Step) },
    ({ steps }) =>
      Effect.gen(function* () {
        const clock = yield* Clock.Clock
        let [began, ended] = [0, 0]
        const observer = { waitBegan: () => void began++, waitEnded: () => void ended++ }
        const admission = new Admission({ options: limits, clock, observer })
        yield* Effect.forkScoped(admission.run)
        const fates = new Map<Place, Array<string>>()
        const inState = (state: Place["state"]) => [...fates.keys()].filter((place) => place.state === state)
        const enter = () => {
          const fate: Array<string> = []
          const place: Place = new Place({
            onAdmitted: () => fate.push("admitted"),
            onShed: (shortage) => fate.push(shortage)
          })
          fates.set(place, fate)
          const refused = admission.enter(place, "/")
          if (refused !== undefined) fate.push(refused)
          else if (place.state === "running") fate.push("admitted")
        }
        const leave = (place: Place | undefined) => {
          if (place === undefined) return
          if (place.state === "waiting") fates.get(place)?.push("left")
          admission.leave(place)
          admission.leave(place)
        }
        for (const step of steps) {
          if (step === "enter") enter()
          else if (step === "leaveRunning") leave(inState("running")[0])
          else if (step === "leaveWaiting") leave(inState("waiting").at(-1))
          else yield* TestClock.adjust("20 millis")
          yield* settled
          assert.strictEqual(admission.running, inState("running").length)
          assert.strictEqual(admission.waiting, inState("waiting").length)
          assert.isAtMost(admission.running, 2)
          assert.isAtMost(admission.waiting, 3)
          if (admission.waiting > 0) assert.strictEqual(admission.running, 2)
        }
        while (inState("running").length > 0) {
          leave(inState("running")[0])
          yield* settled
        }
        assert.strictEqual(admission.waiting, 0)
        assert.strictEqual(began, ended)
        for (const fate of fates.values()) assert.strictEqual(fate.length, 1, fate.join())
      }).pipe(Effect.scoped)
  )
})
