/** How the content of a request reaches the application. */
import { assert, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import { echo, hello, last, readBody, recorded, respond, start, textOf, noting, plain } from "./support/Applications.ts"
import { ask, assertCost, finish, makeHarness, outcomes, turn } from "./support/Harness.ts"
import type { Version } from "./support/Version.ts"

const post = { method: "POST", more: true } as const
const ofLength = (length: number) => ({ ...post, fields: [["content-length", String(length)]] }) as const

export const testContent = (version: Version): void => {
  it.effect("is one empty piece for a request without any", () =>
    Effect.gen(function* () {
      const { application, events } = noting()
      const harness = yield* makeHarness(version, application)
      const { client } = yield* ask(harness)
      for (const request of [{ method: "POST" }, { method: "POST", fields: [["content-length", "0"]] }] as const) {
        client.request(request)
        yield* turn
      }
      client.request(post).end()
      yield* turn
      assert.deepStrictEqual(
        events,
        Array.from({ length: 4 }, () => ["", false])
      )
      yield* finish(harness, client)
    })
  )

  it.effect("comes in pieces as it arrives; the last of a known length says that it is the last", () =>
    Effect.gen(function* () {
      const { application, events } = noting()
      const harness = yield* makeHarness(version, application)
      const { client, exchange } = yield* ask(harness, ofLength(6))
      assert.deepStrictEqual(events, [])
      exchange.send("ab")
      assert.deepStrictEqual(events, [["ab", true]])
      exchange.send("cd")
      exchange.end("ef")
      const next = client.request()
      yield* turn
      assert.deepStrictEqual(events, [
        ["ab", true],
        ["cd", true],
        ["ef", false],
        ["", false]
      ])
      assert.deepStrictEqual([exchange.response.body, next.response.body], ["ok", "ok"])
      yield* finish(harness, client)
    })
  )

  it.effect("ends with an empty piece when its end comes late", () =>
    Effect.gen(function* () {
      const { application, events } = noting()
      const harness = yield* makeHarness(version, application)
      const { client, exchange } = yield* ask(harness, post)
      exchange.send("ab")
      assert.deepStrictEqual(events, [["ab", true]])
      exchange.end()
      assert.deepStrictEqual(events, [
        ["ab", true],
        ["", false]
      ])
      yield* finish(harness, client)
    })
  )

  it.effect("ends with trailers, which are no part of it", () =>
    Effect.gen(function* () {
      const { application, events } = noting()
      const harness = yield* makeHarness(version, application)
      const { client, exchange } = yield* ask(harness, post)
      exchange.send("ab")
      exchange.end("", [["x-checksum", "1"]])
      assert.deepStrictEqual(events, [
        ["ab", true],
        ["", false]
      ])
      yield* turn
      assert.strictEqual(exchange.response.body, "ok")
      yield* finish(harness, client)
    })
  )

  for (const lends of [true, false]) {
    for (const cut of [7, 100, undefined]) {
      const pieces = cut === undefined ? "whole" : `${cut} bytes at a time`
      it.effect(`is the same from ${lends ? "lent" : "owned"} memory, ${pieces}, whatever waits and is kept`, () =>
        Effect.gen(function* () {
          const mayRead = Latch.makeUnsafe()
          const kept: Array<Uint8Array> = []
          const { application } = recorded<unknown>((_, receive, send) =>
            Effect.gen(function* () {
              yield* mayRead.await
              for (;;) {
                const event = yield* receive
                if (event.type === "http.disconnect") return
                kept.push(event.body)
                if (!event.more) return yield* respond(send, "ok")
              }
            })
          )
          const harness = yield* makeHarness(version, application)
          const client = harness.connect(cut === undefined ? { lends } : { lends, cut })
          const text = Array.from({ length: 5000 }, (_, index) => String.fromCharCode(97 + (index % 26))).join("")
          const exchange = client.request(post)
          for (let at = 0; at < 4000; at += 777) exchange.send(text.slice(at, Math.min(4000, at + 777)))
          mayRead.openUnsafe()
          yield* turn
          const next = client.transport.together(() => {
            exchange.end(text.slice(4000))
            return client.request()
          })
          yield* turn
          assert.strictEqual(kept.map(textOf).join(""), text)
          assert.deepStrictEqual([exchange.response.body, next.response.body], ["ok", "ok"])
          yield* finish(harness, client)
        })
      )
    }
  }

  it.effect("is passed through unchanged, and so is that of the response", () =>
    Effect.gen(function* () {
      const all = String.fromCharCode(...Array.from({ length: 256 }, (_, byte) => byte))
      const { application } = recorded<unknown>((_, receive, send) =>
        Effect.gen(function* () {
          const event = yield* receive
          if (event.type !== "http.request") return
          yield* send(start())
          yield* send(last(event.body))
        })
      )
      const harness = yield* makeHarness(version, application)
      const { client, exchange } = yield* ask(harness, ofLength(256))
      exchange.end(all)
      yield* turn
      assert.strictEqual(exchange.response.body, all)
      yield* finish(harness, client)
    })
  )

  it.effect("has an end behind which receive waits for the end of the exchange", () =>
    Effect.gen(function* () {
      const events: Array<unknown> = []
      const { application } = recorded<unknown>((_, receive, send) =>
        Effect.gen(function* () {
          yield* readBody(receive)
          yield* Effect.forkChild(
            Effect.flatMap(receive, (event) => Effect.sync(() => events.push(plain(event)))),
            { startImmediately: true }
          )
          assert.deepStrictEqual(events, [])
          yield* respond(send, "ok")
          yield* Effect.yieldNow
          assert.deepStrictEqual(events, ["http.disconnect"])
          for (let reads = 0; reads < 3; reads++) assert.strictEqual(plain(yield* receive), "http.disconnect")
        })
      )
      const harness = yield* makeHarness(version, application)
      const { client, exchange } = yield* ask(harness)
      assert.strictEqual(exchange.response.body, "ok")
      assert.deepStrictEqual(harness.errors, [])
      yield* finish(harness, client)
    })
  )

  it.effect("that is malformed ends the exchange with protocol_error, without a second answer or an error", () =>
    Effect.gen(function* () {
      const { application, events, scopes } = noting()
      const harness = yield* makeHarness(version, application)
      const { client, exchange } = yield* ask(harness, post)
      exchange.send("a")
      exchange.violate()
      yield* turn
      assert.deepStrictEqual(events, [["a", true], "http.disconnect"])
      assert.strictEqual(scopes[0]?.connection.disconnectReason, "protocol_error")
      assert.notStrictEqual(exchange.response.status, 200)
      assert.deepStrictEqual(harness.errors, [])
      assert.strictEqual(harness.log[0]?.outcome, "protocol_error")
      assertCost(harness, client)
      yield* finish(harness, client)
    })
  )

  it.effect("that is malformed behind the beginning of the response breaks it off", () =>
    Effect.gen(function* () {
      const { application } = recorded<unknown>((_, receive, send) =>
        Effect.gen(function* () {
          yield* send(start())
          yield* send({ type: "http.response.body", body: "part", more: true })
          yield* readBody(receive)
          yield* send(last("more"))
        })
      )
      const harness = yield* makeHarness(version, application)
      const { client, exchange } = yield* ask(harness, post)
      exchange.violate()
      yield* turn
      assert.deepInclude(exchange.response, { status: 200, body: "part", state: "broken" })
      assertCost(harness, client)
      yield* finish(harness, client)
    })
  )
}

export const testExpectations = (version: Version): void => {
  const expecting = { ...post, fields: [["expect", "100-continue"]] } as const

  it.effect("100 is sent when the application first reads the content, and once", () =>
    Effect.gen(function* () {
      const harness = yield* makeHarness(version, recorded(echo).application)
      const { client, exchange } = yield* ask(harness, expecting)
      assert.deepStrictEqual(exchange.response.informational, [{ status: 100, headers: [] }])
      exchange.send("abc")
      exchange.end("def")
      yield* turn
      assert.strictEqual(exchange.response.informational.length, 1)
      assert.strictEqual(exchange.response.body, "POST / abcdef")
      yield* finish(harness, client)
    })
  )

  it.effect("100 is sent also when the application starts its response before it reads", () =>
    Effect.gen(function* () {
      const { application } = recorded<unknown>((_, receive, send) =>
        Effect.gen(function* () {
          yield* send(start())
          yield* send(last((yield* readBody(receive)) ?? "nothing"))
        })
      )
      const harness = yield* makeHarness(version, application)
      const { client, exchange } = yield* ask(harness, expecting)
      assert.strictEqual(exchange.response.informational.length, 1)
      exchange.end("abc")
      yield* turn
      assert.strictEqual(exchange.response.body, "abc")
      assert.isTrue(client.mayAskAgain)
      yield* finish(harness, client)
    })
  )

  it.effect("no 100 without reading, nor when content has come before that, nor when there is none", () =>
    Effect.gen(function* () {
      const { application } = recorded<unknown>((...exchange) => Effect.andThen(Effect.yieldNow, echo(...exchange)))
      const reading = yield* makeHarness(version, application)
      const client = reading.connect()
      const begun = client.transport.together(() => {
        const exchange = client.request(expecting)
        exchange.end("abc")
        return exchange
      })
      const empty = client.request({ fields: expecting.fields })
      yield* turn
      assert.deepInclude(begun.response, { informational: [], body: "POST / abc" })
      assert.deepInclude(empty.response, { informational: [], body: "GET / " })
      yield* finish(reading, client)
      const harness = yield* makeHarness(version, recorded(hello).application)
      const ignored = yield* ask(harness, expecting)
      assert.deepInclude(ignored.exchange.response, { informational: [], body: "hello /", state: "complete" })
      yield* finish(harness, ignored.client)
    })
  )
}

export const testBodySize = (version: Version): void => {
  const options = { maxBodySize: 5 } as const

  it.effect("a length beyond it is answered with 413, and the application is not run", () =>
    Effect.gen(function* () {
      const { application, scopes } = recorded(echo)
      const harness = yield* makeHarness(version, application, { options })
      const { client, exchange: fits } = yield* ask(harness, ofLength(5))
      fits.end("12345")
      const large = client.request(ofLength(6))
      large.end("123456")
      yield* turn
      assert.strictEqual(fits.response.body, "POST / 12345")
      assert.deepInclude(large.response, { status: 413, state: "complete" })
      assert.strictEqual(scopes.length, 1)
      assertCost(harness, client)
      yield* finish(harness, client)
    })
  )

  it.effect("content beyond it is answered with 413, and the application is told body_too_large", () =>
    Effect.gen(function* () {
      const { application, events, scopes } = noting()
      const harness = yield* makeHarness(version, application, { options })
      const { client, exchange } = yield* ask(harness, post)
      exchange.send("123")
      exchange.send("456")
      exchange.end("789")
      yield* turn
      assert.deepInclude(exchange.response, { status: 413, state: "complete", body: "The request body is too large\n" })
      assert.deepStrictEqual(events, [["123", true], "http.disconnect"])
      assert.strictEqual(scopes[0]?.connection.disconnectReason, "body_too_large")
      assert.deepStrictEqual(harness.errors, [])
      assert.deepStrictEqual(outcomes(harness), ["413 body_too_large"])
      assertCost(harness, client)
      yield* finish(harness, client)
    })
  )

  it.effect("content beyond it behind the beginning of the response breaks that off", () =>
    Effect.gen(function* () {
      const { application, scopes } = recorded<unknown>((_, receive, send) =>
        Effect.gen(function* () {
          yield* send(start())
          yield* send({ type: "http.response.body", body: "part", more: true })
          yield* readBody(receive)
          yield* send(last())
        })
      )
      const harness = yield* makeHarness(version, application, { options })
      const { client, exchange } = yield* ask(harness, post)
      exchange.send("123456")
      yield* turn
      assert.deepInclude(exchange.response, { status: 200, body: "part", state: "broken" })
      assert.strictEqual(scopes[0]?.connection.disconnectReason, "body_too_large")
      assertCost(harness, client)
      yield* finish(harness, client)
    })
  )
}

export const testEarlyAnswers = (version: Version): void => {
  it.effect("the rest of a short body is skipped, and the next request is served", () =>
    Effect.gen(function* () {
      for (const request of [post, ofLength(10)]) {
        const { application, scopes } = recorded(hello)
        const harness = yield* makeHarness(version, application)
        const { client, exchange } = yield* ask(harness, request)
        exchange.send("01234")
        yield* turn
        assert.deepInclude(exchange.response, { body: "hello /", state: "complete" })
        exchange.end("56789")
        const next = client.request({ path: "/next" })
        yield* turn
        assert.strictEqual(next.response.body, "hello /next")
        assert.strictEqual(scopes.length, 2)
        assert.deepStrictEqual(outcomes(harness), ["200 complete", "200 complete"])
        yield* finish(harness, client)
      }
    })
  )

  it.effect("an upload that was held back is let go, and costs neither the response nor the next request", () =>
    Effect.gen(function* () {
      const mayAnswer = Latch.makeUnsafe()
      const { application } = recorded<unknown>((scope, _, send) =>
        scope.method === "GET" ? respond(send, "next") : Effect.andThen(mayAnswer.await, respond(send, "no"))
      )
      const harness = yield* makeHarness(version, application)
      const { client, exchange } = yield* ask(harness, ofLength(400_000))
      for (let sent = 0; sent < 20; sent++) exchange.send("x".repeat(20_000))
      yield* turn
      client.read()
      assert.isAbove(exchange.unsent, 0)
      mayAnswer.openUnsafe()
      for (let turns = 0; turns < 20; turns++) {
        client.read()
        yield* turn
      }
      assert.deepInclude(exchange.response, { body: "no", state: "complete" })
      assert.strictEqual(exchange.unsent, 0)
      const next = client.request()
      yield* turn
      assert.strictEqual(next.response.body, "next")
      yield* finish(harness, client)
    })
  )
}
