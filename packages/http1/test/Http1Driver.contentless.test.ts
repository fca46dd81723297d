import { assert, describe, it } from "@effect/vitest"
import type { HttpReceiveEvent, HttpSendEvent } from "@pagi/core/Event"
import type { HttpHandler } from "@pagi/core/PagiApp"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import { last, piece, recorded, respond, start } from "@pagi/core/test/drivers/support/Applications"
import { type ClientResponse, readResponse } from "./support/ClientConnection.ts"
import { assertNothingLeft, converse, finish, makeHarness, statuses, turn } from "./support/DriverHarness.ts"
import { get, lines } from "./support/Machine.ts"

/** Requests whose answers have no content, and the status of the answer. */
const requests: ReadonlyArray<readonly [method: string, status: number]> = [
  ["HEAD", 200],
  ["HEAD", 404],
  ["GET", 204],
  ["GET", 205],
  ["GET", 304]
]

const to = (method: string, path = "/"): string => lines(`${method} ${path} HTTP/1.1`, "Host: a")

const readHead = (text: string, method: string): readonly [ClientResponse, string] =>
  readResponse(text, { method, httpVersion: "1.1", keepAlive: true }, false)

/** Serves "/" as the handler does, and everything else with the word "next". */
const serve = (handler: HttpHandler<unknown>, disconnectGrace: Duration.Input = "5 seconds") => {
  const { application } = recorded<unknown>((scope, receive, send) =>
    scope.path === "/" ? handler(scope, receive, send) : respond(send, "next")
  )
  return makeHarness(application, { options: { disconnectGrace } })
}

describe.each(requests)("the answer to %s with status %i", (method, status) => {
  it.effect("is complete with its head; later events go nowhere, and the end can be received", () =>
    Effect.gen(function* () {
      const ends: Array<HttpReceiveEvent["type"]> = []
      for (const events of [[], [piece("a")], [piece("a"), piece("b"), last("c")]]) {
        const harness = yield* serve(
          Effect.fnUntraced(function* ({ connection }, receive, send) {
            yield* send(start(status))
            for (const event of events) yield* send(event)
            yield* turn
            assert.isTrue(connection.responseComplete)
            for (let count = 0; count < 2; count++) ends.push((yield* receive).type)
            if (events.length < 3) yield* send(last("c"))
            const late = yield* Effect.flip(send(piece("d")))
            assert.strictEqual(late.reason._tag, "EventOutOfOrder")
          })
        )
        const transport = yield* converse(harness, to(method))
        const [response, rest] = readHead(transport.text, method)
        assert.deepStrictEqual([response.status, response.body, response.persistent, rest], [status, "", true, ""])
        // The first receive is the request's empty body.
        transport.push(to("GET", "/next"))
        yield* turn
        assert.isTrue(transport.text.endsWith("next"))
        yield* turn
        assert.deepStrictEqual(ends.splice(0), ["http.disconnect", "http.disconnect"])
        yield* finish(harness, transport)
        assert.deepStrictEqual(harness.errors, [])
        assert.strictEqual(harness.server.deadlines.size, 0)
      }
    })
  )

  it.effect("needs no body event at all", () =>
    Effect.gen(function* () {
      const harness = yield* serve((_, __, send) => send(start(status)))
      const transport = yield* converse(harness, (to(method) + to("GET", "/next")).repeat(3))
      assert.deepStrictEqual(statuses(transport.text), [status, 200, status, 200, status, 200])
      yield* finish(harness, transport)
      assert.deepStrictEqual(harness.errors, [])
    })
  )

  it.effect("does not keep an application that streams on beyond the next request", () =>
    Effect.gen(function* () {
      let running = 0
      const harness = yield* serve((_, __, send) => {
        running++
        const ticks = Effect.forever(Effect.andThen(send(piece("tick")), Effect.sleep("50 millis")))
        return Effect.ensuring(
          Effect.andThen(send(start(status)), ticks),
          Effect.sync(() => running--)
        )
      })
      const transport = yield* converse(harness, to(method))
      assert.deepStrictEqual([statuses(transport.text), running], [[status], 1])
      transport.push(to("GET", "/next"))
      yield* turn
      assert.deepStrictEqual([statuses(transport.text), running], [[status, 200], 0])
      yield* finish(harness, transport)
      assert.deepStrictEqual(harness.errors, [])
    })
  )

  it.effect("does not keep one that streams at full speed beyond disconnectGrace", () =>
    Effect.gen(function* () {
      let sends = 0
      const harness = yield* serve((_, __, send) => {
        const sending = Effect.andThen(
          send(piece("tick")),
          Effect.sync(() => sends++)
        )
        return Effect.andThen(send(start(status)), Effect.forever(sending))
      }, "2 seconds")
      const transport = yield* converse(harness, to(method))
      assert.deepStrictEqual(statuses(transport.text), [status])
      yield* TestClock.adjust("3 seconds")
      assert.isBelow(sends, 100)
      const before = sends
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual(sends, before)
      assert.strictEqual(harness.openScopes(), 0)
      yield* finish(harness, transport)
      assert.deepStrictEqual(harness.errors, [])
    })
  )
})

describe("the answer to HEAD", () => {
  const lengthOf = (text: string): string | undefined =>
    readHead(text, "HEAD")[0].headers.find(([name]) => name === "content-length")?.[1]

  it.effect.each([
    ["of all content at once", [start(), last("abc")], "3"],
    ["of pieces", [start(), piece("abc"), last("")], undefined],
    ["of a head alone", [start()], undefined],
    ["of a head with a length", [start(200, [["content-length", "7"]])], "7"]
  ] as ReadonlyArray<readonly [string, ReadonlyArray<HttpSendEvent>, string | undefined]>)(
    "tells the length %s",
    ([, events, length]) =>
      Effect.gen(function* () {
        const harness = yield* serve((_, __, send) => Effect.forEach(events, (event) => send(event)))
        const transport = yield* converse(harness, to("HEAD"))
        assert.strictEqual(lengthOf(transport.text), length)
        yield* finish(harness, transport)
        assert.deepStrictEqual(harness.errors, [])
      })
  )

  it.effect("is a 500 when the application fails before its turn ends, and is good when it fails later", () =>
    Effect.gen(function* () {
      for (const [pause, status] of [
        [Effect.void, 500],
        [turn, 200]
      ] as const) {
        const harness = yield* serve((_, __, send) =>
          Effect.andThen(Effect.andThen(send(start()), pause), Effect.fail("no"))
        )
        const transport = yield* converse(harness, to("HEAD"))
        yield* turn
        assert.deepStrictEqual(statuses(transport.text), [status])
        yield* finish(harness, transport)
      }
    })
  )

  it.effect("is sent once when it is written at once, because much waits for the peer", () =>
    Effect.gen(function* () {
      for (const events of [[], [piece("a"), last("b")], [last("ab")]]) {
        const { application } = recorded<unknown>((_, __, send) =>
          Effect.forEach([start(), ...events], (event) => send(event))
        )
        const marks = { writeHighWatermark: 1, writeLowWatermark: 0 }
        const harness = yield* makeHarness(application, { options: marks })
        const transport = yield* converse(harness, to("HEAD").repeat(2))
        assert.deepStrictEqual(statuses(transport.text), [200, 200])
        yield* finish(harness, transport)
        assert.deepStrictEqual(harness.errors, [])
      }
    })
  )

  it.effect("is complete by a flush, and without the trailers that were announced", () =>
    Effect.gen(function* () {
      const completed: Array<boolean> = []
      const harness = yield* serve(
        Effect.fnUntraced(function* ({ connection }, _, send) {
          yield* send({ type: "http.response.start", status: 200, trailers: true })
          yield* send({ type: "http.fullflush" })
          completed.push(connection.responseComplete)
          yield* send(last("x"))
          yield* send({ type: "http.response.trailers", headers: [["x-sum", "1"]] })
        })
      )
      const transport = yield* converse(harness, to("HEAD") + to("GET", "/next"))
      assert.deepStrictEqual([statuses(transport.text), completed], [[200, 200], [true]])
      assert.notInclude(transport.text, "x-sum")
      yield* finish(harness, transport)
      assert.deepStrictEqual(harness.errors, [])
    })
  )
})

describe("sends to a peer that is gone", () => {
  it.effect("succeed, but wait a little more each time, until the application is interrupted", () =>
    Effect.gen(function* () {
      let sends = 0
      let interrupted = 0
      const harness = yield* serve((_, __, send) => {
        const sending = Effect.andThen(
          send(piece("x".repeat(1000))),
          Effect.sync(() => sends++)
        )
        return Effect.onInterrupt(Effect.andThen(send(start()), Effect.forever(sending)), () =>
          Effect.sync(() => interrupted++)
        )
      }, "60 seconds")
      const transport = yield* converse(harness, get())
      transport.fail("client_closed")
      yield* turn
      sends = 0
      const each: Array<number> = []
      for (let second = 0; second < 20; second++) {
        yield* TestClock.adjust("1 second")
        each.push(sends)
        sends = 0
      }
      assert.isBelow(each[0] ?? 0, 50)
      assert.isBelow(each[19] ?? 0, 3)
      assert.strictEqual(interrupted, 0)
      yield* TestClock.adjust("41 seconds")
      assert.strictEqual(interrupted, 1)
      yield* turn
      assertNothingLeft(harness)
      assert.strictEqual(harness.server.deadlines.size, 0)
    })
  )
})
