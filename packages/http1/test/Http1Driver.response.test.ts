import { assert, describe, it } from "@effect/vitest"
import type { HttpSendEvent } from "@pagi/core/Event"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
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
  start,
  type Send
} from "@pagi/core/test/drivers/support/Applications"
import { readResponse } from "./support/ClientConnection.ts"
import { converse, finish, makeHarness, statuses, turn } from "./support/DriverHarness.ts"
import { chunked, get, lines, post } from "./support/Machine.ts"

/** An application that sends these events, whatever becomes of each. */
const sending = (...events: ReadonlyArray<HttpSendEvent>) => {
  const failures: Array<string> = []
  const app = recorded<unknown>((_, __, send: Send) =>
    Effect.forEach(events, (event) =>
      Effect.catch(send(event), (error) => Effect.sync(() => failures.push(error.message)))
    )
  )
  return { ...app, failures }
}

const head = (method: string, version: "1.0" | "1.1", ...fields: ReadonlyArray<string>): string =>
  lines(`${method} / HTTP/${version}`, "Host: a", ...fields)

describe("responses", () => {
  for (const [name, events] of [
    ["a final response", [start(200, [["x", "a\r\nSet-Cookie: b"]]), start()]],
    ["a name", [start(200, [["x\r\ny", "a"]]), start()]],
    [
      "an informational response",
      [{ type: "http.response.informational", status: 103, headers: [["link", "a\nb"]] }, start()]
    ]
  ] as const) {
    it.effect(`names and values are validated (response splitting): ${name}`, () =>
      Effect.gen(function* () {
        const { application, failures } = sending(...events, last("ok"))
        const harness = yield* makeHarness(application)
        const transport = yield* converse(harness, get())
        assert.strictEqual(failures.length, 1)
        assert.deepStrictEqual(statuses(transport.text), [200])
        assert.notInclude(transport.text, "Set-Cookie")
        yield* finish(harness, transport)
      })
    )
  }

  it.effect("names and values of trailers are validated (response splitting)", () =>
    Effect.gen(function* () {
      const { application, failures } = sending(
        { type: "http.response.start", status: 200, trailers: true },
        last("ok"),
        { type: "http.response.trailers", headers: [["x", "a\r\n\r\nHTTP/1.1 200 OK"]] },
        { type: "http.response.trailers", headers: [["x", "fine"]] }
      )
      const harness = yield* makeHarness(application)
      const transport = yield* converse(harness, get())
      assert.strictEqual(failures.length, 1)
      const [response] = readResponse(transport.text, { method: "GET", httpVersion: "1.1", keepAlive: true }, false)
      assert.deepStrictEqual(response.trailers, [["x", "fine"]])
      yield* finish(harness, transport)
    })
  )

  for (const [name, body] of [
    ["longer", "123456"],
    ["shorter", "1234"]
  ] as const) {
    it.effect(`a body ${name} than the declared Content-Length fails the send, closes, and is logged`, () =>
      Effect.gen(function* () {
        const { application, failures } = sending(
          start(200, [["content-length", "5"]]),
          piece("12"),
          last(body.slice(2))
        )
        const harness = yield* makeHarness(application)
        const transport = yield* converse(harness, get() + get())
        assert.strictEqual(failures.length, 1)
        assert.match(failures[0] ?? "", /content-length/)
        assert.match(transport.text, /\r\n\r\n12$/)
        assert.strictEqual(transport.ending, "closed")
        assert.strictEqual(harness.errors.length, 1)
        yield* finish(harness)
      })
    )
  }

  for (const { method, status, lengths } of [
    { method: "HEAD", status: 200, lengths: ["2"] },
    { method: "GET", status: 204, lengths: [] },
    { method: "GET", status: 304, lengths: [] }
  ]) {
    it.effect(`no body with ${method} ${status}, and the connection goes on`, () =>
      Effect.gen(function* () {
        const { application } = sending(start(status), last("ok"))
        const harness = yield* makeHarness(application)
        const transport = yield* converse(harness, head(method, "1.1") + head(method, "1.1"))
        assert.deepStrictEqual(statuses(transport.text), [status, status])
        const [first, rest] = readResponse(transport.text, { method, httpVersion: "1.1", keepAlive: true }, false)
        const [, left] = readResponse(rest, { method, httpVersion: "1.1", keepAlive: true }, false)
        assert.deepStrictEqual(
          first.headers.filter(([name]) => name === "content-length").map(([, value]) => value),
          lengths
        )
        assert.strictEqual(left, "")
        assert.strictEqual(transport.ending, "open")
        yield* finish(harness, transport)
      })
    )
  }

  it.effect("the server's own answer to HEAD has no body", () =>
    Effect.gen(function* () {
      const { application } = recorded<string>(() => Effect.fail("broken"))
      const harness = yield* makeHarness(application)
      const transport = yield* converse(harness, head("HEAD", "1.1"))
      assert.match(transport.text, /^HTTP\/1\.1 500 [^]*\r\n\r\n$/)
      assert.strictEqual(transport.text.indexOf("\r\n\r\n"), transport.text.length - 4)
      yield* finish(harness, transport)
    })
  )

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
  it.effect("100 Continue is sent also when the application starts its response before it reads", () =>
    Effect.gen(function* () {
      const { application } = recorded<unknown>((_, receive, send) =>
        Effect.gen(function* () {
          yield* send(start())
          yield* send(last((yield* readBody(receive)) ?? "nothing"))
        })
      )
      const harness = yield* makeHarness(application)
      const transport = yield* converse(harness, post("Content-Length: 3", "Expect: 100-continue"))
      assert.isTrue(transport.text.startsWith("HTTP/1.1 100 Continue\r\n\r\n"))
      transport.push("abc")
      yield* turn
      assert.deepStrictEqual(statuses(transport.text), [100, 200])
      assert.notMatch(transport.text, /connection: close/)
      yield* finish(harness, transport)
    })
  )

  it.effect("100 Continue is sent when the application first reads the body, and once", () =>
    Effect.gen(function* () {
      const harness = yield* makeHarness(recorded(echo).application)
      const transport = yield* converse(harness, post("Content-Length: 6", "Expect: 100-continue"))
      assert.strictEqual(transport.text, "HTTP/1.1 100 Continue\r\n\r\n")
      transport.push("abc")
      transport.push("def")
      yield* turn
      assert.deepStrictEqual(statuses(transport.text), [100, 200])
      assert.match(transport.text, /POST \/ abcdef$/)
      yield* finish(harness, transport)
    })
  )

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

describe("the order of events", () => {
  it.effect("fullflush is refused unless advertised", () =>
    Effect.gen(function* () {
      const { application, failures } = sending({ type: "http.fullflush" }, start(), last("ok"))
      const harness = yield* makeHarness(application, { options: { extensions: {} } })
      const transport = yield* converse(harness, get())
      assert.strictEqual(failures.length, 1)
      assert.match(failures[0] ?? "", /fullflush/)
      assert.deepStrictEqual(statuses(transport.text), [200])
      yield* finish(harness, transport)
    })
  )

  it.effect("a send that fails leaves the exchange as it was", () =>
    Effect.gen(function* () {
      const { application, failures } = sending(last("early"), start(), start(), last("ok"), last("late"))
      const harness = yield* makeHarness(application)
      const transport = yield* converse(harness, get())
      assert.strictEqual(failures.length, 3)
      assert.match(transport.text, /content-length: 2\r\n[^]*\r\n\r\nok$/)
      assert.deepStrictEqual(harness.errors, [])
      assert.isTrue(Exit.isSuccess(yield* Effect.exit(finish(harness, transport))))
    })
  )
})
