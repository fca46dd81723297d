import { assert, describe, it } from "@effect/vitest"
import type { Input } from "@pagi/core/ServerOptions"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import * as TestClock from "effect/testing/TestClock"
import { piece, readBody, recorded, respond, start } from "@pagi/core/test/drivers/support/Applications"
import { converse, finish, makeHarness, statuses, turn } from "./support/DriverHarness.ts"
import { chunked, get, post } from "./support/Machine.ts"

/** Answers the length of the body, when it has come and the latch is open. */
const counting = (mayRead = Latch.makeUnsafe(true)) => {
  const reasons: Array<string> = []
  const app = recorded<unknown>((scope, receive, send) =>
    Effect.gen(function* () {
      scope.connection.onDisconnect((reason) => reasons.push(reason))
      yield* mayRead.await
      const body = yield* readBody(receive)
      yield* respond(send, String(body?.length))
    })
  )
  return { ...app, reasons }
}

const onServer = (application = counting().application, options: Input = {}) => makeHarness(application, { options })

describe("a request body that stalls", () => {
  for (const [name, request] of [
    ["of a known length", `${post("Content-Length: 100")}abc`],
    ["of which nothing has come", post("Content-Length: 100")],
    ["in chunks", chunked("5\r\nabc")],
    ["between two chunks", chunked("3\r\nabc\r\n")],
    ["in its trailers", chunked("3\r\nabc\r\n0\r\na: b\r\n")],
    ["after 100 (Continue)", post("Content-Length: 100", "Expect: 100-continue")]
  ] as const) {
    it.effect(`${name} is answered with 408 after 30 s by default`, () =>
      Effect.gen(function* () {
        const { application, reasons } = counting()
        const harness = yield* onServer(application)
        const transport = yield* converse(harness, request)
        yield* TestClock.adjust("29900 millis")
        assert.strictEqual(transport.ending, "open")
        yield* TestClock.adjust("300 millis")
        assert.strictEqual(statuses(transport.text).at(-1), 408)
        assert.include(transport.text, "connection: close")
        assert.strictEqual(transport.ending, "ended")
        assert.deepStrictEqual(reasons, ["client_timeout"])
        yield* finish(harness, transport)
      })
    )
  }

  it.effect("goes on as long as a byte of it comes in time", () =>
    Effect.gen(function* () {
      const harness = yield* onServer()
      const transport = yield* converse(harness, post("Content-Length: 10"))
      for (let sent = 0; sent < 10; sent++) {
        yield* TestClock.adjust("29 seconds")
        transport.push("x")
      }
      assert.match(transport.text, /\r\n\r\n10$/)
      yield* finish(harness, transport)
    })
  )

  it.effect("leaves nothing armed when it has come", () =>
    Effect.gen(function* () {
      const mayAnswer = Latch.makeUnsafe()
      const { application } = recorded<unknown>((_, receive, send) =>
        Effect.andThen(Effect.andThen(readBody(receive), mayAnswer.await), respond(send, "ok"))
      )
      const harness = yield* onServer(application)
      const transport = yield* converse(harness, `${post("Content-Length: 6")}abc`)
      transport.push("def")
      yield* TestClock.adjust("10 minutes")
      mayAnswer.openUnsafe()
      yield* turn
      assert.deepStrictEqual(statuses(transport.text), [200])
      transport.push(get())
      yield* TestClock.adjust("10 minutes")
      yield* finish(harness, transport)
    })
  )

  for (const [name, request] of [
    ["all of which has come", `${post("Content-Length: 6")}abcdef`],
    ["in chunks, all of which has come", chunked("6\r\nabcdef\r\n0\r\n\r\n")],
    ["of which the rest waits for a reader", post("Content-Length: 200000") + "x".repeat(200_000)],
    ["that is only asked for by reading", post("Content-Length: 6", "Expect: 100-continue")]
  ] as const) {
    it.effect(`is no matter of the peer's while the application does not read: ${name}`, () =>
      Effect.gen(function* () {
        const mayRead = Latch.makeUnsafe()
        const harness = yield* onServer(counting(mayRead).application)
        const transport = yield* converse(harness, request)
        yield* TestClock.adjust("10 minutes")
        assert.strictEqual(transport.text, "")
        mayRead.openUnsafe()
        yield* turn
        if (request.includes("Expect")) transport.push("abcdef")
        yield* turn
        assert.deepStrictEqual(statuses(transport.text).at(-1), 200)
        yield* finish(harness, transport)
      })
    )
  }

  it.effect("nor when the application has given up to wait for what then came", () =>
    Effect.gen(function* () {
      const { application } = recorded<unknown>((_, receive, send) =>
        Effect.gen(function* () {
          yield* Effect.timeoutOption(receive, "5 seconds")
          yield* Effect.sleep("5 minutes")
          yield* respond(send, String((yield* readBody(receive))?.length))
        })
      )
      const harness = yield* onServer(application)
      const transport = yield* converse(harness, chunked(""))
      yield* TestClock.adjust("6 seconds")
      transport.push("3\r\nabc\r\n0\r\n\r\n")
      yield* TestClock.adjust("4 minutes")
      assert.strictEqual(transport.text, "")
      yield* TestClock.adjust("1 minute")
      assert.match(transport.text, /\r\n\r\n3$/)
      yield* finish(harness, transport)
    })
  )

  it.effect("after the response has begun breaks it off", () =>
    Effect.gen(function* () {
      const { application } = recorded<unknown>((_, receive, send) =>
        Effect.gen(function* () {
          yield* send(start())
          yield* send(piece("beginning"))
          yield* readBody(receive)
        })
      )
      const harness = yield* onServer(application)
      const transport = yield* converse(harness, post("Content-Length: 6"))
      yield* TestClock.adjust("29 seconds")
      assert.strictEqual(transport.ending, "open")
      yield* TestClock.adjust("1300 millis")
      assert.notStrictEqual(transport.ending, "open")
      assert.notInclude(transport.text, "0\r\n\r\n")
      yield* TestClock.adjust("10 seconds")
      yield* finish(harness)
    })
  )

  it.effect("has no limit with 0, and requestTimeout counts where that is shorter", () =>
    Effect.gen(function* () {
      const free = yield* onServer(counting().application, { bodyTimeout: 0 })
      const open = yield* converse(free, post("Content-Length: 6"))
      yield* TestClock.adjust("1 hour")
      assert.strictEqual(open.ending, "open")
      open.push("abcdef")
      assert.deepStrictEqual(statuses(open.text), [200])
      yield* finish(free, open)
      const short = yield* onServer(counting().application, { bodyTimeout: 20, requestTimeout: 10 })
      const transport = yield* converse(short, post("Content-Length: 6"))
      yield* TestClock.adjust("10300 millis")
      assert.strictEqual(transport.ending, "destroyed")
      yield* TestClock.adjust("10 seconds")
      yield* finish(short)
    })
  )
})
