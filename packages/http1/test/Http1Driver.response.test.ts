import { assert, describe, it } from "@effect/vitest"
import type { HttpSendEvent } from "@pagi/core/Event"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Latch from "effect/Latch"
import {
  closing,
  echo,
  hello,
  last,
  piece,
  readBody,
  recorded,
  respond,
  start,
  type Send
} from "./support/Applications.ts"
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

  it.effect("a long body is not read: the response announces the close, and our side lingers", () =>
    Effect.gen(function* () {
      const { application, scopes } = recorded(hello)
      const harness = yield* makeHarness(application)
      const transport = yield* converse(harness, post("Content-Length: 1000000") + "abc")
      assert.include(transport.text, "connection: close")
      assert.strictEqual(transport.ending, "ended")
      for (let sent = 0; sent < 10; sent++) transport.push(get().repeat(100))
      assert.strictEqual(transport.unreadLength, 0, "input is discarded, not left in the socket")
      assert.strictEqual(scopes.length, 1)
      assert.strictEqual(harness.server.registry.size, 1)
      yield* finish(harness, transport)
    })
  )

  it.effect("an upload that was held back is taken in and discarded, so that no reset destroys the response", () =>
    Effect.gen(function* () {
      const mayAnswer = Latch.makeUnsafe()
      const { application } = recorded<unknown>((_, __, send) => Effect.andThen(mayAnswer.await, respond(send, "no")))
      const harness = yield* makeHarness(application)
      const transport = yield* converse(harness, post("Content-Length: 400000"))
      for (let sent = 0; sent < 20; sent++) transport.push("x".repeat(20_000))
      assert.isTrue(transport.isPaused)
      mayAnswer.openUnsafe()
      yield* turn
      assert.match(transport.text, /connection: close\r\n[^]*\r\n\r\nno$/)
      assert.strictEqual(transport.ending, "ended")
      assert.strictEqual(transport.unreadLength, 0)
      yield* finish(harness, transport)
    })
  )

  it.effect("a chunked body that turns out to be long ends the connection", () =>
    Effect.gen(function* () {
      const harness = yield* makeHarness(recorded(hello).application)
      const transport = yield* converse(harness, chunked(""))
      assert.strictEqual(transport.ending, "open")
      const chunk = `4000\r\n${"x".repeat(0x4000)}\r\n`
      for (let sent = 0; sent < 5; sent++) transport.push(chunk)
      assert.strictEqual(transport.ending, "ended")
      transport.push(`0\r\n\r\n${get()}`)
      yield* turn
      assert.deepStrictEqual(statuses(transport.text), [200])
      yield* finish(harness, transport)
    })
  )

  it.effect("while lingering, no more than a bounded amount is discarded", () =>
    Effect.gen(function* () {
      const harness = yield* makeHarness(recorded(closing).application)
      const transport = yield* converse(harness, get())
      const bytes = "x".repeat(262_144)
      for (let sent = 0; sent < 4; sent++) transport.push(bytes)
      assert.strictEqual(transport.ending, "ended")
      transport.push("x")
      assert.strictEqual(transport.ending, "destroyed")
      yield* finish(harness)
    })
  )
})

describe("the end of a connection", () => {
  it.effect("a client that wanted it with its request is not lingered for", () =>
    Effect.gen(function* () {
      const harness = yield* makeHarness(recorded(hello).application)
      const transport = yield* converse(harness, get("Connection: close"))
      assert.strictEqual(transport.ending, "closed")
      assert.deepStrictEqual(statuses(transport.text), [200])
      yield* finish(harness)
    })
  )

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
