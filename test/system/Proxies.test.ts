import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Schema from "effect/Schema"
import { isMeasurable, tell } from "./support/Memory.ts"
import { askHttp1, askHttp2, type Asked, clientAddress, forged, openWebSocket, Seen } from "./support/ProxyClients.ts"
import { kill } from "./support/SupervisorProcesses.ts"
import { familyOf, familyWith, startedBy } from "./support/SupervisorPool.ts"
import { visit } from "./support/ProxyVisitors.ts"
import { type Changes, type Configuration, isInstalled, startBehind } from "./support/ProxyPrograms.ts"
import { until } from "./support/Until.ts"

/** A configuration, and which version of HTTP the server is spoken to in when the client speaks each of them. */
interface Way {
  readonly configuration: Configuration
  readonly versions: readonly [forHttp1: string, forHttp2: string]
  readonly changes?: Changes
}

const appServer = "server app 127.0.0.1:5000 check"

const ways: Readonly<Record<string, Way>> = {
  nginx: { configuration: "nginx.conf", versions: ["1.1", "1.1"] },
  "nginx, by the PROXY protocol": { configuration: "nginx-stream.conf", versions: ["1.1", "2"] },
  HAProxy: { configuration: "haproxy.cfg", versions: ["1.1", "1.1"] },
  "HAProxy, in HTTP/2": {
    configuration: "haproxy.cfg",
    versions: ["2", "2"],
    changes: { [appServer]: `${appServer} proto h2` }
  },
  "HAProxy, by the PROXY protocol": { configuration: "haproxy-tcp.cfg", versions: ["1.1", "2"] },
  Caddy: { configuration: "Caddyfile", versions: ["1.1", "1.1"] },
  "Caddy, in HTTP/2": {
    configuration: "Caddyfile-h2c",
    versions: ["2", "2"]
  }
}

const asks = [askHttp1, askHttp2] as const

/** What the server is told of a client behind a proxy. */
const seenBy = (port: number, scheme: string, httpVersion: string | undefined) => ({
  client: clientAddress,
  scheme,
  host: `localhost:${port}`,
  rootPath: "",
  httpVersion
})

const expectSeen = (text: string, expected: object) =>
  Effect.map(Schema.decodeEffect(Seen)(text), ({ pid: _, ...seen }) => assert.deepStrictEqual(seen, expected as never))

describe.skipIf(!isMeasurable).each(Object.entries(ways))(
  "behind %s",
  (name, { configuration, versions, ...options }) => {
    const behind = startBehind(configuration, options)
    // Behind a proxy that passes bytes on, clients have the connections of workers, which a restart ends.
    const keepsConnections = configuration !== "nginx-stream.conf" && configuration !== "haproxy-tcp.cfg"

    it.live.skipIf(!isInstalled(configuration))(
      "clients are who they are, in answers, streams, WebSockets and logs",
      () =>
        Effect.gen(function* () {
          const { accessLog, port } = yield* behind
          for (const [index, ask] of asks.entries()) {
            for (const headers of [{}, forged]) {
              const expected = seenBy(port, "https", versions[index])
              const { body, status } = yield* ask(port, `/seen-${index}`, { headers })
              assert.strictEqual(status, 200, body)
              yield* expectSeen(body, expected)
              // A stream that does not end: its first event has to come nevertheless.
              const asked: Asked = {
                headers: { ...headers, accept: "text/event-stream" },
                isEnough: (text) => text.endsWith("\n\n")
              }
              const stream = yield* ask(port, `/stream-${index}`, asked)
              yield* expectSeen(stream.body.replace(/^data: /, ""), expected)
              const part = yield* ask(port, "/part", { headers, isEnough: (text) => text === "part" })
              assert.strictEqual(part.status, 200)
            }
          }
          for (const headers of [{}, forged]) {
            const { messages, receives, socket } = yield* openWebSocket(port, headers)
            yield* receives(1)
            const { httpVersion } = yield* Schema.decodeEffect(Seen)(messages[0] ?? "")
            yield* expectSeen(messages[0] ?? "", seenBy(port, "wss", httpVersion))
            for (const text of ["a", "b".repeat(100_000)]) {
              const count = messages.length
              socket.send(text)
              yield* receives(count + 1)
              assert.strictEqual(messages[count], text)
            }
          }
          const targets = ["/seen-0", "/seen-1", "/stream-0", "/stream-1"]
          const lines = () => accessLog().filter((line) => targets.some((target) => line.includes(` ${target} `)))
          yield* until(
            "all requests are in the log",
            Effect.sync(() => lines().length === 8)
          )
          for (const line of lines()) assert.match(line, /^127\.0\.0\.2 GET \/(?:seen|stream)-[01] 200$/)
        })
    )

    it.live.skipIf(!isInstalled(configuration))(
      "a restart of the workers loses no request, and a stop none under way",
      () =>
        Effect.gen(function* () {
          const { pool, port, proxy } = yield* behind
          const before = startedBy(pool)
          const visits = yield* visit(port, keepsConnections)
          yield* until(
            "all clients have been answered",
            Effect.sync(() => visits.count() > 40)
          )
          const slow = yield* Effect.forkChild(askHttp1(port, "/slow"))
          yield* until(
            "a slow one is under way",
            Effect.sync(() => pool.output().includes("begun: "))
          )
          kill(familyOf(pool).parent, "SIGHUP")
          yield* until(
            "all workers are other ones",
            Effect.sync(
              () => startedBy(pool).length === 4 && familyOf(pool).workers.every((pid) => !before.includes(pid))
            )
          )
          assert.strictEqual((yield* Fiber.join(slow)).status, 200)
          const { count, failures, pids } = yield* visits.end
          yield* tell(`${name}, HUP: ${count} requests meanwhile, ${failures.length} lost`)
          assert.deepStrictEqual(failures, [], proxy.output())
          assert.isTrue(
            startedBy(pool)
              .slice(2)
              .some((pid) => pids.has(pid)),
            "the new workers have answered"
          )
          // What is under way is answered, and nothing is left.
          const last = yield* Effect.forkChild(askHttp1(port, "/slow"))
          yield* until(
            "another slow one is under way",
            Effect.sync(() => pool.output().split("begun: ").length === 3)
          )
          kill(familyOf(pool).parent, "SIGTERM")
          assert.strictEqual((yield* Fiber.join(last)).status, 200)
          assert.deepStrictEqual(yield* pool.result, { code: 0, signal: null })
        })
    )
  }
)

/**
 * Where each proxy says how long it keeps idle connections to the server, with a second in its place. HAProxy closes half
 * of them each time: so often that all are closed within the three seconds of the server.
 */
const idleTimes: Readonly<Record<string, { readonly configuration: Configuration; readonly changes: Changes }>> = {
  nginx: {
    configuration: "nginx.conf",
    changes: { "keepalive_timeout 60s": "keepalive_timeout 1s" }
  },
  HAProxy: {
    configuration: "haproxy.cfg",
    changes: { [appServer]: `${appServer} pool-purge-delay 200ms` }
  },
  Caddy: { configuration: "Caddyfile", changes: { "keepalive 60s": "keepalive 1s" } }
}

describe.skipIf(!isMeasurable).each(Object.entries(idleTimes))("%s", (name, { changes, configuration }) => {
  it.live.skipIf(!isInstalled(configuration))("closes idle connections before the server does, and loses no POST", () =>
    Effect.gen(function* () {
      const { port, proxy } = yield* startBehind(configuration, { changes, flags: ["--timeout=3"] })
      const client = (index: number) =>
        Effect.forEach(Array.from({ length: 6 }), (_, round) =>
          // Pauses around a second, each a bit longer, and some around the three of the server.
          Effect.sleep(`${(round === 5 ? 2900 : 900) + 17 * index} millis`).pipe(
            Effect.andThen(askHttp1(port, "/", { method: "POST" })),
            Effect.map(({ status }) => status)
          )
        )
      const statuses = (yield* Effect.all(
        Array.from({ length: 12 }, (_, index) => client(index)),
        { concurrency: "unbounded" }
      )).flat()
      yield* tell(`${name}: ${statuses.length} POST after pauses`)
      assert.deepStrictEqual(
        statuses.filter((status) => status !== 200),
        [],
        proxy.output()
      )
    })
  )
})

/** How each proxy names a Unix socket. */
const sockets: Readonly<
  Record<string, { readonly configuration: Configuration; readonly socket: (path: string) => string }>
> = {
  nginx: { configuration: "nginx.conf", socket: (path) => `unix:${path}` },
  HAProxy: { configuration: "haproxy.cfg", socket: (path) => `unix@${path}` },
  Caddy: { configuration: "Caddyfile", socket: (path) => `unix/${path}` }
}

describe.skipIf(!isMeasurable).each(Object.entries(sockets))(
  "%s, over a Unix socket,",
  (name, { configuration, socket }) => {
    it.live.skipIf(!isInstalled(configuration))("says who clients are, and a hot restart loses no request", () =>
      Effect.gen(function* () {
        const { pool, port, proxy } = yield* startBehind(configuration, { socket })
        for (const ask of asks) {
          yield* expectSeen((yield* ask(port, "/seen", { headers: forged })).body, seenBy(port, "https", "1.1"))
        }
        const { parent } = familyOf(pool)
        const visits = yield* visit(port, true)
        kill(parent, "SIGUSR2")
        const { workers } = yield* familyWith(pool, "a successor has taken over", (now) => now.parent !== parent)
        const count = visits.count()
        yield* until(
          "all clients have been answered since",
          Effect.sync(() => visits.count() > count + 40)
        )
        const { failures, pids, ...ended } = yield* visits.end
        yield* tell(`${name} over a Unix socket, USR2: ${ended.count} requests meanwhile, ${failures.length} lost`)
        assert.deepStrictEqual(failures, [], proxy.output())
        assert.isTrue(workers.some((pid) => pids.has(pid)))
      })
    )
  }
)
