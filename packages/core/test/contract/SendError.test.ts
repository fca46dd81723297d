import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as SendError from "../../src/contract/SendError.ts"

describe("SendError", () => {
  const cases = [
    { error: SendError.invalidEvent("sse.send", "no data"), tag: "InvalidEvent", text: "no data" },
    { error: SendError.outOfOrder("sse.send", "not started"), tag: "EventOutOfOrder", text: "not started" },
    {
      error: SendError.extensionMissing("sse.send", "fullflush"),
      tag: "ExtensionMissing",
      text: `the scope does not advertise the extension "fullflush"`
    },
    { error: SendError.refused("sse.send", "too long"), tag: "ResponseRefused", text: "too long" }
  ]

  it.each(cases)("$tag names the event and says why", ({ error, tag, text }) => {
    assert.strictEqual(error.reason._tag, tag)
    assert.strictEqual(error.reason.event, "sse.send")
    assert.strictEqual(error.message, `sse.send: ${text}`)
  })

  it.effect("can be caught by its reason", () =>
    Effect.gen(function* () {
      const send = (error: SendError.SendError) =>
        Effect.catchReason(Effect.fail(error), "SendError", "EventOutOfOrder", ({ event }) => Effect.succeed(event))
      assert.strictEqual(yield* send(SendError.outOfOrder("http.fullflush", "over")), "http.fullflush")
      const other = yield* Effect.flip(send(SendError.refused("http.fullflush", "too long")))
      assert.strictEqual(other.reason._tag, "ResponseRefused")
    })
  )
})
