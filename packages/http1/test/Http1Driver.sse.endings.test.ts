import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import { assertNothingLeft, converse, finish, makeHarness, statuses, turn } from "./support/DriverHarness.ts"
import {
  disconnected,
  event,
  getStream,
  getStream10,
  readStream,
  sending,
  start,
  streaming,
  watching
} from "./support/EventStreams.ts"
import { get } from "./support/Machine.ts"

describe("the application ends", () => {
  it.effect("by returning: the stream is complete, and the connection serves on", () =>
    Effect.gen(function* () {
      const harness = yield* makeHarness(streaming(sending(start, event("a"))))
      const transport = yield* converse(harness, getStream() + get())
      const [response, rest] = readStream(transport.text)
      assert.strictEqual(response.body, "data: a\n\n")
      assert.strictEqual(readStream(rest)[0].body, "ordinary")
      assert.deepStrictEqual(harness.errors, [])
      yield* finish(harness, transport)
    })
  )

  for (const [name, later] of [
    ["at once", Effect.void],
    ["later", Effect.yieldNow]
  ] as const) {
    it.effect(`by failing ${name}: truncated without the last chunk, logged once`, () =>
      Effect.gen(function* () {
        const application = streaming((_scope, _receive, send) =>
          Effect.gen(function* () {
            yield* send(start)
            yield* send(event("a"))
            yield* later
            return yield* Effect.fail("broken")
          })
        )
        const harness = yield* makeHarness(application)
        const transport = yield* converse(harness, getStream() + get())
        assert.match(transport.text, /data: a\n\n\r\n$/)
        assert.strictEqual(transport.ending, "closed")
        assert.strictEqual(harness.errors.length, 1)
        yield* finish(harness)
      })
    )
  }

  it.effect("by failing, to an HTTP/1.0 client: reset, so that it cannot take the stream for complete", () =>
    Effect.gen(function* () {
      const application = streaming((_scope, _receive, send) =>
        Effect.gen(function* () {
          yield* send(start)
          yield* send(event("a"))
          yield* Effect.yieldNow
          return yield* Effect.fail("broken")
        })
      )
      const harness = yield* makeHarness(application)
      const transport = yield* converse(harness, getStream10())
      assert.strictEqual(transport.ending, "reset")
      yield* finish(harness)
    })
  )

  it.effect("before it started: 500, logged", () =>
    Effect.gen(function* () {
      for (const ending of [Effect.void, Effect.fail("broken"), Effect.die("broken")]) {
        const harness = yield* makeHarness(streaming(() => ending))
        const transport = yield* converse(harness, getStream())
        assert.deepStrictEqual(statuses(transport.text), [500])
        assert.strictEqual(harness.errors.length, 1)
        yield* finish(harness, transport)
      }
    })
  )

  it.effect("in the middle of an ordinary response: truncated, logged", () =>
    Effect.gen(function* () {
      const application = streaming(
        sending(
          { type: "sse.http.response.start", status: 200 },
          { type: "sse.http.response.body", body: "part", more: true }
        )
      )
      const harness = yield* makeHarness(application)
      const transport = yield* converse(harness, getStream())
      assert.match(transport.text, /\r\n\r\n4\r\npart\r\n$/)
      assert.strictEqual(transport.ending, "closed")
      assert.strictEqual(harness.errors.length, 1)
      yield* finish(harness)
    })
  )

  it.effect("by failing after the peer has left: nothing is logged", () =>
    Effect.gen(function* () {
      const application = streaming((_scope, receive, send) =>
        Effect.gen(function* () {
          yield* send(start)
          yield* disconnected(receive)
          yield* send(event("into the void"))
          return yield* Effect.fail("broken")
        })
      )
      const harness = yield* makeHarness(application)
      for (const leave of ["fail", "pushEnd"] as const) {
        const transport = yield* converse(harness, getStream())
        transport[leave]()
        yield* turn
      }
      assert.deepStrictEqual(harness.errors, [])
      assertNothingLeft(harness)
    })
  )
})

describe("the peer leaves", () => {
  for (const [how, reason] of [
    ["closes its side", "client_closed"],
    ["resets", "read_error"]
  ] as const) {
    it.effect(`${how}: sse.disconnect with ${reason}, and sends succeed without effect`, () =>
      Effect.gen(function* () {
        const { application, notes } = watching(event("a"))
        const harness = yield* makeHarness(application)
        const transport = yield* converse(harness, getStream())
        if (reason === "read_error") transport.fail(reason)
        else transport.pushEnd()
        yield* turn
        assert.deepStrictEqual(notes, [reason])
        assert.deepStrictEqual(
          harness.log.map((record) => [record.status, record.outcome]),
          [[200, reason]]
        )
        yield* finish(harness)
      })
    )
  }

  it.effect("while the application waits for room: its send goes on", () =>
    Effect.gen(function* () {
      let sent = 0
      const application = streaming((_scope, receive, send) =>
        Effect.gen(function* () {
          yield* send(start)
          for (; sent < 2; sent++) yield* send(event("x".repeat(1000)))
          yield* disconnected(receive)
        })
      )
      const harness = yield* makeHarness(application, { options: { writeHighWatermark: 500, writeLowWatermark: 100 } })
      const transport = harness.connect({ capacity: 100 })
      transport.push(getStream())
      yield* turn
      assert.strictEqual(sent, 0)
      transport.fail()
      yield* turn
      assert.strictEqual(sent, 2)
      yield* finish(harness)
    })
  )

  it.effect("an application that does not notice is interrupted after disconnectGrace", () =>
    Effect.gen(function* () {
      const notes: Array<string> = []
      const application = streaming((_scope, _receive, send) =>
        Effect.andThen(
          send(start),
          Effect.onInterrupt(Effect.never, () => Effect.sync(() => notes.push("interrupted")))
        )
      )
      const harness = yield* makeHarness(application, { options: { disconnectGrace: "2 seconds" } })
      const transport = yield* converse(harness, getStream())
      transport.fail()
      yield* TestClock.adjust("1900 millis")
      assert.deepStrictEqual(notes, [])
      yield* TestClock.adjust("300 millis")
      assert.deepStrictEqual(notes, ["interrupted"])
      assert.deepStrictEqual(harness.errors, [])
      yield* finish(harness)
    })
  )
})
