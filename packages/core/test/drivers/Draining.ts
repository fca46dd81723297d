/** A server that stops: what was begun is finished, and connections end behind it. */
import { assert, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Latch from "effect/Latch"
import * as TestClock from "effect/testing/TestClock"
import { hello, last, piece, recorded, respond, sendAll, start } from "./support/Applications.ts"
import { ask, finish, makeHarness, outcomes, turn } from "./support/Harness.ts"
import type { Client, Version } from "./support/Version.ts"

/** Answers when allowed to. */
const gated = () => {
  const mayAnswer = Latch.makeUnsafe()
  const app = recorded<unknown>((_, __, send) => Effect.andThen(mayAnswer.await, respond(send, "late")))
  return { ...app, mayAnswer }
}

/** Lets the client see what it is told, and do what that asks for. */
const see = (...clients: ReadonlyArray<Client>): Effect.Effect<void> =>
  Effect.gen(function* () {
    yield* turn
    for (const client of clients) client.read()
    yield* turn
  })

export const testDraining = (version: Version): void => {
  it.effect("ends connections on which nothing goes on, within little more than a second", () =>
    Effect.gen(function* () {
      const harness = yield* makeHarness(version, recorded(hello).application)
      const { client: idle } = yield* ask(harness)
      const fresh = harness.connect()
      harness.server.registry.drain()
      const late = harness.connect()
      const empty = yield* Effect.forkChild(harness.server.registry.empty, { startImmediately: true })
      yield* see(idle)
      yield* TestClock.adjust("1200 millis")
      for (const { transport } of [idle, fresh, late]) assert.notStrictEqual(transport.ending, "open")
      yield* finish(harness, idle, fresh, late)
      yield* Fiber.join(empty)
    })
  )

  it.effect("serves a request that was under way, on a connection that was idle, fresh, or came later", () =>
    Effect.gen(function* () {
      const harness = yield* makeHarness(version, recorded(hello).application)
      const { client: idle } = yield* ask(harness)
      const fresh = harness.connect()
      const begun = harness.connect()
      const [last, sendLast] = begun.transport.allButTheLast(() => begun.request())
      harness.server.registry.drain()
      const late = harness.connect()
      const exchanges = [idle, fresh, late].map((client) => client.request())
      sendLast()
      yield* turn
      for (const { response } of [...exchanges, last]) {
        assert.deepInclude(response, { status: 200, body: "hello /", state: "complete" })
      }
      yield* see(idle, fresh, begun, late)
      // HTTP/2 serves for a moment more what may be on its way.
      yield* TestClock.adjust("300 millis")
      for (const { transport } of [idle, fresh, begun, late]) assert.strictEqual(transport.ending, "ended")
      yield* finish(harness, idle, fresh, begun, late)
    })
  )

  it.effect("lets exchanges finish, and the connection ends behind the last one", () =>
    Effect.gen(function* () {
      const { application, mayAnswer } = gated()
      const harness = yield* makeHarness(version, application)
      const { client, exchange } = yield* ask(harness)
      harness.server.registry.drain()
      const empty = yield* Effect.forkChild(harness.server.registry.empty, { startImmediately: true })
      yield* see(client)
      yield* TestClock.adjust("20 seconds")
      assert.strictEqual(client.transport.ending, "open")
      assert.isUndefined(empty.pollUnsafe())
      mayAnswer.openUnsafe()
      yield* turn
      assert.deepInclude(exchange.response, { status: 200, body: "late", state: "complete" })
      assert.isFalse(client.mayAskAgain)
      assert.strictEqual(client.transport.ending, "ended")
      yield* finish(harness, client)
      yield* Fiber.join(empty)
    })
  )

  it.effect("lets a response that has begun finish", () =>
    Effect.gen(function* () {
      const mayAnswer = Latch.makeUnsafe()
      const { application } = recorded<unknown>((_, __, send) =>
        Effect.gen(function* () {
          yield* send(start())
          yield* mayAnswer.await
          yield* send(last("ok"))
        })
      )
      const harness = yield* makeHarness(version, application)
      const { client, exchange } = yield* ask(harness)
      harness.server.registry.drain()
      yield* see(client)
      mayAnswer.openUnsafe()
      yield* turn
      assert.deepInclude(exchange.response, { body: "ok", state: "complete" })
      // Where its head has not said that it is the last one, another request may be under way.
      yield* TestClock.adjust("400 millis")
      assert.strictEqual(client.transport.ending, "ended")
      yield* finish(harness, client)
    })
  )

  it.effect("lets an upload finish, and a slow peer have all of the response", () =>
    Effect.gen(function* () {
      const { application } = recorded<unknown>((_, receive, send) =>
        Effect.gen(function* () {
          for (let more = true; more;) {
            const event = yield* receive
            more = event.type === "http.request" && event.more
          }
          yield* sendAll(send, [start(), piece("x".repeat(60_000)), last("end")])
        })
      )
      const harness = yield* makeHarness(version, application)
      const client = harness.connect({ capacity: 5000 })
      const exchange = client.request({ method: "POST", more: true })
      yield* turn
      harness.server.registry.drain()
      for (let sent = 0; sent < 5; sent++) {
        yield* TestClock.adjust("5 seconds")
        exchange.send("x")
        client.read()
      }
      exchange.end()
      for (let reads = 0; reads < 20; reads++) {
        yield* TestClock.adjust("5 seconds")
        client.read()
      }
      assert.deepInclude(exchange.response, { body: `${"x".repeat(60_000)}end`, state: "complete" })
      yield* finish(harness, client)
    })
  )

  it.effect("ends what goes wrong meanwhile as always, and then the connection", () =>
    Effect.gen(function* () {
      const { application } = recorded<unknown>(() => Effect.andThen(Effect.sleep("2 seconds"), Effect.fail("broken")))
      const harness = yield* makeHarness(version, application)
      const { client, exchange } = yield* ask(harness)
      harness.server.registry.drain()
      yield* see(client)
      yield* TestClock.adjust("2 seconds")
      yield* turn
      assert.deepInclude(exchange.response, { status: 500, state: "complete" })
      assert.strictEqual(client.transport.ending, "ended")
      yield* finish(harness, client)
    })
  )

  it.effect("tells those who leave meanwhile from those who are cut off by the abort that follows", () =>
    Effect.gen(function* () {
      const { application } = gated()
      const harness = yield* makeHarness(version, application, { options: { disconnectGrace: 0 } })
      const { client: leaving } = yield* ask(harness)
      const { client: staying } = yield* ask(harness)
      harness.server.registry.drain()
      leaving.transport.pushEnd()
      yield* see(leaving, staying)
      yield* TestClock.adjust("30 seconds")
      assert.notStrictEqual(leaving.transport.ending, "open")
      assert.strictEqual(staying.transport.ending, "open")
      harness.server.registry.abort("server_shutdown")
      yield* turn
      assert.strictEqual(staying.transport.ending, "destroyed")
      assert.deepStrictEqual(outcomes(harness), ["499 client_closed", "499 server_shutdown"])
      yield* finish(harness, leaving)
    })
  )
}
