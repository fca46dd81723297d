import { assert, describe, it } from "@effect/vitest"
import type { ExchangeRecord } from "@pagi/core/observe/Observer"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import { CANCEL } from "../../src/protocol/wire/ErrorCode.ts"
import { last, piece, readBody, recorded, respond, start } from "@pagi/core/test/drivers/support/Applications"
import { finish, type Harness, makeHarness, turn } from "./support/DriverHarness.ts"
import type { RequestOptions } from "./support/Peer.ts"

/** What the tests look at of each record. */
const summaries = ({ log }: Harness): ReadonlyArray<string> =>
  log.map(
    ({ bytes, outcome, request, status }: ExchangeRecord) =>
      `${request === undefined ? "-" : `${request.method} ${request.target} ${request.httpVersion}`} ${status} ${bytes} ${outcome}`
  )

/** Ends in the way that the path names. */
const { application } = recorded<unknown>((scope, receive, send) => {
  switch (scope.path) {
    case "/fail":
      return Effect.fail("broken")
    case "/never":
      return Effect.never
    case "/read":
      return Effect.andThen(readBody(receive), respond(send, "read"))
    case "/started":
      return Effect.andThen(send(start(201)), Effect.never)
    case "/hints":
      return Effect.andThen(send({ type: "http.response.informational", status: 103 }), Effect.never)
    case "/part":
      return Effect.andThen(Effect.andThen(send(start(201)), send(piece("part"))), Effect.never)
    case "/part-and-read":
      return Effect.all([send(start(201)), send(piece("part")), readBody(receive), send(last())])
    case "/breaks":
      return Effect.andThen(
        Effect.andThen(send(start(201)), send(piece("part"))),
        Effect.andThen(Effect.yieldNow, Effect.fail("broken"))
      )
    case "/pieces":
      return Effect.all([send(start()), send(piece("a".repeat(1000))), send(piece("é")), send(last("b"))])
    case "/too-long":
      return Effect.all([send(start(200, [["content-length", "1"]])), send(last("two"))])
    case "/too-long-late":
      return Effect.all([send(start(200, [["content-length", "1"]])), send(piece("t")), send(last("wo"))])
    case "/empty":
      return Effect.all([send(start(204)), send(last())])
    case "/big":
      return Effect.all([send(start()), send(piece("x".repeat(200_000))), send(last())])
    default:
      return respond(send, "ok", [["X-Answer", "yes"]])
  }
})

/** The records of these requests, each of which has no content or none that comes. */
const logOf = (
  requests: ReadonlyArray<RequestOptions>,
  after: (harness: Harness, peer: ReturnType<Harness["connect"]>, ids: ReadonlyArray<number>) => Effect.Effect<void>
) =>
  Effect.gen(function* () {
    const harness = yield* makeHarness(application, {
      options: { maxBodySize: 5, requestTimeout: "11 seconds", writeTimeout: "20 seconds" }
    })
    const peer = harness.connect()
    const ids = requests.map((request) => peer.request(request))
    yield* turn
    yield* after(harness, peer, ids)
    yield* turn
    const found = summaries(harness)
    peer.transport.fail()
    yield* TestClock.adjust("6 seconds")
    yield* turn
    yield* finish(harness)
    assert.deepStrictEqual(summaries(harness).slice(0, found.length), found)
    return found
  }).pipe(Effect.scoped)

const nothing = () => Effect.void
const paths = (...list: ReadonlyArray<string>): ReadonlyArray<RequestOptions> => list.map((path) => ({ path }))

describe("the access log has a record for", () => {
  it.effect("responses, with the bytes of their content", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(
        yield* logOf(
          [...paths("/", "/pieces", "/empty"), { method: "HEAD", path: "/pieces" }, { path: "/?a=%20" }],
          nothing
        ),
        [
          "GET / 2 200 2 complete",
          "GET /pieces 2 200 1003 complete",
          "GET /empty 2 204 0 complete",
          "HEAD /pieces 2 200 0 complete",
          "GET /?a=%20 2 200 2 complete"
        ]
      )
    })
  )

  it.effect("the server's own answers and resets", () =>
    Effect.gen(function* () {
      const answer = "internal server error\n".length
      assert.deepStrictEqual(
        yield* logOf(
          [...paths("/fail", "/too-long", "/too-long-late", "/breaks"), { method: "HEAD", path: "/fail" }],
          nothing
        ),
        [
          `GET /fail 2 500 ${answer} server_error`,
          `GET /too-long 2 500 ${answer} server_error`,
          "GET /too-long-late 2 200 1 server_error",
          "HEAD /fail 2 500 0 server_error",
          "GET /breaks 2 201 4 server_error"
        ]
      )
    })
  )

  it.effect("requests that are refused", () =>
    Effect.gen(function* () {
      const found = yield* logOf(
        [
          { path: "/%00" },
          { fields: [["expect", "wonders"]] },
          { fields: [["x", "y".repeat(70_000)]] },
          { method: "POST", path: "/read", more: true, fields: [["content-length", "6"]] },
          { method: "POST", path: "/read", more: true },
          { method: "POST", path: "/part-and-read", more: true }
        ],
        (_, peer, ids) => Effect.sync(() => ids.slice(4).forEach((id) => peer.data(id, "123456")))
      )
      assert.deepStrictEqual(
        found.map((line) => line.replace(/ [0-9]+ ([a-z_]+)$/, " $1")),
        [
          "- 400 protocol_error",
          "- 417 protocol_error",
          "- 431 protocol_error",
          "POST /read 2 413 body_too_large",
          "POST /read 2 413 body_too_large",
          "POST /part-and-read 2 201 body_too_large"
        ]
      )
    })
  )

  it.effect("requests that are malformed, before an application runs and afterwards", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(
        yield* logOf(
          [
            { fields: [["Upper", "x"]] },
            { method: "POST", path: "/part-and-read", more: true, fields: [["content-length", "3"]] }
          ],
          (_, peer, ids) => Effect.sync(() => peer.end(ids[1] ?? 0))
        ),
        ["- 499 0 protocol_error", "POST /part-and-read 2 201 4 protocol_error"]
      )
    })
  )

  it.effect("peers that reset, with what they had got by then", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(
        yield* logOf(paths("/never", "/started", "/hints", "/part"), (_, peer, ids) =>
          Effect.sync(() => ids.forEach((id) => peer.reset(id, CANCEL)))
        ),
        [
          "GET /never 2 499 0 client_closed",
          "GET /started 2 201 0 client_closed",
          "GET /hints 2 499 0 client_closed",
          "GET /part 2 201 4 client_closed"
        ]
      )
    })
  )

  it.effect("peers that leave, break rules, and servers that stop", () =>
    Effect.gen(function* () {
      for (const [outcome, leave] of [
        ["client_closed", (_: Harness, peer: ReturnType<Harness["connect"]>) => peer.transport.pushEnd()],
        ["read_error", (_: Harness, peer: ReturnType<Harness["connect"]>) => peer.transport.fail("read_error")],
        ["protocol_error", (_: Harness, peer: ReturnType<Harness["connect"]>) => peer.frame(0, 0, 0)],
        ["server_shutdown", (harness: Harness) => harness.server.registry.abort("server_shutdown")]
      ] as const) {
        assert.deepStrictEqual(
          yield* logOf(paths("/never", "/part"), (harness, peer) => Effect.sync(() => leave(harness, peer))),
          [`GET /never 2 499 0 ${outcome}`, `GET /part 2 201 4 ${outcome}`]
        )
      }
    })
  )

  it.effect("requests that stall, and peers that keep their windows shut", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* logOf(paths("/never"), () => Effect.asVoid(TestClock.adjust("12 seconds"))), [
        "GET /never 2 499 0 client_timeout"
      ])
      const harness = yield* makeHarness(application, { options: { writeTimeout: "20 seconds" } })
      const peer = harness.connect()
      peer.request({ path: "/big" })
      yield* TestClock.adjust("21 seconds")
      assert.deepStrictEqual(
        harness.log.map(({ outcome, status }) => [status, outcome]),
        [[200, "write_timeout"]]
      )
      yield* finish(harness, peer)
    })
  )

  it.effect("each exchange once, with its times and the application's header fields", () =>
    Effect.gen(function* () {
      const { application } = recorded<unknown>((_, __, send) =>
        Effect.gen(function* () {
          yield* Effect.sleep("2 seconds")
          yield* send(start(200, [["X-A", "b"]]))
          yield* Effect.sleep("3 seconds")
          yield* send(last())
        })
      )
      const harness = yield* makeHarness(application)
      yield* TestClock.adjust("1 second")
      const peer = harness.connect()
      const id = peer.request({ fields: [["referer", "r"]] })
      yield* TestClock.adjust("10 seconds")
      const [record, ...others] = harness.log
      assert.deepStrictEqual(others, [])
      assert.deepStrictEqual(record?.responseHeaders, [["X-A", "b"]])
      assert.deepStrictEqual(record?.request?.headers, [
        ["host", "a"],
        ["referer", "r"]
      ])
      assert.deepStrictEqual([record?.startedAt, record?.firstByte, record?.duration], [1000, 2000, 5000])
      assert.deepStrictEqual(record?.client, ["127.0.0.1", 54321])
      assert.isTrue(peer.response(id).isComplete)
      yield* finish(harness, peer)
      assert.strictEqual(harness.log.length, 1)
    })
  )
})
