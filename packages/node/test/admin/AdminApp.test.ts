import { assert, describe, it } from "@effect/vitest"
import * as TestClient from "@pagi/core/testing/TestClient"
import type { Address } from "@pagi/core/Address"
import type { HeaderBlock } from "@pagi/core/HeaderBlock"
import { take } from "@pagi/core/metrics/MetricSamples"
import { ServerCounters } from "@pagi/core/metrics/ServerCounters"
import { SeriesRegistry } from "@pagi/core/metrics/Series"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import type { MetricRegistry } from "effect/Metric"
import * as TestClock from "effect/testing/TestClock"
import * as AdminApp from "../../src/admin/AdminApp.ts"
import type { AdminSource, ReadinessReport } from "../../src/admin/AdminSource.ts"
import type { HistoryMark } from "../../src/admin/HistoryPoint.ts"
import { read, type Reading } from "../../src/admin/Reading.ts"
import type { ServerStatus } from "../../src/admin/ServerStatus.ts"

const status: ServerStatus = {
  version: "0.1.0",
  node: "24.0.0",
  options: { port: "81" },
  mode: "single",
  pid: 7,
  phase: "serving",
  age: 5,
  listeners: ["http://127.0.0.1:81/"],
  requests: 1,
  connections: 2,
  lag: 0.5,
  memory: 1000
}

const token = "0123456789abcdef"

interface Options {
  readonly token?: string
  readonly host?: string
  readonly server?: Address
  readonly client?: Address
  readonly isSingle?: boolean
}

/** An admin listener in memory, whose source a test can change. */
const make = (options: Options = {}) =>
  Effect.gen(function* () {
    const registry: MetricRegistry = new Map()
    const counters = new ServerCounters(new SeriesRegistry(registry))
    const done: Array<string> = []
    const marks: Array<HistoryMark> = []
    const state: { readiness: ReadinessReport } = { readiness: { isReady: true, problems: {} } }
    const last: { reading: Reading | undefined } = { reading: undefined }
    const command = (name: string) => Effect.sync(() => void done.push(name))
    const source: AdminSource = {
      status: Effect.succeed(status),
      metrics: Effect.succeed(registry),
      readings: (time) =>
        Effect.sync(() => {
          const now = read(time, take(registry))
          const before = last.reading ?? now
          last.reading = now
          return new Map([["process", { before, now }]])
        }),
      readiness: Effect.sync(() => state.readiness),
      recent: Effect.succeed({ slowest: [], failed: [] }),
      takeMarks: Effect.sync(() => marks.splice(0)),
      commands:
        options.isSingle === true
          ? undefined
          : { reload: command("reload"), addWorker: command("add"), removeWorker: command("remove") }
    }
    const app = yield* AdminApp.make({
      host: options.host ?? "127.0.0.1",
      token: options.token,
      source,
      page: {
        files: new Map([["/", { contentType: "text/html; charset=utf-8", bytes: Buffer.from("<p>page") }]]),
        headers: [["content-security-policy", "default-src 'none'"]]
      }
    })
    const client = yield* TestClient.make(app, {
      lifespan: "off",
      ...(options.server === undefined ? {} : { server: options.server }),
      ...(options.client === undefined ? {} : { client: options.client })
    })
    const request = (path: string, method = "GET", headers: HeaderBlock = []) =>
      client.request({ path, method, headers })
    return { client, counters, done, marks, request, state }
  })

/** Runs with a logger that keeps every message. */
const withMessages = <A, E, R>(run: (messages: Array<string>) => Effect.Effect<A, E, R>) => {
  const messages: Array<string> = []
  const logger = Logger.make(({ logLevel, message }) => {
    messages.push(`${logLevel}: ${String(message)}`)
  })
  return Effect.provide(run(messages), Logger.layer([logger]))
}

const unix: Address = ["/run/admin.sock", null]

describe("AdminApp", () => {
  it.effect("says that it lives, and whether the server is ready or why not", () =>
    Effect.gen(function* () {
      const { request, state } = yield* make()
      const live = yield* request("/livez")
      assert.deepStrictEqual([live.status, live.text], [200, "ok\n"])
      assert.deepStrictEqual(
        [live.header("cache-control"), live.header("x-content-type-options")],
        ["no-store", "nosniff"]
      )
      assert.strictEqual((yield* request("/readyz")).text, "ready\n")
      state.readiness = { isReady: false, problems: { server: "it stops", database: "no route" } }
      const ready = yield* request("/readyz")
      assert.deepStrictEqual([ready.status, ready.text], [503, "not ready\nserver: it stops\ndatabase: no route\n"])
    })
  )

  it.effect("tells metrics as text, or as OpenMetrics for those who ask for it", () =>
    Effect.gen(function* () {
      const { counters, request } = yield* make()
      counters.connectionOpened("http/1.1")
      const plain = yield* request("/metrics")
      assert.strictEqual(plain.header("content-type"), "text/plain; version=0.0.4; charset=utf-8")
      assert.match(plain.text, /^pagi_server_connections_opened_total 1$/m)
      const open = yield* request("/metrics", "GET", [
        ["accept", "application/openmetrics-text;version=1.0.0,*/*;q=0.1"]
      ])
      assert.strictEqual(open.header("content-type"), "application/openmetrics-text; version=1.0.0; charset=utf-8")
      assert.match(open.text, /^pagi_server_connections_opened_total 1[^]*# EOF\n$/m)
    })
  )

  it.effect("tells the status, the history and the recent requests as JSON", () =>
    Effect.gen(function* () {
      const { counters, marks, request } = yield* make()
      const told = yield* request("/status")
      assert.strictEqual(told.header("content-type"), "application/json")
      assert.deepStrictEqual(JSON.parse(told.text), { ...status, commands: "none" })
      assert.deepStrictEqual(JSON.parse((yield* request("/recent")).text), { slowest: [], failed: [] })
      assert.strictEqual((yield* request("/history")).text, "[]\n")
      yield* TestClock.adjust(1)
      counters.connectionOpened("http/1.1")
      counters.bytesReceived(100)
      marks.push({ at: 900, what: "reload" })
      yield* TestClock.adjust(1000)
      const [point, ...others] = JSON.parse((yield* request("/history")).text)
      assert.deepStrictEqual(others, [])
      assert.deepStrictEqual([point.connections, point.received, point.marks], [1, 100, [{ at: 900, what: "reload" }]])
      assert.deepStrictEqual(point.processes, [{ worker: 0, lag: 0.5, memory: 1000, connections: 2 }])
      yield* TestClock.adjust("11 minutes")
      assert.strictEqual(JSON.parse((yield* request("/history")).text).length, 600)
    })
  )

  it.effect("answers HEAD as GET, and says what can be done where something else is tried", () =>
    Effect.gen(function* () {
      const { request } = yield* make()
      const head = yield* request("/status", "HEAD")
      assert.deepStrictEqual([head.status, head.text], [200, ""])
      const post = yield* request("/status", "POST")
      assert.deepStrictEqual([post.status, post.header("allow")], [405, "GET, HEAD"])
      const get = yield* request("/commands/reload")
      assert.deepStrictEqual([get.status, get.header("allow")], [405, "POST"])
      assert.strictEqual((yield* request("/nothing")).status, 404)
      assert.strictEqual((yield* request("/events")).status, 406)
      const other = yield* request("/status", "GET", [["accept", "text/event-stream"]])
      assert.deepStrictEqual([other.status, JSON.parse(other.text).pid], [200, 7])
    })
  )

  it.effect("shows the page, and says when it has not changed", () =>
    Effect.gen(function* () {
      const { request } = yield* make()
      const page = yield* request("/")
      assert.strictEqual(page.text, "<p>page")
      assert.strictEqual(page.header("content-security-policy"), "default-src 'none'")
      const etag = page.header("etag") ?? assert.fail()
      const again = yield* request("/", "GET", [["if-none-match", `"other", W/${etag}`]])
      assert.deepStrictEqual([again.status, again.text, again.header("etag")], [304, "", etag])
      assert.strictEqual((yield* request("/", "GET", [["if-none-match", '"other"']])).status, 200)
    })
  )

  it.effect("tells nothing to those who call it by a name of their own", () =>
    Effect.gen(function* () {
      const { request } = yield* make({ host: "Admin.internal", token })
      const statusOf = (host: string, headers: HeaderBlock = [], path = "/status") =>
        Effect.map(request(path, "GET", [["host", host], ...headers]), ({ status }) => status)
      for (const host of ["127.0.0.1:9090", "[::1]:9090", "localhost", "LOCALHOST:1", "admin.internal:9090"]) {
        assert.strictEqual(yield* statusOf(host), 200, host)
      }
      for (const host of ["evil.example", "evil.example:9090", "127.0.0.1.evil.example", "localhost.evil.example"]) {
        for (const path of ["/", "/status", "/metrics", "/history", "/recent", "/events", "/nothing"]) {
          assert.strictEqual(yield* statusOf(host, [], path), 421, `${host} ${path}`)
          assert.strictEqual(yield* statusOf(host, [["accept", "text/event-stream"]], path), 421, `${host} ${path}`)
        }
        for (const path of ["/livez", "/readyz"]) assert.strictEqual(yield* statusOf(host, [], path), 200)
      }
      assert.strictEqual(yield* statusOf("metrics.example", [["authorization", `Bearer ${token}`]], "/metrics"), 200)
    })
  )

  it.effect("takes commands over TCP with the token alone", () =>
    Effect.gen(function* () {
      const { done, request } = yield* make({ token })
      assert.strictEqual(JSON.parse((yield* request("/status")).text).commands, "token")
      const without = yield* request("/commands/reload", "POST")
      assert.deepStrictEqual([without.status, without.header("www-authenticate")], [401, "Bearer"])
      for (const given of [`Bearer ${token}x`, `Bearer ${token.slice(1)}`, `Basic ${token}`, token, "Bearer "]) {
        assert.strictEqual((yield* request("/commands/reload", "POST", [["authorization", given]])).status, 401, given)
      }
      assert.deepStrictEqual(done, [])
      for (const name of ["reload", "workers/add", "workers/remove"]) {
        const answer = yield* request(`/commands/${name}`, "POST", [["authorization", `bearer ${token}`]])
        assert.deepStrictEqual([answer.status, answer.text], [202, "accepted\n"])
      }
      assert.deepStrictEqual(done, ["reload", "add", "remove"])
      const none = yield* make()
      assert.strictEqual((yield* none.request("/commands/reload", "POST")).status, 403)
      assert.strictEqual(
        (yield* none.request("/commands/reload", "POST", [["authorization", "Bearer undefined"]])).status,
        403
      )
      assert.deepStrictEqual(none.done, [])
    })
  )

  it.effect("tells who was refused: at once, and once a minute how many others were", () =>
    withMessages((messages) =>
      Effect.gen(function* () {
        const { request } = yield* make({ token, client: ["192.0.2.7", 4711] })
        const give = (authorization: string) =>
          request("/commands/reload", "POST", authorization === "" ? [] : [["authorization", authorization]])
        yield* give("Bearer wrong")
        yield* TestClock.adjust(1)
        assert.deepStrictEqual(messages.splice(0), [
          "Warn: the admin listener has refused POST /commands/reload from 192.0.2.7: the token is wrong; " +
            "commands need the token: Authorization: Bearer TOKEN"
        ])
        for (let index = 0; index < 50; index++) yield* give("Bearer wrong")
        yield* give("")
        yield* request("/status")
        yield* request("/status", "GET", [["host", "evil.example"]])
        yield* TestClock.adjust("59 seconds")
        assert.deepStrictEqual(messages, [])
        yield* TestClock.adjust("1 second")
        assert.deepStrictEqual(messages.splice(0), [
          "Warn: in the last minute the admin listener has refused GET /status from 192.0.2.7: the host of this request " +
            "is neither an address, nor localhost, nor the name that the admin listener was set up with " +
            "(and 51 more before it)"
        ])
        yield* give(`Bearer ${token}`)
        yield* TestClock.adjust("10 minutes")
        assert.deepStrictEqual(messages, [])
        yield* request("/other\n", "GET", [["host", "evil.example"]])
        yield* TestClock.adjust(1)
        assert.match(
          messages.join(),
          /^Warn: the admin listener has refused GET of another path from 192\.0\.2\.7: [^(]*$/
        )
      })
    )
  )

  it.effect("takes commands over a Unix socket, from no page of another site", () =>
    Effect.gen(function* () {
      const { done, request } = yield* make({ server: unix })
      assert.strictEqual(JSON.parse((yield* request("/status")).text).commands, "open")
      const give = (headers: HeaderBlock) =>
        Effect.map(request("/commands/reload", "POST", [["host", "admin"], ...headers]), ({ status }) => status)
      assert.strictEqual(yield* give([]), 202)
      assert.strictEqual(yield* give([["origin", "http://admin"]]), 202)
      assert.strictEqual(yield* give([["sec-fetch-site", "same-origin"]]), 202)
      assert.strictEqual(done.length, 3)
      assert.strictEqual(yield* give([["origin", "http://evil.example"]]), 403)
      assert.strictEqual(yield* give([["origin", "null"]]), 403)
      assert.strictEqual(yield* give([["sec-fetch-site", "cross-site"]]), 403)
      assert.strictEqual(yield* give([["sec-fetch-site", "same-site"]]), 403)
      assert.strictEqual(done.length, 3)
      const single = yield* make({ server: unix, isSingle: true })
      assert.strictEqual(JSON.parse((yield* single.request("/status")).text).commands, "none")
      assert.strictEqual((yield* single.request("/commands/reload", "POST")).status, 409)
    })
  )

  it.effect("refuses a page's own name also over a Unix socket, to which a port of this machine may lead", () =>
    Effect.gen(function* () {
      const { done, request } = yield* make({ server: unix, token })
      const ask = (host: string, path: string, headers: HeaderBlock = []) =>
        Effect.map(
          request(path, path.startsWith("/commands") ? "POST" : "GET", [["host", host], ...headers]),
          ({ status }) => status
        )
      const rebound: HeaderBlock = [["origin", "http://evil.example:9090"]]
      assert.strictEqual(yield* ask("evil.example:9090", "/status"), 421)
      assert.strictEqual(yield* ask("evil.example:9090", "/commands/reload", rebound), 421)
      assert.deepStrictEqual(done, [])
      for (const host of ["localhost:9090", "127.0.0.1", "admin", "unix:1", "", "[::1]"]) {
        assert.strictEqual(yield* ask(host, "/status"), 200, host)
      }
      assert.strictEqual(yield* ask("admin.example", "/status", [["authorization", `Bearer ${token}`]]), 200)
    })
  )

  it.effect("tells every second to everybody who listens, and drops who does not read", () =>
    Effect.gen(function* () {
      const { client, counters } = yield* make()
      const listen = client.open({ path: "/events", headers: [["accept", "text/event-stream"]] })
      const [reader, sleeper] = [yield* listen, yield* listen]
      const next = (exchange: typeof reader) =>
        Effect.map(exchange.nextPiece, (piece) => Buffer.from(piece ?? []).toString())
      const head = yield* reader.start
      assert.strictEqual(head.status, 200)
      assert.match(yield* next(reader), /^:/)
      yield* TestClock.adjust(1)
      const seconds = 500
      for (let second = 0; second < seconds; second++) {
        counters.connectionOpened("http/1.1")
        yield* TestClock.adjust(1000)
        const [, data = ""] = /^event: point\nretry: 1000\ndata: (.*)\n\n$/.exec(yield* next(reader)) ?? []
        assert.strictEqual(JSON.parse(data).connections, second + 1)
      }
      // What the sleeper has not read is bounded: it was given up long ago.
      yield* sleeper.start
      let pieces = 0
      while ((yield* sleeper.nextPiece) !== undefined) pieces++
      assert.isBelow(pieces, 400)
      assert.isAbove(pieces, 30)
    })
  )

  it.effect("lets half of its clients listen to events, so that probes are answered whoever listens", () =>
    Effect.gen(function* () {
      const { client, request } = yield* make()
      const listen = client.open({ path: "/events", headers: [["accept", "text/event-stream"]] })
      const [first] = yield* Effect.forEach(Array.from({ length: 50 }), () => Effect.tap(listen, ({ start }) => start))
      const refused = yield* request("/events", "GET", [["accept", "text/event-stream"]])
      assert.deepStrictEqual([refused.status, refused.header("retry-after")], [503, "5"])
      assert.strictEqual((yield* request("/livez")).status, 200)
      yield* first?.disconnect() ?? assert.fail()
      yield* first?.exit ?? assert.fail()
      assert.strictEqual((yield* (yield* listen).start).status, 200)
    })
  )

  it.effect("ends the events of a client that has left", () =>
    Effect.gen(function* () {
      const { client } = yield* make()
      const exchange = yield* client.open({ path: "/events", headers: [["accept", "text/event-stream"]] })
      yield* exchange.start
      yield* exchange.disconnect()
      const exit = yield* exchange.exit
      assert.strictEqual(exit._tag, "Success")
    })
  )
})
