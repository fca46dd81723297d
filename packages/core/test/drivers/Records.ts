/** What the access log and other observers are told of exchanges. */
import { assert, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import type { ConnectionEnd } from "../../src/observe/ConnectionEnd.ts"
import type { Input } from "../../src/options/ServerOptions.ts"
import type { ExchangeRecord } from "../../src/observe/Observer.ts"
import { informational, last, piece, readBody, recorded, respond, sendAll, start } from "./support/Applications.ts"
import { ask, finish, type Harness, makeHarness, outcomes, summaries, turn } from "./support/Harness.ts"
import type { Client, ClientExchange, RequestOptions, Version } from "./support/Version.ts"

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
      return Effect.andThen(send(informational(103)), Effect.never)
    case "/part":
      return Effect.andThen(sendAll(send, [start(201), piece("part")]), Effect.never)
    case "/part-and-read":
      return Effect.andThen(sendAll(send, [start(201), piece("part")]), readBody(receive))
    case "/breaks":
      return Effect.andThen(sendAll(send, [start(201), piece("part")]), Effect.fail("broken"))
    case "/pieces":
      return sendAll(send, [start(), piece("a".repeat(1000)), piece("é"), last("b")])
    case "/too-long":
      return sendAll(send, [start(200, [["content-length", "1"]]), last("two")])
    case "/too-long-late":
      return sendAll(send, [start(200, [["content-length", "1"]]), piece("t"), last("wo")])
    case "/empty":
      return sendAll(send, [start(204), last()])
    case "/big":
      return respond(send, "x".repeat(1000))
    default:
      return respond(send, "ok", [["X-Answer", "yes"]])
  }
})

const post = { method: "POST", path: "/read", more: true } as const
const internalError = "internal server error\n".length

/** Each request has a connection of its own. */
const askAll = (harness: Harness, ...requests: ReadonlyArray<RequestOptions>) =>
  Effect.forEach(requests, (request) => ask(harness, request))

/** The connections break, and time passes for what runs on; then nothing is left. */
const breakOff = (harness: Harness, ...clients: ReadonlyArray<Client>) =>
  Effect.gen(function* () {
    for (const { transport } of clients) transport.fail()
    yield* TestClock.adjust("10 seconds")
    yield* turn
    yield* finish(harness)
  })

export const testAccessLog = (version: Version): void => {
  it.effect("responses, with the bytes of their content", () =>
    Effect.gen(function* () {
      const harness = yield* makeHarness(version, application)
      const client = harness.connect()
      client.transport.together(() => {
        for (const path of ["/", "/pieces", "/empty", "/?a=%20"]) client.request({ path })
        client.request({ method: "HEAD", path: "/pieces" })
      })
      yield* turn
      assert.deepStrictEqual(summaries(harness), [
        "GET / 200 2 complete",
        "GET /pieces 200 1003 complete",
        "GET /empty 204 0 complete",
        "GET /?a=%20 200 2 complete",
        "HEAD /pieces 200 0 complete"
      ])
      yield* finish(harness, client)
    })
  )

  it.effect("a hundred requests that are sent together, in their order", () =>
    Effect.gen(function* () {
      const harness = yield* makeHarness(version, application)
      const client = harness.connect()
      const paths = Array.from({ length: 100 }, (_, index) => `/${index}`)
      client.transport.together(() => {
        for (const path of paths) client.request({ path })
      })
      yield* turn
      assert.deepStrictEqual(
        harness.log.map((record) => record.request?.target),
        paths
      )
      yield* finish(harness, client)
    })
  )

  it.effect("the server's own answers, and what it breaks off", () =>
    Effect.gen(function* () {
      const harness = yield* makeHarness(version, application)
      const paths = ["/fail", "/too-long", "/too-long-late", "/breaks"]
      const asked = yield* askAll(harness, ...paths.map((path) => ({ path })), { method: "HEAD", path: "/fail" })
      assert.deepStrictEqual(summaries(harness), [
        `GET /fail 500 ${internalError} server_error`,
        `GET /too-long 500 ${internalError} server_error`,
        "GET /too-long-late 200 1 server_error",
        "GET /breaks 201 4 server_error",
        "HEAD /fail 500 0 server_error"
      ])
      yield* finish(harness, ...asked.map(({ client }) => client))
    })
  )

  it.effect("requests that are refused, before and after the application has begun", () =>
    Effect.gen(function* () {
      const harness = yield* makeHarness(version, application, { options: { maxBodySize: 5 } })
      const asked = yield* askAll(harness, { path: "/%00" }, post, { ...post, path: "/part-and-read" })
      for (const { exchange } of asked.slice(1)) exchange.send("123456")
      yield* turn
      assert.deepStrictEqual(outcomes(harness), ["400 protocol_error", "413 body_too_large", "201 body_too_large"])
      assert.deepStrictEqual(
        harness.log.map(({ request }) => request?.target),
        [undefined, "/read", "/part-and-read"]
      )
      yield* breakOff(harness, ...asked.map(({ client }) => client))
    })
  )

  const endings: ReadonlyArray<
    readonly [how: string, end: (client: Client, exchange: ClientExchange, harness: Harness) => void, outcome: string]
  > = [
    ["peers that close their side", ({ transport }) => transport.pushEnd(), "client_closed"],
    ["peers that are gone", ({ transport }) => transport.fail(), "client_closed"],
    ["peers that cannot be read from", ({ transport }) => transport.fail("read_error"), "read_error"],
    ["peers that give up", (_, exchange) => exchange.abandon(), "client_closed"],
    ["servers that stop", (_, __, { server }) => server.registry.abort("server_shutdown"), "server_shutdown"]
  ]
  for (const [how, end, outcome] of endings) {
    it.effect(`${how}: 499 unless a status has been sent, and the bytes up to then`, () =>
      Effect.gen(function* () {
        const harness = yield* makeHarness(version, application)
        const paths = ["/never", "/started", "/hints", "/part"]
        const asked = yield* askAll(harness, ...paths.map((path) => ({ path })), post)
        for (const { client, exchange } of asked) end(client, exchange, harness)
        yield* turn
        assert.deepStrictEqual(summaries(harness), [
          `GET /never 499 0 ${outcome}`,
          `GET /started 201 0 ${outcome}`,
          `GET /hints 499 0 ${outcome}`,
          `GET /part 201 4 ${outcome}`,
          `POST /read 499 0 ${outcome}`
        ])
        yield* breakOff(harness, ...asked.map(({ client }) => client))
        assert.strictEqual(harness.log.length, 5)
      })
    )
  }

  it.effect("a status that was not sent, since the head waits for the end of the turn", () =>
    Effect.gen(function* () {
      let abort = (): void => {}
      const { application } = recorded<unknown>((_, __, send) =>
        Effect.andThen(
          send(start(201)),
          Effect.sync(() => abort())
        )
      )
      const harness = yield* makeHarness(version, application)
      abort = () => harness.server.registry.abort("server_shutdown")
      const { exchange } = yield* ask(harness)
      assert.isUndefined(exchange.response.status)
      assert.deepStrictEqual(summaries(harness), ["GET / 499 0 server_shutdown"])
      yield* finish(harness)
    })
  )

  it.effect("requests on which nothing happens", () =>
    Effect.gen(function* () {
      const options: Input = { requestTimeout: "2 seconds", writeTimeout: "4 seconds", timeout: 0 }
      const harness = yield* makeHarness(version, application, { options })
      const asked = yield* askAll(harness, { path: "/never" }, { path: "/part" })
      yield* TestClock.adjust("4200 millis")
      const expected = ["GET /never 499 0 client_timeout", "GET /part 201 4 client_timeout"]
      assert.deepStrictEqual(summaries(harness).toSorted(), expected)
      yield* breakOff(harness, ...asked.map(({ client }) => client))
    })
  )

  it.effect("each exchange once, with everything that is known, by the clock", () =>
    Effect.gen(function* () {
      const { application } = recorded<unknown>((scope, _, send) =>
        Effect.gen(function* () {
          if (scope.path === "/slow") yield* Effect.sleep("1 second")
          yield* send(start(200, [["X-Answer", "yes"]]))
          if (scope.path === "/slow") yield* Effect.sleep("500 millis")
          yield* send(last("ok"))
        })
      )
      const harness = yield* makeHarness(version, application)
      yield* TestClock.setTime(1_000_000)
      const { client } = yield* ask(harness, { method: "PUT", path: "/slow?a=b", fields: [["referer", "r"]] })
      yield* TestClock.adjust("1 second")
      yield* TestClock.adjust("500 millis")
      yield* turn
      client.request({ path: "/x" })
      yield* turn
      const common: Omit<ExchangeRecord, "request" | "startedAt" | "duration" | "firstByte"> = {
        client: ["127.0.0.1", 54321],
        server: ["127.0.0.1", 5000],
        secure: false,
        kind: "http",
        requestId: undefined,
        traceId: undefined,
        queueTime: 0,
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
      assert.strictEqual(harness.log[0]?.request?.httpVersion, version.httpVersion)
      assert.deepStrictEqual(harness.log[0]?.request?.headers, [
        ["host", "a"],
        ["referer", "r"]
      ])
      yield* finish(harness, client)
      assert.strictEqual(harness.log.length, 2)
    })
  )
}

/** What one client does, and what observers are told between the beginning and the end of its connection. */
interface Observed {
  readonly what: string
  readonly act: (client: Client, harness: Harness) => void
  readonly events: ReadonlyArray<string>
  /** Why the connection ends; of HTTP/2 it often goes on, where one of HTTP/1.1 is over with its exchange. */
  readonly ends: ConnectionEnd | Readonly<Record<"1.1" | "2", ConnectionEnd>>
}

const observed: ReadonlyArray<Observed> = [
  { what: "a connection without a request", act: () => {}, events: [], ends: "client_closed" },
  {
    what: "exchanges and applications",
    act: (client) => {
      client.request({ path: "/?a" })
      client.request({ path: "/fail" })
    },
    events: [
      "started GET /?a",
      "application",
      "ended GET /?a 200 complete",
      "started GET /fail",
      "application",
      "ended GET /fail 500 server_error"
    ],
    ends: { "1.1": "server_error", "2": "client_closed" }
  },
  {
    what: "a peer that gives up",
    act: (client) => client.request({ path: "/never" }).abandon(),
    events: ["started GET /never", "application", "ended GET /never 499 client_closed"],
    ends: "client_closed"
  },
  {
    what: "content that is too large",
    act: (client) => client.request(post).send("123456"),
    events: ["started POST /read", "application", "limit maxBodySize", "ended POST /read 413 body_too_large"],
    ends: { "1.1": "limit", "2": "client_closed" }
  },
  {
    what: "a server that stops",
    act: (client, { server }) => {
      client.request({ path: "/never" })
      server.registry.abort("server_shutdown")
    },
    events: ["started GET /never", "application", "ended GET /never 499 server_shutdown"],
    ends: "server_shutdown"
  }
]

/** The same when time passes. */
const observedLater: ReadonlyArray<Observed> = [
  {
    what: "time between requests, which is no limit",
    act: (client) => void client.request(),
    events: ["started GET /", "application", "ended GET / 200 complete"],
    ends: "idle_timeout"
  },
  {
    what: "content that is waited for",
    act: (client) => void client.request(post),
    events: ["started POST /read", "application", "limit bodyTimeout", "ended POST /read 408 client_timeout"],
    ends: { "1.1": "limit", "2": "idle_timeout" }
  },
  {
    what: "a response that does not go on",
    act: (client) => void client.request({ path: "/part" }),
    events: ["started GET /part", "application", "limit requestTimeout", "ended GET /part 201 client_timeout"],
    ends: { "1.1": "limit", "2": "idle_timeout" }
  }
]

export const testObserver = (version: Version): void => {
  const options: Input = {
    bodyTimeout: "2 seconds",
    disconnectGrace: "1 second",
    headersTimeout: "1 second",
    maxBodySize: 5,
    requestTimeout: "3 seconds",
    timeout: "4 seconds",
    writeTimeout: "5 seconds"
  }

  const protocol = version.httpVersion === "2" ? "h2" : "http/1.1"

  const check = ({ act, ends, events }: Observed, seconds: number) =>
    Effect.gen(function* () {
      const harness = yield* makeHarness(version, application, { options })
      const client = harness.connect()
      act(client, harness)
      yield* turn
      yield* TestClock.adjust(seconds * 1000)
      client.read()
      yield* breakOff(harness, client)
      const reason = typeof ends === "string" ? ends : ends[protocol === "h2" ? "2" : "1.1"]
      assert.deepStrictEqual(
        // Only HTTP/2 has streams that can be reset.
        harness.events.filter((event) => !event.startsWith("reset")),
        ["opened", ...events, `closed ${protocol} ${reason}`]
      )
    })

  for (const one of observed) it.effect(one.what, () => check(one, 0))
  for (const one of observedLater) it.effect(one.what, () => check(one, 20))

  it.effect("a peer that does not read", () =>
    Effect.gen(function* () {
      const harness = yield* makeHarness(version, application, { options: { ...options, requestTimeout: 0 } })
      const { client } = yield* ask(harness, { path: "/big" }, { capacity: 100 })
      yield* TestClock.adjust("20 seconds")
      yield* breakOff(harness, client)
      assert.deepStrictEqual(harness.events, [
        "opened",
        "started GET /big",
        "application",
        "ended GET /big 200 complete",
        "limit writeTimeout",
        // The end that HTTP/2 announces to a connection without requests stays unread, too.
        `closed ${protocol} ${protocol === "h2" ? "idle_timeout" : "limit"}`
      ])
    })
  )

  it.effect("connections that break, and those that their server drains", () =>
    Effect.gen(function* () {
      const harness = yield* makeHarness(version, application)
      harness.connect().transport.fail("read_error")
      harness.connect().transport.fail("client_timeout")
      const { client } = yield* ask(harness)
      yield* turn
      harness.server.registry.drain()
      yield* TestClock.adjust("2 seconds")
      yield* breakOff(harness, client)
      assert.deepStrictEqual(
        harness.events.filter((event) => event.startsWith("closed")),
        ["connection_lost", "connection_lost", "server_shutdown"].map((reason) => `closed ${protocol} ${reason}`)
      )
    })
  )

  it.effect("each send that has to wait for a slow peer", () =>
    Effect.gen(function* () {
      const options: Input = { writeHighWatermark: 1000, writeLowWatermark: 100 }
      const slow = recorded<unknown>((_, __, send) =>
        sendAll(send, [start(), piece("a".repeat(100)), piece("b".repeat(2000)), piece("c".repeat(2000)), last()])
      )
      const harness = yield* makeHarness(version, slow.application, { options })
      const { client } = yield* ask(harness, {}, { capacity: 500 })
      const suspended = () => harness.events.filter((event) => event === "suspended").length
      assert.strictEqual(suspended(), 1)
      for (let count = 0; count < 10; count++) {
        client.read()
        yield* turn
      }
      assert.strictEqual(suspended(), 2)
      client.transport.fail()
      yield* breakOff(harness)
      assert.strictEqual(suspended(), 2)
    })
  )

  it.effect("the end of a connection, which is when its application has ended", () =>
    Effect.gen(function* () {
      const harness = yield* makeHarness(version, application, { options })
      const { client } = yield* ask(harness, { path: "/never" })
      client.transport.fail()
      yield* turn
      const before = ["opened", "started GET /never", "application", "ended GET /never 499 client_closed"]
      assert.deepStrictEqual(harness.events, before)
      yield* TestClock.adjust("2 seconds")
      yield* turn
      assert.deepStrictEqual(harness.events, [...before, `closed ${protocol} client_closed`])
      yield* finish(harness)
    })
  )
}
