/** Applications that do not answer, break their response off, or go on behind it. */
import { assert, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import type { HttpHandler } from "../../src/contract/PagiApp.ts"
import { hello, informational, last, piece, readBody, recorded, respond, start } from "./support/Applications.ts"
import { ask, assertCost, finish, makeHarness, outcomes, readFor, turn } from "./support/Harness.ts"
import type { Version } from "./support/Version.ts"

/** Applications that go wrong before anything of their response has been sent. */
const broken: Readonly<Record<string, HttpHandler<unknown>>> = {
  "fails before the start": () => Effect.fail(new Error("broken")),
  "dies before the start": () => Effect.die(new Error("broken")),
  "throws instead of returning an Effect": () => {
    throw new Error("broken")
  },
  "fails later": () => Effect.andThen(Effect.yieldNow, Effect.fail(new Error("broken"))),
  "returns without a response": () => Effect.void,
  "returns later without a response": () => Effect.yieldNow,
  "reads the content and returns": (_, receive) => readBody(receive),
  "sends an interim response only": (_, __, send) => send(informational(103)),
  "fails after a start that has not been written": (_, __, send) =>
    Effect.andThen(send(start()), Effect.fail("broken")),
  "returns after a start that has not been written": (_, __, send) => send(start())
}

export const testUnanswered = (version: Version): void => {
  for (const [name, handler] of Object.entries(broken)) {
    it.effect(`${name}: the answer is 500, which is logged once`, () =>
      Effect.gen(function* () {
        const harness = yield* makeHarness(version, recorded<unknown>(handler).application)
        const { client, exchange } = yield* ask(harness)
        assert.deepInclude(exchange.response, { status: 500, body: "internal server error\n", state: "complete" })
        assert.strictEqual(harness.errors.length, 1)
        assert.deepStrictEqual(outcomes(harness), ["500 server_error"])
        assertCost(harness, client)
        const head = yield* ask(harness, { method: "HEAD" })
        // To HEAD a start is a whole response.
        const status = name.startsWith("returns after a start") ? 200 : 500
        assert.deepInclude(head.exchange.response, { status, body: "", state: "complete" })
        yield* finish(harness, client, head.client)
      })
    )
  }
}

export const testBrokenOff = (version: Version): void => {
  for (const [when, later] of [
    ["at once", Effect.void],
    ["later", Effect.yieldNow]
  ] as const) {
    for (const [what, end] of [
      ["fails", Effect.fail("broken")],
      ["returns", Effect.void]
    ] as const) {
      it.effect(`by an application that ${what} ${when} is told as server_error, and logged once`, () =>
        Effect.gen(function* () {
          const notes: Array<string> = []
          const { application } = recorded<unknown>(({ connection }, _, send) =>
            Effect.gen(function* () {
              connection.onDisconnect((reason) => notes.push(`${reason} ${connection.isConnected}`))
              connection.onComplete(() => notes.push("complete"))
              yield* send(start())
              yield* send(piece("part"))
              yield* later
              return yield* end
            })
          )
          const harness = yield* makeHarness(version, application)
          const { client, exchange } = yield* ask(harness)
          assert.deepInclude(exchange.response, { status: 200, body: "part", state: "broken" })
          assert.strictEqual(harness.errors.length, 1)
          assert.deepStrictEqual(notes, ["server_error false"])
          assert.deepStrictEqual(outcomes(harness), ["200 server_error"])
          assertCost(harness, client)
          yield* finish(harness, client)
          assert.deepStrictEqual(notes, ["server_error false"])
        })
      )
    }
  }

  it.effect("does not take back those that were complete before, also for a peer that reads slowly", () =>
    Effect.gen(function* () {
      const good = "x".repeat(5000)
      const { application } = recorded<unknown>((scope, _, send) =>
        scope.path === "/good"
          ? respond(send, good)
          : Effect.andThen(send(start()), Effect.andThen(send(piece("part")), Effect.fail("broken")))
      )
      const harness = yield* makeHarness(version, application)
      const client = harness.connect({ capacity: 1000 })
      const [first, second] = client.transport.together(
        () => [client.request({ path: "/good" }), client.request()] as const
      )
      yield* readFor(client, 10)
      assert.deepInclude(first.response, { status: 200, body: good, state: "complete" })
      assert.strictEqual(second.response.state, "broken")
      assertCost(harness, client)
      yield* finish(harness, client)
    })
  )

  it.effect("behind its end is no matter of the peer's, and is logged", () =>
    Effect.gen(function* () {
      const { application } = recorded<unknown>((_, __, send) =>
        Effect.andThen(respond(send, "ok"), Effect.andThen(Effect.yieldNow, Effect.fail("broken")))
      )
      const harness = yield* makeHarness(version, application)
      const { client, exchange } = yield* ask(harness)
      assert.deepInclude(exchange.response, { body: "ok", state: "complete" })
      assert.isTrue(client.mayAskAgain)
      assert.strictEqual(harness.errors.length, 1)
      assert.deepStrictEqual(outcomes(harness), ["200 complete"])
      yield* finish(harness, client)
    })
  )

  it.effect("by a mistake outside of the application's fiber costs one connection, and not the server", () =>
    Effect.gen(function* () {
      const state = Object.defineProperty({}, "broken", {
        enumerable: true,
        get: () => {
          throw new Error("no value")
        }
      })
      const harness = yield* makeHarness(version, recorded(hello).application, { state })
      const { client, exchange } = yield* ask(harness)
      assert.deepInclude(exchange.response, { status: undefined, state: "broken" })
      assert.notStrictEqual(client.transport.ending, "open")
      assert.lengthOf(harness.errors, 1)
      yield* finish(harness, client)
    })
  )
}

export const testCallbacks = (version: Version): void => {
  it.effect("may send while a piece is being written", () =>
    Effect.gen(function* () {
      const context = yield* Effect.context<never>()
      const { application } = recorded<unknown>((scope, _, send) =>
        Effect.gen(function* () {
          scope.transport.onHighWater(() => {
            Effect.runForkWith(context)(send(piece("inner")))
          })
          yield* send(start())
          yield* send(piece("x".repeat(5000)))
          yield* send(last("end"))
        })
      )
      const harness = yield* makeHarness(version, application, {
        options: { writeHighWatermark: 1000, writeLowWatermark: 100 }
      })
      const client = harness.connect({ capacity: 500 })
      const exchange = client.request()
      yield* readFor(client, 30)
      assert.deepInclude(exchange.response, { body: `${"x".repeat(5000)}innerend`, state: "complete" })
      yield* finish(harness, client)
    })
  )
}

export const testRunningOn = (version: Version): void => {
  it.effect("do not hold up the next request", () =>
    Effect.gen(function* () {
      let ended = 0
      const { application } = recorded<unknown>((_, __, send) =>
        respond(send, "ok").pipe(Effect.andThen(Effect.sleep("1 second")), Effect.andThen(Effect.sync(() => ended++)))
      )
      const harness = yield* makeHarness(version, application)
      const client = harness.connect()
      const exchanges = client.transport.together(() => [client.request(), client.request()])
      yield* turn
      exchanges.push(client.request())
      yield* turn
      for (const { response } of exchanges) assert.deepInclude(response, { body: "ok", state: "complete" })
      assert.deepStrictEqual(outcomes(harness), ["200 complete", "200 complete", "200 complete"])
      yield* TestClock.adjust("1 second")
      assert.strictEqual(ended, 3)
      yield* finish(harness, client)
    })
  )

  it.effect("are interrupted when the peer has left for disconnectGrace", () =>
    Effect.gen(function* () {
      let interrupted = 0
      const { application } = recorded<unknown>((_, __, send) =>
        Effect.andThen(
          respond(send, "ok"),
          Effect.onInterrupt(Effect.never, () => Effect.sync(() => interrupted++))
        )
      )
      const harness = yield* makeHarness(version, application)
      const client = harness.connect()
      const exchanges = client.transport.together(() => [1, 2, 3].map(() => client.request()))
      yield* turn
      for (const { response } of exchanges) assert.strictEqual(response.body, "ok")
      client.transport.fail()
      yield* TestClock.adjust("6 seconds")
      assert.strictEqual(interrupted, 3)
      assert.deepStrictEqual(harness.errors, [])
      assert.deepStrictEqual(outcomes(harness), ["200 complete", "200 complete", "200 complete"])
      yield* finish(harness)
    })
  )
}
