/** bodyTimeout: how long an application waits for the next byte of a request's content. */
import { assert, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import * as TestClock from "effect/testing/TestClock"
import type { Input } from "../../src/options/ServerOptions.ts"
import { piece, readBody, recorded, respond, start } from "./support/Applications.ts"
import { ask, assertCost, finish, makeHarness, turn } from "./support/Harness.ts"
import type { Fields, Version } from "./support/Version.ts"

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

const post = { method: "POST", more: true } as const
const ofLength = (length: number): Fields => [["content-length", String(length)]]

export const testBodyTime = (version: Version): void => {
  const onServer = (application = counting().application, options: Input = {}) =>
    makeHarness(version, application, { options: { timeout: 0, ...options } })

  for (const [name, fields, sent] of [
    ["of a known length", ofLength(100), "abc"],
    ["of which nothing has come", ofLength(100), ""],
    ["of an unknown length", [], "abc"],
    ["after 100 (Continue)", [["expect", "100-continue"]], ""]
  ] as const) {
    it.effect(`${name} is answered with 408 after 30 s by default`, () =>
      Effect.gen(function* () {
        const { application, reasons } = counting()
        const harness = yield* onServer(application)
        const { client, exchange } = yield* ask(harness, { ...post, fields })
        exchange.send(sent)
        yield* TestClock.adjust("29900 millis")
        assert.strictEqual(exchange.response.state, "pending")
        yield* TestClock.adjust("300 millis")
        assert.deepInclude(exchange.response, { status: 408, state: "complete" })
        assert.deepStrictEqual(reasons, ["client_timeout"])
        assertCost(harness, client)
        yield* finish(harness, client)
      })
    )
  }

  it.effect("goes on as long as a byte of it comes in time, and leaves nothing armed", () =>
    Effect.gen(function* () {
      const mayAnswer = Latch.makeUnsafe()
      const { application } = recorded<unknown>((_, receive, send) =>
        Effect.flatMap(readBody(receive), (body) =>
          Effect.andThen(mayAnswer.await, respond(send, String(body?.length)))
        )
      )
      const harness = yield* onServer(application)
      const { client, exchange } = yield* ask(harness, { ...post, fields: ofLength(10) })
      for (let sent = 1; sent <= 10; sent++) {
        yield* TestClock.adjust("29 seconds")
        if (sent < 10) exchange.send("x")
        else exchange.end("x")
      }
      // The limit for silence, which is another one, is 65 s.
      yield* TestClock.adjust("1 minute")
      mayAnswer.openUnsafe()
      yield* turn
      assert.strictEqual(exchange.response.body, "10")
      const next = client.request()
      yield* turn
      assert.strictEqual(next.response.body, "0")
      yield* TestClock.adjust("10 minutes")
      yield* finish(harness, client)
    })
  )

  for (const [name, fields, sent] of [
    ["all of which has come", ofLength(6), "abcdef"],
    ["of unknown length, all of which has come", [], "abcdef"],
    ["of which the rest waits for a reader", ofLength(200_000), "x".repeat(200_000)],
    ["that is only asked for by reading", [...ofLength(6), ["expect", "100-continue"]], ""]
  ] as const) {
    it.effect(`is no matter of the peer's while the application does not read: ${name}`, () =>
      Effect.gen(function* () {
        const mayRead = Latch.makeUnsafe()
        const harness = yield* onServer(counting(mayRead).application, { requestTimeout: 0 })
        const { client, exchange } = yield* ask(harness, { ...post, fields })
        if (sent !== "") exchange.end(sent)
        yield* TestClock.adjust("10 minutes")
        assert.deepInclude(exchange.response, { status: undefined, state: "pending" })
        mayRead.openUnsafe()
        for (let turns = 0; turns < 20; turns++) {
          client.read()
          yield* turn
        }
        if (sent === "") exchange.end("abcdef")
        yield* turn
        assert.strictEqual(exchange.response.body, String(sent.length || 6))
        yield* finish(harness, client)
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
      const harness = yield* onServer(application, { requestTimeout: 0 })
      const { client, exchange } = yield* ask(harness, post)
      yield* TestClock.adjust("6 seconds")
      exchange.end("abc")
      yield* TestClock.adjust("4 minutes")
      assert.deepInclude(exchange.response, { status: undefined, state: "pending" })
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(exchange.response.body, "3")
      yield* finish(harness, client)
    })
  )

  it.effect("after the response has begun breaks that off", () =>
    Effect.gen(function* () {
      const { application, scopes } = recorded<unknown>((_, receive, send) =>
        Effect.gen(function* () {
          yield* send(start())
          yield* send(piece("beginning"))
          yield* readBody(receive)
        })
      )
      const harness = yield* onServer(application)
      const { client, exchange } = yield* ask(harness, { ...post, fields: ofLength(6) })
      yield* TestClock.adjust("29 seconds")
      assert.strictEqual(exchange.response.state, "pending")
      yield* TestClock.adjust("1300 millis")
      assert.deepInclude(exchange.response, { body: "beginning", state: "broken" })
      assert.strictEqual(scopes[0]?.connection.disconnectReason, "client_timeout")
      yield* TestClock.adjust("10 seconds")
      yield* finish(harness, client)
    })
  )

  it.effect("has no limit with 0, and requestTimeout counts where that is shorter", () =>
    Effect.gen(function* () {
      const free = yield* onServer(counting().application, { bodyTimeout: 0, requestTimeout: 0 })
      const slow = yield* ask(free, { ...post, fields: ofLength(6) })
      yield* TestClock.adjust("1 hour")
      assert.strictEqual(slow.exchange.response.state, "pending")
      slow.exchange.end("abcdef")
      yield* turn
      assert.strictEqual(slow.exchange.response.body, "6")
      yield* finish(free, slow.client)
      const short = yield* onServer(counting().application, { bodyTimeout: 20, requestTimeout: 10 })
      const { client, exchange } = yield* ask(short, { ...post, fields: ofLength(6) })
      yield* TestClock.adjust("10300 millis")
      assert.deepInclude(exchange.response, { status: undefined, state: "broken" })
      yield* TestClock.adjust("10 seconds")
      yield* finish(short, client)
    })
  )
}
