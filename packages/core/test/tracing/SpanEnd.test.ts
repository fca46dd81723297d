import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Exit from "effect/Exit"
import * as Schema from "effect/Schema"
import * as SpanEnd from "../../src/tracing/SpanEnd.ts"

class Missing extends Schema.TaggedError<Missing>()("Missing", {}) {}

const complete: SpanEnd.Ended = { status: 200, outcome: "complete", isSession: false, exit: Exit.void }

const endOf = (parts: Partial<SpanEnd.Ended>): readonly [errorType: string | undefined, message: string] => {
  const { errorType, exit } = SpanEnd.of({ ...complete, ...parts })
  if (Exit.isSuccess(exit)) return [errorType, "ok"]
  const { cause } = exit
  return [errorType, Cause.hasInterruptsOnly(cause) ? "interrupted" : (Cause.prettyErrors(cause)[0]?.message ?? "")]
}

describe("the end of a span", () => {
  it("is no error for statuses below 500", () => {
    for (const status of [200, 304, 404, 499]) assert.deepStrictEqual(endOf({ status }), [undefined, "ok"])
    assert.deepStrictEqual(endOf({ status: 500 }), ["500", "the response has the status 500"])
  })

  it("is the failure of the application, by its name", () => {
    const outcome = "server_error"
    const status = 500
    assert.deepStrictEqual(endOf({ status, outcome, exit: Exit.fail(new Missing()) })[0], "Missing")
    assert.deepStrictEqual(endOf({ status, outcome, exit: Exit.die(new TypeError("no")) }), ["TypeError", "no"])
    assert.deepStrictEqual(endOf({ status, outcome, exit: Exit.fail("why") }), ["500", "why"])
    assert.deepStrictEqual(endOf({ outcome, exit: Exit.fail("why") }), ["server_error", "why"])
    assert.deepStrictEqual(endOf({ exit: Exit.fail("behind the response") }), ["_OTHER", "behind the response"])
    assert.deepStrictEqual(endOf({ status, outcome, exit: Exit.interrupt() }), [
      "500",
      "the response has the status 500"
    ])
    assert.deepStrictEqual(endOf({ outcome })[0], "server_error")
  })

  it("is no error when an application is interrupted that runs on behind its response", () => {
    assert.deepStrictEqual(endOf({ exit: Exit.interrupt() }), [undefined, "ok"])
  })

  it("is the reason of an exchange that was broken off, whatever the application made of it", () => {
    const exit = Exit.fail("consequence")
    assert.deepStrictEqual(endOf({ outcome: "write_timeout", exit })[0], "write_timeout")
    assert.deepStrictEqual(endOf({ outcome: "body_too_large", status: 413 }), [
      "body_too_large",
      "the exchange was broken off: body_too_large"
    ])
    assert.deepStrictEqual(endOf({ outcome: "client_closed", status: undefined, exit }), [
      "client_closed",
      "interrupted"
    ])
  })

  it("of a session is no error when somebody just ends it", () => {
    const isSession = true
    for (const outcome of ["complete", "client_closed", "server_shutdown", "idle_timeout"] as const) {
      assert.deepStrictEqual(endOf({ isSession, outcome }), [undefined, "ok"])
    }
    assert.deepStrictEqual(endOf({ isSession, outcome: "client_closed", exit: Exit.fail(new Missing()) })[0], "Missing")
    assert.deepStrictEqual(endOf({ isSession, outcome: "protocol_error" })[0], "protocol_error")
  })
})
