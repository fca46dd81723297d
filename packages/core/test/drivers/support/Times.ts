/** Time limits of servers in tests, and how tests let time pass. */
import { assert } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import type { Input } from "../../../src/options/ServerOptions.ts"
import type { MemoryTransport } from "../../../src/testing/MemoryTransport.ts"

/** Every limit has a value of its own, so that one cannot be taken for another. */
export const distinctLimits: Input = {
  timeout: "7 seconds",
  headersTimeout: "3 seconds",
  requestTimeout: "11 seconds",
  writeTimeout: "13 seconds",
  disconnectGrace: "1 second"
}

/** Checks that the connection is open until the time has passed, and not open when it has passed by two ticks. */
export const endsAfter = (
  { transport }: { readonly transport: Pick<MemoryTransport, "ending"> },
  time: Duration.Input
): Effect.Effect<void> =>
  Effect.gen(function* () {
    const millis = Duration.toMillis(Duration.fromInputUnsafe(time))
    yield* TestClock.adjust(millis - 1)
    assert.strictEqual(transport.ending, "open", `after ${millis - 1} ms`)
    yield* TestClock.adjust(201)
    assert.notStrictEqual(transport.ending, "open", `after ${millis + 200} ms`)
  })

/** Does something every second, for so many seconds. */
export const eachSecond = (seconds: number, act: () => void): Effect.Effect<void> =>
  Effect.gen(function* () {
    for (let passed = 0; passed < seconds; passed++) {
      yield* TestClock.adjust("1 second")
      act()
    }
  })
