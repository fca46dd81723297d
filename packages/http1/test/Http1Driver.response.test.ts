import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import * as TestClock from "effect/testing/TestClock"
import {
  echo,
  hello,
  last,
  piece,
  readBody,
  recorded,
  respond,
  sending,
  start
} from "@pagi/core/test/drivers/support/Applications"
import { converse, finish, makeHarness, statuses, turn } from "./support/DriverHarness.ts"
import { chunked, get, lines, post } from "./support/Machine.ts"

const head = (method: string, version: "1.0" | "1.1", ...fields: ReadonlyArray<string>): string =>
  lines(`${method} / HTTP/${version}`, "Host: a", ...fields)

describe("responses", () => {
  it.effect("an HTTP/1.0 connection ends behind its response", () =>
    Effect.gen(function* () {
      const harness = yield* makeHarness(recorded(hello).application)
      const transport = yield* converse(harness, head("GET", "1.0") + head("GET", "1.0"))
      assert.deepStrictEqual(statuses(transport.text), [200])
      assert.strictEqual(transport.ending, "ended")
      yield* finish(harness, transport)
    })
  )

  it.effect("an HTTP/1.0 connection is kept alive when asked for and the length is known", () =>
    Effect.gen(function* () {
      const harness = yield* makeHarness(recorded(hello).application)
      const request = head("GET", "1.0", "Connection: keep-alive")
      const transport = yield* converse(harness, request + request)
      assert.deepStrictEqual(statuses(transport.text), [200, 200])
      assert.include(transport.text, "connection: keep-alive")
      assert.strictEqual(transport.ending, "open")
      yield* finish(harness, transport)
    })
  )

  it.effect("an HTTP/1.0 body of unknown length is delimited by the close", () =>
    Effect.gen(function* () {
      const { application } = sending(start(), piece("a"), piece("b"), last("c"))
      const harness = yield* makeHarness(application)
      const transport = yield* converse(harness, head("GET", "1.0", "Connection: keep-alive"))
      assert.match(transport.text, /\r\n\r\nabc$/)
      assert.notInclude(transport.text, "chunked")
      assert.strictEqual(transport.ending, "ended")
      yield* finish(harness, transport)
    })
  )

  it.effect("nothing is answered behind a Connection: close of either side", () =>
    Effect.gen(function* () {
      const closing = recorded<unknown>((_, __, send) => respond(send, "x", [["connection", "close"]]))
      for (const [app, request] of [
        [recorded(hello), get("Connection: close")],
        [closing, get()]
      ] as const) {
        const harness = yield* makeHarness(app.application)
        const transport = yield* converse(harness, request + request)
        assert.deepStrictEqual(statuses(transport.text), [200])
        assert.include(transport.text, "connection: close\r\n")
        assert.strictEqual(app.scopes.length, 1)
        assert.strictEqual(transport.ending, "ended")
        yield* finish(harness, transport)
      }
    })
  )
})

describe("a response sent before the body was read", () => {
  it.effect("the rest of a short body is skipped, and the connection goes on behind it", () =>
    Effect.gen(function* () {
      for (const request of [
        post("Content-Length: 37") + get() + "0123456789",
        chunked(`1b\r\n${get()}\r\n0\r\n\r\n`)
      ]) {
        const { application, scopes } = recorded(hello)
        const harness = yield* makeHarness(application)
        const transport = harness.connect()
        const cut = request.indexOf("\r\n\r\n") + 14
        transport.push(request.slice(0, cut))
        yield* turn
        assert.deepStrictEqual(statuses(transport.text), [200])
        transport.push(request.slice(cut))
        assert.strictEqual(scopes.length, 1, "body bytes are not taken for a request")
        transport.push(lines("GET /next HTTP/1.1", "Host: a"))
        yield* turn
        assert.match(transport.text, /hello \/next$/)
        assert.strictEqual(scopes.length, 2)
        yield* finish(harness, transport)
      }
    })
  )

  it.effect("a long body is skipped, and the connection is used again", () =>
    Effect.gen(function* () {
      for (const isChunked of [false, true]) {
        const { application, scopes } = recorded(hello)
        const harness = yield* makeHarness(application)
        const piece = "x".repeat(50_000)
        const transport = yield* converse(harness, isChunked ? chunked("") : post("Content-Length: 1000000"))
        assert.notInclude(transport.text, "connection: close")
        for (let sent = 0; sent < 20; sent++) transport.push(isChunked ? `c350\r\n${piece}\r\n` : piece)
        if (isChunked) transport.push("0\r\n\r\n")
        assert.strictEqual(scopes.length, 1, "body bytes are not taken for a request")
        assert.strictEqual(transport.ending, "open")
        transport.push(get())
        yield* turn
        assert.deepStrictEqual(statuses(transport.text), [200, 200])
        yield* finish(harness, transport)
      }
    })
  )

  it.effect("a chunked body that nobody reads may be larger than maxBodySize", () =>
    Effect.gen(function* () {
      const harness = yield* makeHarness(recorded(hello).application, { options: { maxBodySize: 100 } })
      const transport = yield* converse(harness, chunked(""))
      for (let sent = 0; sent < 20; sent++) transport.push(`3e8\r\n${"x".repeat(1000)}\r\n`)
      transport.push(`0\r\n\r\n${get()}`)
      yield* turn
      assert.deepStrictEqual(statuses(transport.text), [200, 200])
      yield* finish(harness, transport)
    })
  )

  it.effect("an upload that was held back is taken in and discarded, so that no reset destroys the response", () =>
    Effect.gen(function* () {
      for (const close of [[], ["Connection: close"]]) {
        const mayAnswer = Latch.makeUnsafe()
        const { application } = recorded<unknown>((_, __, send) => Effect.andThen(mayAnswer.await, respond(send, "no")))
        const harness = yield* makeHarness(application)
        const transport = yield* converse(harness, post("Content-Length: 500000", ...close))
        for (let sent = 0; sent < 20; sent++) transport.push("x".repeat(20_000))
        assert.isTrue(transport.isPaused)
        mayAnswer.openUnsafe()
        yield* turn
        assert.match(transport.text, /\r\n\r\nno$/)
        assert.strictEqual(transport.text.includes("connection: close"), close.length > 0)
        assert.strictEqual(transport.ending, close.length > 0 ? "ended" : "open")
        assert.strictEqual(transport.unreadLength, 0)
        yield* finish(harness, transport)
      }
    })
  )

  it.effect("a body that is refused for its size is read while it comes; what follows it is not a request", () =>
    Effect.gen(function* () {
      const { application, scopes } = recorded(hello)
      const harness = yield* makeHarness(application, { options: { maxBodySize: 1000 } })
      const transport = yield* converse(harness, post("Content-Length: 5000000"))
      assert.match(transport.text, /^HTTP\/1\.1 413 [^]*connection: close\r\n/)
      assert.strictEqual(transport.ending, "ended")
      for (let sent = 0; sent < 50; sent++) transport.push("x".repeat(100_000))
      transport.push(get())
      assert.strictEqual(transport.unreadLength, 0, "input is discarded, not left in the socket")
      assert.strictEqual(transport.ending, "ended")
      assert.strictEqual(scopes.length, 0)
      assert.strictEqual(harness.server.registry.size, 1)
      yield* finish(harness, transport)
    })
  )

  it.effect("a client that does not read its answer is not read without end either", () =>
    Effect.gen(function* () {
      for (const request of [post("Content-Length: 10000000"), post("Content-Length: 10000000", "Connection: close")]) {
        const { application } = recorded<unknown>((_, __, send) => respond(send, "x".repeat(1000)))
        const harness = yield* makeHarness(application)
        const transport = harness.connect({ capacity: 100 })
        transport.push(request)
        for (let second = 0; second < 30; second++) {
          assert.isFalse(transport.isPaused)
          yield* TestClock.adjust("1 second")
          transport.push("x")
        }
        assert.isTrue(transport.isPaused)
        let text = ""
        for (let reads = 0; reads < 20; reads++) text += transport.read()
        assert.isTrue(text.endsWith("x".repeat(1000)))
        assert.isFalse(transport.isPaused, "from now on only the rest of the body is waited for")
        yield* finish(harness, transport)
      }
    })
  )
})

describe("the end of a connection", () => {
  it.effect("a client that wanted it with its request and gets a short answer is not lingered for", () =>
    Effect.gen(function* () {
      const harness = yield* makeHarness(recorded(hello).application)
      const transport = yield* converse(harness, get("Connection: close"))
      assert.strictEqual(transport.ending, "closed")
      assert.deepStrictEqual(statuses(transport.text), [200])
      yield* finish(harness)
    })
  )

  for (const [name, request, size, secure] of [
    ["a long answer may not have arrived", get("Connection: close"), 5000, false],
    ["nor one before it", get() + get("Connection: close"), 600, false],
    ["HTTP/1.0 says the same", "GET / HTTP/1.0\r\n\r\n", 5000, false],
    ["behind a body comes an empty line", `${post("Connection: close", "Content-Length: 3")}abc`, 10, false],
    ["over TLS comes a notice", get("Connection: close"), 10, true]
  ] as const) {
    it.effect(`a client that wanted it is lingered for where bytes may come: ${name}`, () =>
      Effect.gen(function* () {
        const { application } = recorded<unknown>((_, receive, send) =>
          Effect.andThen(readBody(receive), respond(send, "x".repeat(size)))
        )
        const harness = yield* makeHarness(application)
        const transport = harness.connect({ secure })
        transport.push(request)
        yield* turn
        assert.strictEqual(transport.ending, "ended")
        transport.push("\r\n")
        yield* turn
        assert.strictEqual(transport.ending, "ended")
        assert.isTrue(transport.text.endsWith("x".repeat(size)))
        yield* finish(harness, transport)
      })
    )
  }

  it.effect("a client that sends more than it said is lingered for, so that it gets its response", () =>
    Effect.gen(function* () {
      const harness = yield* makeHarness(recorded(hello).application)
      const transport = yield* converse(harness, get("Connection: close") + get())
      assert.strictEqual(transport.ending, "ended")
      assert.deepStrictEqual(statuses(transport.text), [200])
      yield* finish(harness, transport)
    })
  )
})

describe("expectations", () => {
  it.effect("no 100 Continue without reading; the connection closes, because the body may or may not come", () =>
    Effect.gen(function* () {
      const harness = yield* makeHarness(recorded(hello).application)
      const transport = yield* converse(harness, post("Content-Length: 6", "Expect: 100-continue"))
      assert.deepStrictEqual(statuses(transport.text), [200])
      assert.include(transport.text, "connection: close")
      assert.strictEqual(transport.ending, "ended")
      yield* finish(harness, transport)
    })
  )

  it.effect("no 100 Continue when the body has begun, nor for HTTP/1.0", () =>
    Effect.gen(function* () {
      const harness = yield* makeHarness(recorded(echo).application)
      const expecting = ["Content-Length: 3", "Expect: 100-continue"]
      const begun = yield* converse(harness, post(...expecting) + "a")
      begun.push("bc")
      const old = yield* converse(harness, head("POST", "1.0", ...expecting))
      old.push("abc")
      yield* turn
      assert.deepStrictEqual(statuses(begun.text), [200])
      assert.deepStrictEqual(statuses(old.text), [200])
      yield* finish(harness, begun, old)
    })
  )
})
