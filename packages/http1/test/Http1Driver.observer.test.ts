import { assert, describe, it } from "@effect/vitest"
import type { Application } from "@pagi/core/PagiApp"
import type { Input } from "@pagi/core/ServerOptions"
import type { MemoryTransport } from "@pagi/core/testing/MemoryTransport"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import { piece, readBody, recorded, respond, start } from "@pagi/core/test/drivers/support/Applications"
import { converse, finish, type Harness, makeHarness, turn } from "./support/DriverHarness.ts"
import { event, getStream, watching } from "./support/EventStreams.ts"
import { accepting, chatting, fakeWebSocket, handshake } from "./support/FakeWebSocket.ts"
import { lines } from "./support/Machine.ts"

const options: Input = {
  bodyTimeout: "2 seconds",
  disconnectGrace: "1 second",
  headersTimeout: "1 second",
  maxBodySize: 5,
  maxHeaderCount: 5,
  maxHeaderSize: 200,
  requestTimeout: "3 seconds",
  sseIdleTimeout: "4 seconds",
  timeout: "5 seconds",
  writeTimeout: "6 seconds"
}

const to = (path: string, ...fields: ReadonlyArray<string>) => lines(`GET ${path} HTTP/1.1`, "Host: a", ...fields)
const chunks = (path: string) => lines(`POST ${path} HTTP/1.1`, "Host: a", "Transfer-Encoding: chunked")

/** Ends in the way that the path names. */
const { application } = recorded<unknown>((scope, receive, send) => {
  switch (scope.path) {
    case "/fail":
      return Effect.fail("broken")
    case "/never":
      return Effect.never
    case "/part":
      return Effect.andThen(Effect.andThen(send(start()), send(piece("part"))), Effect.never)
    case "/read":
      return Effect.andThen(readBody(receive), respond(send, "read"))
    default:
      return respond(send, "ok")
  }
})

/** What observers are told while `act` goes on; at the end the connection breaks and time passes. */
const eventsOf = (
  act: (harness: Harness) => Effect.Effect<MemoryTransport | void>,
  app: Application<unknown> = application,
  custom: Parameters<typeof makeHarness>[1] = {}
) =>
  Effect.gen(function* () {
    const harness = yield* makeHarness(app, { ...custom, options: { ...options, ...custom.options } })
    const transport = yield* act(harness)
    transport?.fail()
    yield* TestClock.adjust("10 seconds")
    yield* turn
    yield* finish(harness)
    return harness.events
  }).pipe(Effect.scoped)

const sending = (bytes: string) => (harness: Harness) => converse(harness, bytes)

describe("an observer is told, in order and once, of", () => {
  it.effect("connections, exchanges and applications", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* eventsOf(sending("")), ["opened", "closed"])
      assert.deepStrictEqual(yield* eventsOf(sending(to("/?a") + to("/fail"))), [
        "opened",
        "started GET /?a",
        "application",
        "ended GET /?a 200 complete",
        "started GET /fail",
        "application",
        "ended GET /fail 500 server_error",
        "closed"
      ])
    })
  )

  const noHead: ReadonlyArray<readonly [bytes: string, problem: string, status: number]> = [
    [lines("GET / HTTP/1.1"), "error missing-host", 400],
    [lines("GET / HTTP/3.0"), "error unsupported-version", 505],
    [to("/", "Expect: wonders"), "error unknown-expectation", 417],
    [to(`/${"a".repeat(300)}`), "limit maxHeaderSize", 414],
    [to("/", `X: ${"a".repeat(300)}`), "limit maxHeaderSize", 431],
    [to("/", ..."abcdef".split("").map((name) => `${name}: 1`)), "limit maxHeaderCount", 431],
    [to("/", "Content-Length: 6"), "limit maxBodySize", 413]
  ]
  for (const [bytes, problem, status] of noHead) {
    it.effect(`what is no request that could be served: ${problem}, ${status}`, () =>
      Effect.gen(function* () {
        assert.deepStrictEqual(yield* eventsOf(sending(bytes)), [
          "opened",
          problem,
          "started -",
          `ended - ${status} protocol_error`,
          "closed"
        ])
      })
    )
  }

  const bodies: ReadonlyArray<readonly [piece: string, problem: string, end: string]> = [
    ["zz\r\n", "error malformed-chunk", "400 protocol_error"],
    ["6\r\nabcdef\r\n", "limit maxBodySize", "413 body_too_large"]
  ]
  for (const [piece, problem, end] of bodies) {
    it.effect(`what is wrong with a body: ${problem}`, () =>
      Effect.gen(function* () {
        assert.deepStrictEqual(yield* eventsOf(sending(chunks("/read") + piece)), [
          "opened",
          "started POST /read",
          "application",
          problem,
          `ended POST /read ${end}`,
          "closed"
        ])
      })
    )
  }

  it.effect("what is wrong with a body that is skipped", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* eventsOf(sending(`${chunks("/")}zz\r\n`)), [
        "opened",
        "started POST /",
        "application",
        "ended POST / 200 complete",
        "error malformed-chunk",
        "closed"
      ])
    })
  )

  const times: ReadonlyArray<readonly [what: string, bytes: string, events: ReadonlyArray<string>]> = [
    ["for a head", "GET / HT", ["limit headersTimeout", "started -", "ended - 408 client_timeout"]],
    [
      "for a body",
      chunks("/read"),
      ["started POST /read", "application", "limit bodyTimeout", "ended POST /read 408 client_timeout"]
    ],
    [
      "without a byte",
      to("/part"),
      ["started GET /part", "application", "limit requestTimeout", "ended GET /part 200 client_timeout"]
    ],
    ["between requests, which is no limit", to("/"), ["started GET /", "application", "ended GET / 200 complete"]]
  ]
  for (const [what, bytes, events] of times) {
    it.effect(`time limits: ${what}`, () =>
      Effect.gen(function* () {
        const act = (harness: Harness) =>
          Effect.gen(function* () {
            yield* converse(harness, bytes)
            yield* TestClock.adjust("20 seconds")
            yield* turn
          })
        assert.deepStrictEqual(yield* eventsOf(act), ["opened", ...events, "closed"])
      })
    )
  }

  it.effect("a peer that does not read", () =>
    Effect.gen(function* () {
      const big = recorded<unknown>((_, __, send) => respond(send, "x".repeat(1000)))
      const act = (harness: Harness) =>
        Effect.gen(function* () {
          const transport = harness.connect({ capacity: 100 })
          transport.push(to("/"))
          yield* TestClock.adjust("20 seconds")
        })
      assert.deepStrictEqual(yield* eventsOf(act, big.application), [
        "opened",
        "started GET /",
        "application",
        "ended GET / 200 complete",
        "limit writeTimeout",
        "closed"
      ])
    })
  )

  it.effect("event streams, and their end when they are silent", () =>
    Effect.gen(function* () {
      const streams = watching(event("a"))
      const act = (harness: Harness) =>
        Effect.gen(function* () {
          const transport = yield* converse(harness, getStream())
          yield* TestClock.adjust("5 seconds")
          return transport
        })
      assert.deepStrictEqual(yield* eventsOf(act, streams.application), [
        "opened",
        "started GET /",
        "application",
        "limit sseIdleTimeout",
        "ended GET / 200 idle_timeout",
        "closed"
      ])
    })
  )

  it.effect("peers that leave: the connection is closed when its application has ended", () =>
    Effect.gen(function* () {
      const harness = yield* makeHarness(application, { options })
      const transport = yield* converse(harness, to("/never"))
      transport.fail()
      yield* turn
      const before = ["opened", "started GET /never", "application", "ended GET /never 499 client_closed"]
      assert.deepStrictEqual(harness.events, before)
      yield* TestClock.adjust("2 seconds")
      yield* turn
      assert.deepStrictEqual(harness.events, [...before, "closed"])
      yield* finish(harness)
    })
  )

  it.effect("a server that stops", () =>
    Effect.gen(function* () {
      const act = (harness: Harness) =>
        Effect.gen(function* () {
          yield* converse(harness, to("/never"))
          harness.server.registry.abort("server_shutdown")
        })
      assert.deepStrictEqual(yield* eventsOf(act), [
        "opened",
        "started GET /never",
        "application",
        "ended GET /never 499 server_shutdown",
        "closed"
      ])
    })
  )

  it.effect("a session, which is the same connection and exchange, and a handshake that is refused", () =>
    Effect.gen(function* () {
      const { application } = chatting(accepting)
      const webSocket = fakeWebSocket().make
      const act = (harness: Harness) => Effect.map(converse(harness, handshake()), (transport) => transport.pushEnd())
      assert.deepStrictEqual(yield* eventsOf(act, application, { webSocket }), [
        "opened",
        "started GET /",
        "application",
        "ended GET / 101 complete",
        "closed"
      ])
      assert.deepStrictEqual(yield* eventsOf(sending(handshake("X-Refuse: 1")), application, { webSocket }), [
        "opened",
        "started GET /",
        "error request-refused",
        "ended GET / 426 protocol_error",
        "closed"
      ])
    })
  )
})
