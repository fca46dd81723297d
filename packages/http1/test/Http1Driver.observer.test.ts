import { assert, describe, it } from "@effect/vitest"
import type { Application } from "@pagi/core/PagiApp"
import type { Input } from "@pagi/core/ServerOptions"
import type { MemoryTransport } from "@pagi/core/testing/MemoryTransport"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import { readBody, recorded, respond } from "@pagi/core/test/drivers/support/Applications"
import { converse, finish, type Harness, makeHarness, turn } from "./support/DriverHarness.ts"
import { accepting, chatting, fakeSessions } from "@pagi/core/test/drivers/support/FakeWebSocket"
import { handshake, lines } from "./support/Machine.ts"

const options: Input = {
  disconnectGrace: "1 second",
  headersTimeout: "1 second",
  maxBodySize: 5,
  maxHeaderCount: 5,
  maxHeaderSize: 200
}

const to = (path: string, ...fields: ReadonlyArray<string>) => lines(`GET ${path} HTTP/1.1`, "Host: a", ...fields)
const chunks = (path: string) => lines(`POST ${path} HTTP/1.1`, "Host: a", "Transfer-Encoding: chunked")

/** Reads what it is sent to `/read`. */
const { application } = recorded<unknown>((scope, receive, send) =>
  scope.path === "/read" ? Effect.andThen(readBody(receive), respond(send, "read")) : respond(send, "ok")
)

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
          `closed http/1.1 ${problem.startsWith("limit") ? "limit" : "protocol_error"}`
        ])
      })
    )
  }

  it.effect("what is wrong with a body", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* eventsOf(sending(`${chunks("/read")}zz\r\n`)), [
        "opened",
        "started POST /read",
        "application",
        "error malformed-chunk",
        "ended POST /read 400 protocol_error",
        "closed http/1.1 protocol_error"
      ])
    })
  )

  it.effect("what is wrong with a body that is skipped", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* eventsOf(sending(`${chunks("/")}zz\r\n`)), [
        "opened",
        "started POST /",
        "application",
        "ended POST / 200 complete",
        "error malformed-chunk",
        "closed http/1.1 protocol_error"
      ])
    })
  )

  it.effect("the time for a head", () =>
    Effect.gen(function* () {
      const act = (harness: Harness) =>
        Effect.gen(function* () {
          yield* converse(harness, "GET / HT")
          yield* TestClock.adjust("20 seconds")
        })
      assert.deepStrictEqual(yield* eventsOf(act), [
        "opened",
        "limit headersTimeout",
        "started -",
        "ended - 408 client_timeout",
        "closed http/1.1 limit"
      ])
    })
  )

  it.effect("a session, which is the same connection and exchange", () =>
    Effect.gen(function* () {
      const { application } = chatting(accepting)
      const webSocket = fakeSessions().make
      const act = (harness: Harness) => Effect.map(converse(harness, handshake()), (transport) => transport.pushEnd())
      assert.deepStrictEqual(yield* eventsOf(act, application, { webSocket }), [
        "opened",
        "started GET /",
        "application",
        "ended GET / 101 complete",
        "closed websocket complete"
      ])
    })
  )

  it.effect("how long requests have waited that came behind others", () =>
    Effect.gen(function* () {
      const slow = recorded<unknown>((_, __, send) => Effect.andThen(Effect.sleep("500 millis"), respond(send, "ok")))
      const harness = yield* makeHarness(slow.application)
      const transport = yield* converse(harness, to("/1") + to("/2"))
      yield* TestClock.adjust("300 millis")
      transport.push(to("/3"))
      yield* TestClock.adjust("2 seconds")
      yield* turn
      assert.deepStrictEqual(
        harness.log.map(({ duration, queueTime }) => [queueTime, duration]),
        [
          [0, 500],
          // Counted from when something came last.
          [200, 500],
          [700, 500]
        ]
      )
      transport.fail()
      yield* finish(harness)
    })
  )
})
