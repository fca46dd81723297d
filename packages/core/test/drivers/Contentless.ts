/** Responses that have no content, whatever the application sends: those to HEAD, and those of some statuses. */
import { assert, describe, it } from "@effect/vitest"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import type { HttpReceiveEvent, HttpSendEvent } from "../../src/contract/Event.ts"
import type { HttpHandler } from "../../src/contract/PagiApp.ts"
import { last, piece, recorded, respond, sendAll, start, trailers } from "./support/Applications.ts"
import { ask, assertNothingLeft, finish, makeHarness, outcomes, turn } from "./support/Harness.ts"
import { valuesOf, type Version } from "./support/Version.ts"

const cases: ReadonlyArray<readonly [method: string, status: number]> = [
  ["HEAD", 200],
  ["HEAD", 404],
  ["GET", 204],
  ["GET", 205],
  ["GET", 304]
]

/** Sends, and counts how often that has succeeded. */
const counting = (send: Effect.Effect<void, unknown>, progress: { sends: number }) =>
  Effect.tap(send, () => Effect.sync(() => progress.sends++))

export const testContentless = (version: Version): void => {
  /** Serves "/" as the handler does, and everything else with the word "next". */
  const serve = (handler: HttpHandler<unknown>, disconnectGrace: Duration.Input = "5 seconds") => {
    const { application } = recorded<unknown>((scope, receive, send) =>
      scope.path === "/" ? handler(scope, receive, send) : respond(send, "next")
    )
    return makeHarness(version, application, { options: { disconnectGrace } })
  }

  describe.each(cases)("to %s with status %i", (method, status) => {
    it.effect("is complete with its head; later events go nowhere, and the end can be received", () =>
      Effect.gen(function* () {
        const ends: Array<HttpReceiveEvent["type"]> = []
        for (const events of [[], [piece("a")], [last("a")], [piece("a"), piece("b"), last("c")]]) {
          const isEnded = events.some((event) => event.type === "http.response.body" && event.more !== true)
          const harness = yield* serve(
            Effect.fnUntraced(function* ({ connection }, receive, send) {
              yield* send(start(status))
              yield* sendAll(send, events)
              yield* turn
              assert.isTrue(connection.responseComplete)
              for (let count = 0; count < 2; count++) ends.push((yield* receive).type)
              if (!isEnded) yield* send(last("c"))
              const late = yield* Effect.flip(send(piece("d")))
              assert.strictEqual(late.reason._tag, "EventOutOfOrder")
            })
          )
          const { client, exchange } = yield* ask(harness, { method })
          assert.deepInclude(exchange.response, { status, body: "", state: "complete" })
          const next = client.request({ path: "/next" })
          yield* turn
          assert.strictEqual(next.response.body, "next")
          yield* turn
          assert.deepStrictEqual(ends.splice(0), ["http.disconnect", "http.disconnect"])
          yield* finish(harness, client)
          assert.deepStrictEqual(harness.errors, [])
          assert.strictEqual(harness.server.deadlines.size, 0)
        }
      })
    )

    it.effect("needs no body event at all", () =>
      Effect.gen(function* () {
        const harness = yield* serve((_, __, send) => send(start(status)))
        const client = harness.connect()
        const exchanges = client.transport.together(() =>
          Array.from({ length: 3 }, () => [client.request({ method }), client.request({ path: "/next" })]).flat()
        )
        yield* turn
        assert.deepStrictEqual(
          exchanges.map(({ response }) => [response.status, response.body, response.state]),
          Array.from({ length: 3 }, () => [
            [status, "", "complete"],
            [200, "next", "complete"]
          ]).flat()
        )
        yield* finish(harness, client)
        assert.deepStrictEqual(harness.errors, [])
      })
    )

    it.effect("does not keep an application that streams at full speed beyond disconnectGrace", () =>
      Effect.gen(function* () {
        const progress = { sends: 0 }
        const harness = yield* serve(
          (_, __, send) => Effect.andThen(send(start(status)), Effect.forever(counting(send(piece("tick")), progress))),
          "2 seconds"
        )
        const { client, exchange } = yield* ask(harness, { method })
        assert.deepInclude(exchange.response, { status, state: "complete" })
        yield* TestClock.adjust("3 seconds")
        assert.isBelow(progress.sends, 100)
        const before = progress.sends
        yield* TestClock.adjust("10 seconds")
        assert.strictEqual(progress.sends, before)
        yield* finish(harness, client)
        assert.deepStrictEqual(harness.errors, [])
      })
    )
  })

  it.effect.each([
    ["of all content at once", [start(), last("abc")], ["3"]],
    ["of pieces", [start(), piece("abc"), last("")], []],
    ["of a head alone", [start()], []],
    ["of a head with a length", [start(200, [["content-length", "7"]])], ["7"]],
    ["of a head with a length and no content", [start(200, [["content-length", "1000"]]), last()], ["1000"]]
  ] as ReadonlyArray<readonly [string, ReadonlyArray<HttpSendEvent>, ReadonlyArray<string>]>)(
    "to HEAD tells the length %s",
    ([, events, lengths]) =>
      Effect.gen(function* () {
        const harness = yield* serve((_, __, send) => sendAll(send, events))
        const { client, exchange } = yield* ask(harness, { method: "HEAD" })
        assert.deepStrictEqual(valuesOf(exchange.response.headers, "content-length"), lengths)
        assert.deepInclude(exchange.response, { status: 200, body: "", state: "complete" })
        yield* finish(harness, client)
        assert.deepStrictEqual(harness.errors, [])
      })
  )

  it.effect.each([204, 205, 304])("with %i has at most the length 0 (RFC 9110 §8.6, §15.3.6)", (status) =>
    Effect.gen(function* () {
      const harness = yield* serve((_, __, send) => sendAll(send, [start(status), last("ok")]))
      const { client, exchange } = yield* ask(harness)
      const lengths = valuesOf(exchange.response.headers, "content-length")
      assert.deepStrictEqual(lengths, status === 205 ? ["0"] : [])
      yield* finish(harness, client)
    })
  )

  it.effect("to HEAD is a 500 when the application fails before its turn ends, and is good when it fails later", () =>
    Effect.gen(function* () {
      for (const [pause, status] of [
        [Effect.void, 500],
        [turn, 200]
      ] as const) {
        const harness = yield* serve((_, __, send) =>
          Effect.andThen(Effect.andThen(send(start()), pause), Effect.fail("no"))
        )
        const { client, exchange } = yield* ask(harness, { method: "HEAD" })
        yield* turn
        assert.deepInclude(exchange.response, { status, body: "", state: "complete" })
        yield* finish(harness, client)
      }
    })
  )

  it.effect("to HEAD is sent once when it is written at once, because much waits for the peer", () =>
    Effect.gen(function* () {
      for (const events of [[], [piece("a"), last("b")], [last("ab")]]) {
        const { application } = recorded<unknown>((_, __, send) => sendAll(send, [start(), ...events]))
        const marks = { writeHighWatermark: 1, writeLowWatermark: 0 }
        const harness = yield* makeHarness(version, application, { options: marks })
        const client = harness.connect()
        const exchanges = client.transport.together(() => [1, 2].map(() => client.request({ method: "HEAD" })))
        yield* turn
        for (const { response } of exchanges) assert.deepInclude(response, { status: 200, body: "", state: "complete" })
        yield* finish(harness, client)
        assert.deepStrictEqual(harness.errors, [])
      }
    })
  )

  it.effect("to HEAD is complete by a flush, and without the trailers that were announced", () =>
    Effect.gen(function* () {
      const completed: Array<boolean> = []
      const harness = yield* serve(
        Effect.fnUntraced(function* ({ connection }, _, send) {
          yield* send(start(200, [], true))
          yield* send({ type: "http.fullflush" })
          completed.push(connection.responseComplete)
          yield* send(last("x"))
          yield* send(trailers([["x-sum", "1"]]))
        })
      )
      const { client, exchange } = yield* ask(harness, { method: "HEAD" })
      assert.deepInclude(exchange.response, { status: 200, body: "", trailers: undefined, state: "complete" })
      assert.deepStrictEqual(completed, [true])
      const next = client.request({ path: "/next" })
      yield* turn
      assert.strictEqual(next.response.body, "next")
      yield* finish(harness, client)
      assert.deepStrictEqual(harness.errors, [])
    })
  )
}

export const testSendsBehindTheEnd = (version: Version): void => {
  it.effect("succeed, but wait a little more each time, until the application is interrupted", () =>
    Effect.gen(function* () {
      const progress = { sends: 0 }
      let interrupted = 0
      const { application } = recorded<unknown>((_, __, send) =>
        Effect.onInterrupt(
          Effect.andThen(send(start()), Effect.forever(counting(send(piece("x".repeat(1000))), progress))),
          () => Effect.sync(() => interrupted++)
        )
      )
      const harness = yield* makeHarness(version, application, {
        options: { disconnectGrace: "60 seconds", writeHighWatermark: 5000, writeLowWatermark: 100 }
      })
      const { client } = yield* ask(harness, {}, { capacity: 100 })
      client.transport.fail("client_closed")
      yield* turn
      progress.sends = 0
      const each: Array<number> = []
      for (let second = 0; second < 20; second++) {
        yield* TestClock.adjust("1 second")
        each.push(progress.sends)
        progress.sends = 0
      }
      assert.isBelow(each[0] ?? 0, 50)
      assert.isBelow(each[19] ?? 0, 3)
      assert.strictEqual(interrupted, 0)
      yield* TestClock.adjust("41 seconds")
      assert.strictEqual(interrupted, 1)
      yield* turn
      assertNothingLeft(harness)
      assert.deepStrictEqual(outcomes(harness), ["200 client_closed"])
      assert.strictEqual(harness.server.deadlines.size, 0)
    })
  )
}
