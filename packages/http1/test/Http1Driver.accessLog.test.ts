import { assert, describe, it } from "@effect/vitest"
import { compile } from "@pagi/core/observe/accessLog/Format"
import type { ExchangeRecord } from "@pagi/core/observe/Observer"
import type { MemoryTransport } from "@pagi/core/testing/MemoryTransport"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import { hello, last, piece, readBody, recorded, respond, start } from "@pagi/core/test/drivers/support/Applications"
import { converse, finish, type Harness, makeHarness, turn } from "./support/DriverHarness.ts"
import { chunked, get, lines, post } from "./support/Machine.ts"

const { write } = compile('"%r" %s %B', 0)

/** What the tests look at of each line. */
const summaries = ({ log }: Harness): ReadonlyArray<string> =>
  log.map((record: ExchangeRecord) => `${write(record).trimEnd()} ${record.outcome}`)

const to = (path: string, ...fields: ReadonlyArray<string>) => lines(`GET ${path} HTTP/1.1`, "Host: a", ...fields)

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
    case "/part":
      return Effect.andThen(Effect.andThen(send(start(201)), send(piece("part"))), Effect.never)
    case "/breaks":
      return Effect.andThen(Effect.andThen(send(start(201)), send(piece("part"))), Effect.fail("broken"))
    case "/pieces":
      return Effect.all([send(start()), send(piece("a".repeat(1000))), send(piece("é")), send(last("b"))])
    case "/too-long":
      return Effect.all([send(start(200, [["content-length", "1"]])), send(last("two"))])
    case "/empty":
      return Effect.all([send(start(204)), send(last())])
    default:
      return respond(send, "ok", [["X-Answer", "yes"]])
  }
})

describe("the access log has a line for", () => {
  it.effect("responses, with the bytes of their content", () =>
    Effect.gen(function* () {
      const harness = yield* makeHarness(application)
      const transport = yield* converse(
        harness,
        to("/") + to("/pieces") + to("/empty") + lines("HEAD /pieces HTTP/1.1", "Host: a") + lines("GET / HTTP/1.0")
      )
      assert.deepStrictEqual(summaries(harness), [
        '"GET / HTTP/1.1" 200 2 complete',
        '"GET /pieces HTTP/1.1" 200 1003 complete',
        '"GET /empty HTTP/1.1" 204 0 complete',
        '"HEAD /pieces HTTP/1.1" 200 0 complete',
        '"GET / HTTP/1.0" 200 2 complete'
      ])
      yield* finish(harness, transport)
    })
  )

  it.effect("a hundred pipelined requests", () =>
    Effect.gen(function* () {
      const harness = yield* makeHarness(recorded(hello).application)
      const paths = Array.from({ length: 100 }, (_, index) => `/${index}`)
      const transport = yield* converse(harness, paths.map((path) => to(path)).join(""))
      assert.deepStrictEqual(
        harness.log.map((record) => record.request?.target),
        paths
      )
      yield* finish(harness, transport)
    })
  )

  it.effect("heads that were not understood, and none for a peer that sends nothing", () =>
    Effect.gen(function* () {
      const harness = yield* makeHarness(application, { options: { maxHeaderSize: 200 } })
      const transports: Array<MemoryTransport> = []
      for (const head of [
        "GET\r\n\r\n",
        lines("GET / HTTP/1.1"),
        `GET /${"a".repeat(300)} HTTP/1.1\r\n\r\n`,
        get(`X: ${"a".repeat(300)}`),
        lines("GET / HTTP/3.0"),
        post("Transfer-Encoding: nonsense, chunked"),
        post("Content-Length: 99999999"),
        to("/") + "\u0000\r\n\r\n",
        ""
      ]) {
        transports.push(yield* converse(harness, head))
      }
      const found = harness.log.map(({ bytes, outcome, request, status }) => {
        assert.isTrue(bytes > 0)
        return `${status} ${outcome} ${request?.target}`
      })
      assert.deepStrictEqual(found, [
        "400 protocol_error undefined",
        "400 protocol_error undefined",
        "414 protocol_error undefined",
        "431 protocol_error undefined",
        "505 protocol_error undefined",
        "501 protocol_error undefined",
        "413 protocol_error undefined",
        "200 complete /",
        "400 protocol_error undefined"
      ])
      yield* finish(harness, ...transports)
    })
  )

  it.effect("the server's own answers to requests", () =>
    Effect.gen(function* () {
      const harness = yield* makeHarness(application, { options: { maxBodySize: 5 } })
      const read = lines("POST /read HTTP/1.1", "Host: a", "Transfer-Encoding: chunked")
      const transports = [
        yield* converse(harness, to("/fail")),
        yield* converse(harness, lines("HEAD /fail HTTP/1.1", "Host: a")),
        yield* converse(harness, to("/too-long")),
        yield* converse(harness, `${read}zz\r\n`),
        yield* converse(harness, `${read}6\r\nabcdef\r\n`)
      ]
      const message = "internal server error\n".length
      assert.deepStrictEqual(summaries(harness).slice(0, 3), [
        `"GET /fail HTTP/1.1" 500 ${message} server_error`,
        `"HEAD /fail HTTP/1.1" 500 0 server_error`,
        `"GET /too-long HTTP/1.1" 500 ${message} server_error`
      ])
      assert.deepStrictEqual(
        harness.log.slice(3).map(({ outcome, request, status }) => [status, outcome, request?.target]),
        [
          [400, "protocol_error", "/read"],
          [413, "body_too_large", "/read"]
        ]
      )
      yield* finish(harness, ...transports)
    })
  )

  it.effect("peers that left: 499 unless a status had been sent", () =>
    Effect.gen(function* () {
      const harness = yield* makeHarness(application)
      for (const path of ["/never", "/started", "/part"]) (yield* converse(harness, to(path))).fail()
      const closing = yield* converse(harness, chunked("5\r\nab").replace("POST / ", "POST /read "))
      closing.pushEnd()
      yield* turn
      assert.deepStrictEqual(summaries(harness), [
        '"GET /never HTTP/1.1" 499 0 client_closed',
        '"GET /started HTTP/1.1" 201 0 client_closed',
        '"GET /part HTTP/1.1" 201 4 client_closed',
        '"POST /read HTTP/1.1" 499 0 client_closed'
      ])
    })
  )

  it.effect("an application that fails after the start", () =>
    Effect.gen(function* () {
      const harness = yield* makeHarness(application)
      const transport = yield* converse(harness, to("/breaks"))
      assert.deepStrictEqual(summaries(harness), ['"GET /breaks HTTP/1.1" 201 4 server_error'])
      yield* finish(harness, transport)
    })
  )

  it.effect("time limits", () =>
    Effect.gen(function* () {
      const harness = yield* makeHarness(application, {
        options: { headersTimeout: "1 second", requestTimeout: "2 seconds" }
      })
      yield* converse(harness, "GET / HT")
      yield* TestClock.adjust("1200 millis")
      yield* converse(harness, to("/never"))
      yield* converse(harness, to("/part"))
      yield* TestClock.adjust("2500 millis")
      const [head = "", ...others] = summaries(harness)
      assert.match(head, /^"-" 408 [1-9]\d* client_timeout$/)
      assert.deepStrictEqual(others, [
        '"GET /never HTTP/1.1" 499 0 client_timeout',
        '"GET /part HTTP/1.1" 201 4 client_timeout'
      ])
    })
  )

  it.effect("what a shutdown cut off", () =>
    Effect.gen(function* () {
      const harness = yield* makeHarness(application)
      yield* converse(harness, to("/never"))
      yield* converse(harness, to("/part"))
      harness.server.registry.abort("server_shutdown")
      assert.deepStrictEqual(summaries(harness), [
        '"GET /never HTTP/1.1" 499 0 server_shutdown',
        '"GET /part HTTP/1.1" 201 4 server_shutdown'
      ])
      yield* turn
    })
  )

  it.effect("a status that was not sent, since the head waits for the end of the turn", () =>
    Effect.gen(function* () {
      let abort = (): void => {}
      const { application } = recorded<unknown>((_, __, send) =>
        Effect.andThen(
          send(start(201)),
          Effect.sync(() => abort())
        )
      )
      const harness = yield* makeHarness(application)
      abort = () => harness.server.registry.abort("server_shutdown")
      const transport = yield* converse(harness, to("/"))
      assert.strictEqual(transport.text, "")
      assert.deepStrictEqual(summaries(harness), ['"GET / HTTP/1.1" 499 0 server_shutdown'])
    })
  )
})

describe("access records", () => {
  it.effect("have everything that is known, by the clock", () =>
    Effect.gen(function* () {
      const { application } = recorded<unknown>((scope, _, send) =>
        Effect.gen(function* () {
          if (scope.path === "/slow") yield* Effect.sleep("1 second")
          yield* send(start(200, [["X-Answer", "yes"]]))
          if (scope.path === "/slow") yield* Effect.sleep("500 millis")
          yield* send(last("ok"))
        })
      )
      const harness = yield* makeHarness(application)
      yield* TestClock.setTime(1_000_000)
      const transport = yield* converse(harness, lines("PUT /slow?a=b HTTP/1.1", "Host: a") + lines("GET /x HTTP/1.0"))
      yield* TestClock.adjust("1 second")
      yield* TestClock.adjust("500 millis")
      yield* turn
      const common: Omit<ExchangeRecord, "request" | "startedAt" | "duration" | "firstByte"> = {
        client: transport.client,
        server: transport.server,
        status: 200,
        responseHeaders: [["X-Answer", "yes"]],
        bytes: 2,
        outcome: "complete"
      }
      assert.deepStrictEqual(
        harness.log.map(({ request, ...record }) => ({ ...record, target: request?.target })),
        [
          { ...common, target: "/slow?a=b", startedAt: 1_000_000, duration: 1500, firstByte: 1000 },
          { ...common, target: "/x", startedAt: 1_001_500, duration: 0, firstByte: 0 }
        ]
      )
      assert.deepStrictEqual(harness.log[0]?.request?.headers, [["host", "a"]])
      yield* finish(harness, transport)
    })
  )
})
