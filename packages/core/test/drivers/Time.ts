/** Time limits, and what does not count as time. */
import { assert, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import * as TestClock from "effect/testing/TestClock"
import type { DisconnectReason } from "../../src/contract/DisconnectReason.ts"
import type { Input } from "../../src/options/ServerOptions.ts"
import { echo, hello, last, piece, readBody, recorded, respond, start } from "./support/Applications.ts"
import { ask, assertCost, finish, makeHarness, turn } from "./support/Harness.ts"
import { distinctLimits, eachSecond, endsAfter } from "./support/Times.ts"
import type { ClientExchange, Version } from "./support/Version.ts"

const noLimits: Input = { timeout: 0, headersTimeout: 0, bodyTimeout: 0, requestTimeout: 0, writeTimeout: 0 }

/** Whether the client has got the whole response, or would wait for it without end. */
const stateOf = (exchange: ClientExchange) => exchange.response.state

const big = recorded<unknown>((_, __, send) => respond(send, "x".repeat(1000)))

export const testRequestTime = (version: Version): void => {
  it.effect("a connection between requests is closed after timeout", () =>
    Effect.gen(function* () {
      const harness = yield* makeHarness(version, recorded(hello).application, { options: distinctLimits })
      const { client } = yield* ask(harness)
      yield* TestClock.adjust("6 seconds")
      const second = client.request()
      yield* endsAfter(client, "7 seconds")
      assert.strictEqual(second.response.body, "hello /")
      yield* finish(harness, client)
    })
  )

  it.effect("the time counts from the end of a response that took its time: nothing stays armed", () =>
    Effect.gen(function* () {
      const mayAnswer = Latch.makeUnsafe()
      const { application } = recorded<unknown>((_, __, send) => Effect.andThen(mayAnswer.await, respond(send, "ok")))
      const harness = yield* makeHarness(version, application, { options: distinctLimits })
      const { client } = yield* ask(harness)
      yield* TestClock.adjust("10 seconds")
      mayAnswer.openUnsafe()
      yield* turn
      yield* endsAfter(client, "7 seconds")
      yield* finish(harness, client)
    })
  )

  it.effect("a peer that still reads its response is not idle", () =>
    Effect.gen(function* () {
      const harness = yield* makeHarness(version, big.application, { options: distinctLimits })
      const client = harness.connect({ capacity: 100 })
      const exchange = client.request()
      for (let reads = 0; reads < 20; reads++) {
        yield* TestClock.adjust("5 seconds")
        client.read()
      }
      assert.deepInclude(exchange.response, { body: "x".repeat(1000), state: "complete" })
      yield* TestClock.adjust("10 seconds")
      assert.notStrictEqual(client.transport.ending, "open")
      yield* finish(harness, client)
    })
  )

  it.effect("a request that is complete in time is served", () =>
    Effect.gen(function* () {
      const harness = yield* makeHarness(version, recorded(hello).application, { options: distinctLimits })
      const client = harness.connect()
      const [exchange, sendLast] = client.transport.allButTheLast(() => client.request())
      yield* TestClock.adjust("2900 millis")
      sendLast()
      assert.deepInclude(exchange.response, { body: "hello /", state: "complete" })
      yield* endsAfter(client, "7 seconds")
      yield* finish(harness, client)
    })
  )

  it.effect("requestTimeout ends a request on which nothing happens, with client_timeout", () =>
    Effect.gen(function* () {
      const { application, scopes } = recorded<unknown>((_, receive) => readBody(receive))
      const harness = yield* makeHarness(version, application, { options: distinctLimits })
      const { client, exchange } = yield* ask(harness, { method: "POST", more: true })
      yield* TestClock.adjust("10900 millis")
      assert.strictEqual(stateOf(exchange), "pending")
      yield* TestClock.adjust("300 millis")
      assert.deepInclude(exchange.response, { status: undefined, state: "broken" })
      assert.strictEqual(scopes[0]?.connection.disconnectReason, "client_timeout")
      assertCost(harness, client)
      yield* TestClock.adjust("2 seconds")
      yield* finish(harness, client)
    })
  )

  it.effect("requestTimeout counts from the last byte of an upload on, and not before twice the time is over", () =>
    Effect.gen(function* () {
      const { application } = recorded<unknown>((_, receive) => readBody(receive))
      const harness = yield* makeHarness(version, application, { options: { ...distinctLimits, timeout: 0 } })
      const { client, exchange } = yield* ask(harness, { method: "POST", more: true })
      yield* eachSecond(20, () => exchange.send("x"))
      yield* TestClock.adjust("10900 millis")
      assert.strictEqual(stateOf(exchange), "pending")
      yield* TestClock.adjust("11200 millis")
      assert.strictEqual(stateOf(exchange), "broken")
      yield* finish(harness, client)
    })
  )

  it.effect("requestTimeout does not limit a response that goes on", () =>
    Effect.gen(function* () {
      const { application } = recorded<unknown>((_, __, send) =>
        Effect.gen(function* () {
          yield* send(start())
          for (let sent = 0; sent < 10; sent++) {
            yield* Effect.sleep("5 seconds")
            yield* send(piece("x"))
          }
          yield* send(last())
        })
      )
      const harness = yield* makeHarness(version, application, { options: distinctLimits })
      const { client, exchange } = yield* ask(harness)
      yield* TestClock.adjust("50 seconds")
      assert.deepInclude(exchange.response, { body: "x".repeat(10), state: "complete" })
      yield* finish(harness, client)
    })
  )

  it.effect("requestTimeout does not limit a response whose peer reads on", () =>
    Effect.gen(function* () {
      const { application } = recorded<unknown>((_, __, send) =>
        Effect.gen(function* () {
          yield* send(start())
          for (let sent = 0; sent < 10; sent++) yield* send(piece("x".repeat(100_000)))
          yield* send(last())
        })
      )
      const harness = yield* makeHarness(version, application, { options: distinctLimits })
      const client = harness.connect({ capacity: 20_000 })
      const exchange = client.request()
      for (let reads = 0; reads < 52; reads++) {
        yield* TestClock.adjust("5 seconds")
        client.read()
      }
      assert.strictEqual(exchange.response.body.length, 1_000_000)
      assert.strictEqual(stateOf(exchange), "complete")
      yield* finish(harness, client)
    })
  )
}

export const testWriteTime = (version: Version): void => {
  it.effect("drops a peer that does not read with write_timeout; its reading counts as progress", () =>
    Effect.gen(function* () {
      const reasons: Array<DisconnectReason> = []
      const { application } = recorded<unknown>((scope, _, send) =>
        Effect.gen(function* () {
          scope.connection.onDisconnect((reason) => reasons.push(reason))
          yield* send(start())
          while (scope.connection.isConnected) yield* send(piece("x".repeat(1000)))
        })
      )
      const harness = yield* makeHarness(version, application, { options: { ...distinctLimits, requestTimeout: 0 } })
      const { client } = yield* ask(harness, {}, { capacity: 1000 })
      for (let reads = 0; reads < 5; reads++) {
        yield* TestClock.adjust("12 seconds")
        client.read()
      }
      yield* endsAfter(client, "13 seconds")
      assert.strictEqual(client.transport.ending, "reset")
      assert.deepStrictEqual(reasons, ["write_timeout"])
      yield* TestClock.adjust("2 seconds")
      yield* finish(harness)
    })
  )

  it.effect("lets a peer take less at a time than was handed over, as long as it takes some in time", () =>
    Effect.gen(function* () {
      const harness = yield* makeHarness(version, big.application, { options: distinctLimits })
      const client = harness.connect({ capacity: 100 })
      client.request()
      for (let reads = 0; reads < 5; reads++) {
        yield* TestClock.adjust("12 seconds")
        client.readSome(10)
      }
      yield* TestClock.adjust("12 seconds")
      assert.strictEqual(client.transport.ending, "open")
      yield* TestClock.adjust("15 seconds")
      assert.strictEqual(client.transport.ending, "reset")
      yield* finish(harness)
    })
  )

  it.effect("counts also when the response is complete and nothing else goes on", () =>
    Effect.gen(function* () {
      const harness = yield* makeHarness(version, big.application, { options: distinctLimits })
      const { client } = yield* ask(harness, {}, { capacity: 100 })
      yield* endsAfter(client, "13 seconds")
      yield* finish(harness)
    })
  )

  it.effect("leaves nothing armed behind a peer that then reads", () =>
    Effect.gen(function* () {
      const harness = yield* makeHarness(version, big.application, { options: { ...distinctLimits, timeout: 0 } })
      const client = harness.connect({ capacity: 1000 })
      const exchanges = client.transport.together(() => [client.request(), client.request()])
      yield* TestClock.adjust("12 seconds")
      for (let reads = 0; reads < 5; reads++) client.read()
      yield* TestClock.adjust("100 seconds")
      assert.strictEqual(client.transport.ending, "open")
      for (const exchange of exchanges) assert.strictEqual(stateOf(exchange), "complete")
      yield* finish(harness, client)
    })
  )
}

export const testNoLimits = (version: Version): void => {
  it.effect("0 means that nothing is ever ended for being slow", () =>
    Effect.gen(function* () {
      const { application } = recorded<unknown>((scope, receive, send) =>
        scope.path === "/wait" ? scope.connection.disconnected : echo(scope, receive, send)
      )
      const harness = yield* makeHarness(version, application, { options: noLimits })
      const fresh = harness.connect()
      const begun = harness.connect()
      begun.transport.allButTheLast(() => begun.request())
      const { client: idle } = yield* ask(harness)
      const { client: waiting } = yield* ask(harness, { path: "/wait" })
      const { client: uploading, exchange } = yield* ask(harness, { method: "POST", more: true })
      exchange.send("abc")
      const { client: blocked } = yield* ask(harness, {}, { capacity: 10 })
      yield* TestClock.adjust("3 hours")
      const clients = [fresh, begun, idle, waiting, uploading, blocked]
      for (const { transport } of clients) assert.strictEqual(transport.ending, "open")
      assert.strictEqual(stateOf(exchange), "pending")
      for (const { transport } of clients) transport.fail()
      yield* TestClock.adjust("10 seconds")
      yield* finish(harness)
    })
  )

  it.effect("a busy connection leaves no timers behind", () =>
    Effect.gen(function* () {
      const harness = yield* makeHarness(version, recorded(hello).application, { options: distinctLimits })
      const client = harness.connect()
      for (let requests = 0; requests < 100; requests++) client.request({ method: "POST", more: true }).end("x")
      yield* turn
      yield* finish(harness, client)
      yield* TestClock.adjust("60 seconds")
      assert.strictEqual(harness.server.deadlines.size, 0)
    })
  )
}
