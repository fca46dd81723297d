/** What becomes of the events of a response. */
import { assert, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import type { HeaderBlock } from "../../src/http/HeaderBlock.ts"
import {
  hello,
  informational,
  last,
  piece,
  recorded,
  respond,
  sending,
  start,
  trailers
} from "./support/Applications.ts"
import { ask, assertCost, finish, makeHarness, outcomes, turn } from "./support/Harness.ts"
import { valuesOf, type Version } from "./support/Version.ts"

export const testResponses = (version: Version): void => {
  it.effect("has a date, and its length when the whole content comes at once", () =>
    Effect.gen(function* () {
      const harness = yield* makeHarness(version, recorded(hello).application)
      const { client, exchange } = yield* ask(harness)
      const { body, headers, state } = exchange.response
      assert.deepStrictEqual(headers.toSorted(), [
        ["content-length", "7"],
        ["date", "Thu, 01 Jan 1970 00:00:00 GMT"]
      ])
      assert.deepStrictEqual([body, state], ["hello /", "complete"])
      yield* finish(harness, client)
    })
  )

  it.effect("has no length when the content comes in pieces, unless the application says it", () =>
    Effect.gen(function* () {
      const cases: ReadonlyArray<readonly [HeaderBlock, Array<string>]> = [
        [[], []],
        [[["Content-Length", "2"]], ["2"]]
      ]
      for (const [headers, lengths] of cases) {
        const { application } = sending(start(200, headers), piece("a"), last("b"))
        const harness = yield* makeHarness(version, application)
        const { client, exchange } = yield* ask(harness)
        assert.deepStrictEqual(valuesOf(exchange.response.headers, "content-length"), lengths)
        assert.deepInclude(exchange.response, { body: "ab", state: "complete" })
        yield* finish(harness, client)
      }
    })
  )

  it.effect("has the length 0 without content", () =>
    Effect.gen(function* () {
      const harness = yield* makeHarness(version, sending(start(404), last()).application)
      const { client, exchange } = yield* ask(harness)
      assert.deepInclude(exchange.response, { status: 404, body: "", state: "complete" })
      assert.deepStrictEqual(valuesOf(exchange.response.headers, "content-length"), ["0"])
      yield* finish(harness, client)
    })
  )

  it.effect("keeps the application's fields in order, its date, and has names in lower case", () =>
    Effect.gen(function* () {
      const headers = [
        ["Date", "then"],
        ["X-Upper", " a "],
        ["Set-Cookie", "a=1"],
        ["Set-Cookie", "b=2"],
        ["Content-Length", "2"]
      ] as const
      const harness = yield* makeHarness(version, sending(start(200, headers), last("ok")).application)
      const { client, exchange } = yield* ask(harness)
      assert.deepStrictEqual(exchange.response.headers, [
        ["date", "then"],
        ["x-upper", "a"],
        ["set-cookie", "a=1"],
        ["set-cookie", "b=2"],
        ["content-length", "2"]
      ])
      yield* finish(harness, client)
    })
  )

  for (const [name, events] of [
    ["a final response", [start(200, [["x", "a\r\nSet-Cookie: b"]]), start()]],
    ["a name", [start(200, [["x\r\ny", "a"]]), start()]],
    ["a name with a blank", [start(200, [["x y", "a"]]), start()]],
    ["a pseudo-header field", [start(200, [[":status", "500"]]), start()]],
    ["a length", [start(200, [["content-length", "1, 2"]]), start()]],
    ["an informational response", [informational(103, [["link", "a\nb"]]), start()]]
  ] as const) {
    it.effect(`is validated (response splitting): ${name} that is wrong fails the send, which may be repeated`, () =>
      Effect.gen(function* () {
        const { application, failures } = sending(...events, last("ok"))
        const harness = yield* makeHarness(version, application)
        const { client, exchange } = yield* ask(harness)
        assert.strictEqual(failures.length, 1)
        const { body, headers, informational, state, status } = exchange.response
        assert.deepStrictEqual([status, body, state], [200, "ok", "complete"])
        assert.deepStrictEqual(informational, [])
        assert.deepStrictEqual(headers.map(([name]) => name).toSorted(), ["content-length", "date"])
        yield* finish(harness, client)
      })
    )
  }

  it.effect("may follow informational ones, which have no date and no length", () =>
    Effect.gen(function* () {
      const { application, failures } = sending(
        informational(103, [["Link", "</a>; rel=preload"]]),
        informational(102, [["content-length", "1"]]),
        start(),
        informational(103),
        last("ok")
      )
      const harness = yield* makeHarness(version, application)
      const { client, exchange } = yield* ask(harness)
      assert.deepStrictEqual(exchange.response.informational, [
        { status: 103, headers: [["link", "</a>; rel=preload"]] },
        { status: 102, headers: [] }
      ])
      assert.deepInclude(exchange.response, { status: 200, body: "ok" })
      assert.strictEqual(failures.length, 1)
      yield* finish(harness, client)
    })
  )

  it.effect("waits with its head for the first content, but in the same turn only", () =>
    Effect.gen(function* () {
      const mayGoOn = Latch.makeUnsafe()
      const { application } = recorded<unknown>((_, __, send) =>
        Effect.gen(function* () {
          yield* send(start())
          yield* mayGoOn.await
          yield* send(last("late"))
        })
      )
      const harness = yield* makeHarness(version, application)
      const client = harness.connect()
      yield* turn
      const before = client.transport.writes
      const exchange = client.request()
      assert.deepInclude(exchange.response, { status: 200, body: "", state: "pending" })
      mayGoOn.openUnsafe()
      yield* turn
      assert.deepInclude(exchange.response, { body: "late", state: "complete" })
      assert.strictEqual(client.transport.writes - before, 2)
      yield* finish(harness, client)
    })
  )

  it.effect("goes out whole in one write, also from an asynchronous application", () =>
    Effect.gen(function* () {
      const { application } = recorded<unknown>((_, __, send) => Effect.andThen(Effect.yieldNow, respond(send, "ok")))
      const harness = yield* makeHarness(version, application)
      const client = harness.connect()
      const before = client.transport.writes
      const exchange = client.request()
      yield* turn
      assert.deepInclude(exchange.response, { body: "ok", state: "complete" })
      assert.strictEqual(client.transport.writes - before, 1)
      yield* finish(harness, client)
    })
  )

  it.effect("goes out with all those of the same turn", () =>
    Effect.gen(function* () {
      const { application } = recorded<unknown>((scope, receive, send) =>
        scope.method === "GET" ? respond(send, "ok") : Effect.andThen(receive, respond(send, "ok"))
      )
      for (const method of ["GET", "POST"]) {
        const harness = yield* makeHarness(version, application)
        const client = harness.connect()
        yield* turn
        const before = client.transport.writes
        const exchanges = client.transport.together(() =>
          Array.from({ length: 16 }, () => {
            if (method === "GET") return client.request()
            const exchange = client.request({ method, more: true, fields: [["content-length", "3"]] })
            exchange.end("abc")
            return exchange
          })
        )
        assert.strictEqual(client.transport.writes - before, 1)
        yield* turn
        assert.strictEqual(client.transport.writes - before, 1)
        for (const exchange of exchanges) assert.deepInclude(exchange.response, { body: "ok", state: "complete" })
        yield* finish(harness, client)
      }
    })
  )

  it.effect("is sent at once by http.fullflush", () =>
    Effect.gen(function* () {
      const seen: Array<unknown> = []
      const { application } = recorded<unknown>((_, __, send) =>
        Effect.gen(function* () {
          const look = () => seen.push([exchange?.response.status, exchange?.response.body])
          // The request has been sent when that goes on.
          yield* Effect.yieldNow
          yield* send(start())
          look()
          yield* send({ type: "http.fullflush" })
          look()
          yield* send(piece("a"))
          look()
          yield* send({ type: "http.fullflush" })
          look()
          yield* send(last())
        })
      )
      const harness = yield* makeHarness(version, application)
      const client = harness.connect()
      const exchange = client.request()
      yield* turn
      assert.deepStrictEqual(seen, [
        [undefined, ""],
        [200, ""],
        [200, ""],
        [200, "a"]
      ])
      assert.deepInclude(exchange.response, { body: "a", state: "complete" })
      yield* finish(harness, client)
    })
  )

  it.effect("is not flushed unless the extension is advertised", () =>
    Effect.gen(function* () {
      const { application, failures } = sending({ type: "http.fullflush" }, start(), last("ok"))
      const harness = yield* makeHarness(version, application, { options: { extensions: {} } })
      const { client, exchange } = yield* ask(harness)
      assert.strictEqual(failures.length, 1)
      assert.match(failures[0] ?? "", /fullflush/)
      assert.deepInclude(exchange.response, { status: 200, body: "ok" })
      yield* finish(harness, client)
    })
  )

  it.effect("is left as it was by a send that fails", () =>
    Effect.gen(function* () {
      const { application, failures } = sending(last("early"), start(), start(), last("ok"), last("late"))
      const harness = yield* makeHarness(version, application)
      const { client, exchange } = yield* ask(harness)
      assert.strictEqual(failures.length, 3)
      assert.deepStrictEqual(valuesOf(exchange.response.headers, "content-length"), ["2"])
      assert.deepInclude(exchange.response, { body: "ok", state: "complete" })
      assert.deepStrictEqual(harness.errors, [])
      yield* finish(harness, client)
    })
  )
}

export const testTrailers = (version: Version): void => {
  it.effect("are validated, and leave out what may not be in them", () =>
    Effect.gen(function* () {
      const { application, failures } = sending(
        start(200, [], true),
        piece("a"),
        last("b"),
        trailers([["x", "a\r\n\r\nHTTP/1.1 200 OK"]]),
        trailers([
          ["X-Sum", "fine"],
          ["content-length", "3"],
          ["connection", "close"]
        ])
      )
      const harness = yield* makeHarness(version, application)
      const { client, exchange } = yield* ask(harness)
      assert.strictEqual(failures.length, 1)
      assert.deepInclude(exchange.response, { body: "ab", trailers: [["x-sum", "fine"]], state: "complete" })
      assert.deepStrictEqual(outcomes(harness), ["200 complete"])
      assert.isTrue(client.mayAskAgain)
      yield* finish(harness, client)
    })
  )

  for (const method of ["GET", "HEAD"]) {
    it.effect(`${method}: may follow no content, and may be none although they were announced`, () =>
      Effect.gen(function* () {
        const { application, failures } = sending(start(200, [], true), last(), { type: "http.response.trailers" })
        const harness = yield* makeHarness(version, application)
        const { client, exchange } = yield* ask(harness, { method })
        assert.deepInclude(exchange.response, { body: "", trailers: undefined, state: "complete" })
        assert.deepStrictEqual(failures, [])
        const next = client.request({ method })
        yield* turn
        assert.strictEqual(next.response.state, "complete")
        yield* finish(harness, client)
      })
    )
  }

  it.effect("may not follow content that is shorter than was announced", () =>
    Effect.gen(function* () {
      const { application, failures } = sending(
        start(200, [["content-length", "3"]], true),
        last("ab"),
        trailers([["x-sum", "fine"]])
      )
      const harness = yield* makeHarness(version, application)
      const { client, exchange } = yield* ask(harness)
      assert.include(failures[0] ?? "", "the body ends 1 bytes before its content-length")
      assert.isUndefined(exchange.response.trailers)
      yield* finish(harness, client)
    })
  )
}

export const testLengths = (version: Version): void => {
  for (const [name, body] of [
    ["longer", "123456"],
    ["shorter", "1234"]
  ] as const) {
    it.effect(`content that is ${name} fails the send and breaks the response off, which is logged`, () =>
      Effect.gen(function* () {
        const { application, failures, scopes } = sending(
          start(200, [["content-length", "5"]]),
          piece("12"),
          last(body.slice(2))
        )
        const harness = yield* makeHarness(version, application)
        const { client, exchange } = yield* ask(harness)
        assert.strictEqual(failures.length, 1)
        assert.match(failures[0] ?? "", /content-length/)
        assert.deepInclude(exchange.response, { status: 200, body: "12", state: "broken" })
        assert.strictEqual(harness.errors.length, 1)
        assert.strictEqual(scopes[0]?.connection.disconnectReason, "server_error")
        assertCost(harness, client)
        yield* finish(harness, client)
      })
    )
  }

  it.effect("a whole body that contradicts it is answered with 500", () =>
    Effect.gen(function* () {
      const { application, failures } = sending(start(200, [["content-length", "1"]]), last("two"))
      const harness = yield* makeHarness(version, application)
      const { client, exchange } = yield* ask(harness)
      assert.strictEqual(failures.length, 1)
      assert.deepInclude(exchange.response, { status: 500, state: "complete" })
      assert.deepStrictEqual(outcomes(harness), ["500 server_error"])
      assertCost(harness, client)
      yield* finish(harness, client)
    })
  )
}
