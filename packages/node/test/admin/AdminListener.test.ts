import { assert, describe, it } from "@effect/vitest"
import * as HealthCheck from "@pagi/core/HealthCheck"
import { CheckRegistry, HealthChecks } from "@pagi/core/health/HealthChecks"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Metric from "effect/Metric"
import { existsSync, statSync } from "node:fs"
import { join } from "node:path"
import { open, openUnix } from "../support/Client.ts"
import { answer, serveHttp } from "../support/Server.ts"
import { temporaryFolder } from "../../../../test/support/TemporaryFolder.ts"
import { until } from "../support/Until.ts"

const admin = "127.0.0.1:0"

const portOf = (url: string | undefined): number => Number(new URL(url ?? assert.fail()).port)

const get = (url: string | undefined, path: string) =>
  Effect.promise(() =>
    fetch(new URL(path, url ?? assert.fail()), { headers: { connection: "close" } }).then(async (response) => ({
      status: response.status,
      text: await response.text()
    }))
  )

/** A server whose checks and metrics no other test has. */
const isolated = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  effect.pipe(
    Effect.provideService(HealthChecks, new CheckRegistry()),
    Effect.provideService(Metric.MetricRegistry, new Map())
  )

describe("the admin listener of a server in a program", () => {
  it.live("tells of the server, and counts none of its own requests", () =>
    isolated(
      Effect.gen(function* () {
        const { port, server } = yield* serveHttp(answer("x"), { admin })
        for (let index = 0; index < 3; index++) yield* get(`http://127.0.0.1:${port}`, "/")
        const { text } = yield* get(server.adminUrl, "/metrics")
        assert.match(text, /^pagi_server_requests_total\{.*\} 3$/m)
        const status = JSON.parse((yield* get(server.adminUrl, "/status")).text)
        assert.deepStrictEqual(
          [status.mode, status.phase, status.requests, status.listeners],
          ["embedded", "serving", 3, [`http://127.0.0.1:${port}/`]]
        )
        assert.strictEqual(status.adminUrl, server.adminUrl)
        const page = yield* get(server.adminUrl, "/")
        assert.deepStrictEqual([page.status, page.text.slice(0, 15)], [200, "<!doctype html>"])
      })
    )
  )

  it.live("has the checks that a Layer of the program adds", () =>
    isolated(
      Effect.gen(function* () {
        const { server } = yield* serveHttp(answer("x"), { admin })
        assert.strictEqual((yield* get(server.adminUrl, "/readyz")).status, 200)
        yield* Effect.gen(function* () {
          const { status, text } = yield* get(server.adminUrl, "/readyz")
          assert.deepStrictEqual([status, text], [503, "not ready\ndatabase: no route\n"])
        }).pipe(Effect.provide(HealthCheck.layer({ database: Effect.fail("no route") })))
        assert.strictEqual((yield* get(server.adminUrl, "/readyz")).status, 200)
      })
    )
  )

  it.live("says from the beginning of the end on that it is not ready, and closes last", () =>
    isolated(
      Effect.gen(function* () {
        const { close, port, server } = yield* serveHttp(() => Effect.never, { admin, disconnectGrace: 0 })
        const client = yield* open(port)
        client.get()
        yield* until("the request is there", () => client.socket.writableLength === 0)
        const events = yield* open(portOf(server.adminUrl))
        events.send("GET /events HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/event-stream\r\n\r\n")
        yield* events.endsWith(":one point a second\n\n\r\n")
        const closing = yield* Effect.forkChild(close)
        yield* Effect.repeat(get(server.adminUrl, "/readyz"), { until: ({ status }) => status === 503 })
        const { phase } = JSON.parse((yield* get(server.adminUrl, "/status")).text)
        assert.strictEqual(phase, "stopping")
        client.socket.destroy()
        yield* Fiber.join(closing)
        yield* events.ended
        assert.strictEqual(yield* Effect.flip(open(portOf(server.adminUrl))), "ECONNREFUSED")
      })
    )
  )

  it.live("fails by the name of the option where it cannot listen, and leaves nothing open", () =>
    isolated(
      Effect.gen(function* () {
        const { port } = yield* serveHttp(answer("x"))
        const error = yield* Effect.flip(serveHttp(answer("x"), { admin: `127.0.0.1:${port}` }))
        assert.strictEqual(error.message, `option admin: port ${port} on 127.0.0.1 is already in use`)
      })
    )
  )

  it.live("is its user's alone at a Unix socket, unless permissions are set, and removes it", () =>
    isolated(
      Effect.gen(function* () {
        const folder = yield* temporaryFolder
        const path = join(folder, "admin.sock")
        const { close } = yield* serveHttp(answer("x"), { admin: path })
        assert.strictEqual(statSync(path).mode & 0o777, 0o600)
        const client = yield* openUnix(path)
        client.get("/livez")
        yield* client.endsWith("ok\n")
        yield* close
        assert.isFalse(existsSync(path))
        yield* serveHttp(answer("x"), { admin: { socket: path, socketMode: 0o660 } })
        assert.strictEqual(statSync(path).mode & 0o777, 0o660)
      })
    )
  )

  const crowds: ReadonlyArray<readonly [what: string, begin: string, begun: string]> = [
    ["say nothing", "", ""],
    ["begin a request and go no further", "GET /livez HT", ""],
    ["ask nothing more", "GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n", "ok\n"]
  ]
  for (const [what, begin, begun] of crowds) {
    it.live(`answers probes at once when there are as many clients as it takes that ${what}`, () =>
      isolated(
        Effect.gen(function* () {
          const { server } = yield* serveHttp(answer("x"), { admin })
          const port = portOf(server.adminUrl)
          const crowd = yield* Effect.forEach(Array.from({ length: 100 }), () => open(port))
          for (const client of crowd) client.send(begin)
          for (const client of crowd) yield* client.endsWith(begun)
          for (const path of ["/livez", "/readyz"]) assert.strictEqual((yield* get(server.adminUrl, path)).status, 200)
          // Those that had waited for longest gave way, and no others.
          yield* crowd[0]?.closed ?? assert.fail()
          const open100 = crowd.filter(({ hasClosed }) => !hasClosed).length
          assert.isAtLeast(open100, 97)
          assert.isFalse(crowd[99]?.hasClosed)
        })
      )
    )
  }

  it.live("answers probes at once when all others ask on and on, and keeps those who listen to events", () =>
    isolated(
      Effect.gen(function* () {
        const { server } = yield* serveHttp(answer("x"), { admin })
        const port = portOf(server.adminUrl)
        const listeners = yield* Effect.forEach(Array.from({ length: 50 }), () => open(port))
        for (const client of listeners) {
          client.send("GET /events HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n")
          yield* client.endsWith(":one point a second\n\n\r\n")
        }
        const crowd = yield* Effect.forEach(Array.from({ length: 50 }), () => open(port))
        for (const client of crowd) client.send("GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(1000))
        for (let round = 0; round < 20; round++) {
          for (const path of ["/livez", "/readyz"]) assert.strictEqual((yield* get(server.adminUrl, path)).status, 200)
        }
        assert.isTrue(listeners.every(({ hasClosed }) => !hasClosed))
      })
    )
  )

  it.live("answers probes at once when there are as many clients as it takes that read nothing", () =>
    isolated(
      Effect.gen(function* () {
        const { server } = yield* serveHttp(answer("x"), { admin })
        const port = portOf(server.adminUrl)
        const crowd = yield* Effect.forEach(Array.from({ length: 100 }), () => open(port))
        // More than the buffers of the system hold.
        const many = "GET /uPlot.esm.js HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(400)
        for (const client of crowd) {
          client.socket.pause()
          client.send(many)
        }
        for (const path of ["/livez", "/readyz"]) assert.strictEqual((yield* get(server.adminUrl, path)).status, 200)
      })
    )
  )

  it.live("speaks HTTP/1.1 only, in which a connection is one request at a time", () =>
    isolated(
      Effect.gen(function* () {
        const { server } = yield* serveHttp(answer("x"), { admin })
        const client = yield* open(portOf(server.adminUrl))
        client.send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
        yield* client.ended
        assert.match(client.text, /^HTTP\/1\.1 /)
      })
    )
  )
})
