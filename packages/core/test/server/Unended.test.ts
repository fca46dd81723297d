import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Logger from "effect/Logger"
import * as TestClock from "effect/testing/TestClock"
import type { HttpScope, LifespanScope, SseScope, WebSocketScope } from "../../src/contract/Scope.ts"
import * as Unended from "../../src/server/Unended.ts"

/** Only what is told of a scope. */
const scopes = [
  { type: "http", method: "GET", path: "/a" } as HttpScope,
  { type: "sse", method: "POST", path: "/b" } as SseScope,
  { type: "websocket", path: "/c" } as WebSocketScope,
  { type: "lifespan" } as LifespanScope
]

describe("what does not end", () => {
  it("is told by its method and path", () => {
    assert.strictEqual(Unended.describe(scopes), "GET /a, POST /b, WebSocket /c, the lifespan")
  })

  it("is told of a few only", () => {
    const many = Array.from({ length: 7 }, () => scopes).flat()
    assert.strictEqual(Unended.describe(many), "GET /a, POST /b, WebSocket /c, the lifespan, GET /a and 23 more")
  })

  it.effect("is waited for, but not for ever, also where nothing can be interrupted", () =>
    Effect.gen(function* () {
      const messages: Array<string> = []
      const logger = Logger.make(({ message }) => void messages.push(String(message)))
      const gate = Deferred.makeUnsafe<void>()
      const wait = (ending: Effect.Effect<unknown>) =>
        Effect.forkChild(Effect.uninterruptible(Unended.waitFor(ending, () => "it")), { startImmediately: true }).pipe(
          Effect.provide(Logger.layer([logger]))
        )
      const quick = yield* wait(Deferred.await(gate))
      const slow = yield* wait(Effect.never)
      yield* TestClock.adjust("2999 millis")
      assert.isUndefined(quick.pollUnsafe())
      yield* Deferred.succeed(gate, undefined)
      yield* Fiber.join(quick)
      assert.isUndefined(slow.pollUnsafe())
      yield* TestClock.adjust("1 millis")
      yield* Fiber.join(slow)
      assert.deepStrictEqual(messages, ["did not end within 3s of being interrupted, and is left alone: it"])
    })
  )
})
