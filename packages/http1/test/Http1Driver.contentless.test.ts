import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { piece, recorded, respond, start } from "@pagi/core/test/drivers/support/Applications"
import { converse, finish, makeHarness, statuses, turn } from "./support/DriverHarness.ts"
import { lines } from "./support/Machine.ts"

/** Requests whose answers have no content, and the status of the answer. */
const requests: ReadonlyArray<readonly [method: string, status: number]> = [
  ["HEAD", 200],
  ["HEAD", 404],
  ["GET", 204],
  ["GET", 205],
  ["GET", 304]
]

const to = (method: string, path = "/"): string => lines(`${method} ${path} HTTP/1.1`, "Host: a")

describe.each(requests)("the answer to %s with status %i", (method, status) => {
  it.effect("does not keep an application that streams on beyond the next request", () =>
    Effect.gen(function* () {
      let running = 0
      const { application } = recorded<unknown>((scope, _, send) => {
        if (scope.path === "/next") return respond(send, "next")
        running++
        const ticks = Effect.forever(Effect.andThen(send(piece("tick")), Effect.sleep("50 millis")))
        return Effect.ensuring(
          Effect.andThen(send(start(status)), ticks),
          Effect.sync(() => running--)
        )
      })
      const harness = yield* makeHarness(application)
      const transport = yield* converse(harness, to(method))
      assert.deepStrictEqual([statuses(transport.text), running], [[status], 1])
      transport.push(to("GET", "/next"))
      yield* turn
      assert.deepStrictEqual([statuses(transport.text), running], [[status, 200], 0])
      yield* finish(harness, transport)
      assert.deepStrictEqual(harness.errors, [])
    })
  )
})
