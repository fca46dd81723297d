import { assert, describe, it } from "@effect/vitest"
import type { HttpHandler } from "@pagi/core/PagiApp"
import type { HttpScope } from "@pagi/core/Scope"
import type { SendError } from "@pagi/core/SendError"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import { existsSync, statSync } from "node:fs"
import { join } from "node:path"
import { type Client, fetchText, open, openUnix } from "../support/Client.ts"
import { listenTcp } from "../support/Listen.ts"
import { answer, serveHttp } from "../support/Server.ts"
import { temporaryFolder } from "../../../../test/support/TemporaryFolder.ts"
import { until } from "../support/Until.ts"

/** Runs with a logger that keeps every message. */
const withMessages = <A, E, R>(run: (messages: ReadonlyArray<string>) => Effect.Effect<A, E, R>) => {
  const messages: Array<string> = []
  const logger = Logger.make(({ message }) => {
    messages.push(String(message))
  })
  return Effect.provide(run(messages), Logger.layer([logger]))
}

const responseOf = (client: Client) =>
  Effect.gen(function* () {
    client.get("/", "Connection: close\r\n")
    yield* client.ended
    return client.text
  })

/** Answers, and keeps the scopes of the requests. */
const keepScopes =
  (scopes: Array<HttpScope>): HttpHandler<SendError> =>
  (scope, receive, send) => {
    scopes.push(scope)
    return answer("here")(scope, receive, send)
  }

describe("a server with several listeners", () => {
  it.live("serves on all of them, and tells where", () =>
    withMessages((messages) =>
      Effect.gen(function* () {
        const path = join(yield* temporaryFolder, "app.sock")
        const { server } = yield* serveHttp(answer("here"), {
          listen: [{ socket: path, socketMode: 0o600 }, "127.0.0.1:0", { host: "::1", port: 0 }],
          logLevel: "info"
        })
        const [unix, four, six] = server.listeners
        assert.deepStrictEqual(unix?.address, [path, null])
        assert.deepStrictEqual(server.address, [path, null])
        assert.deepStrictEqual(four?.address, ["127.0.0.1", server.port])
        assert.strictEqual(six?.address[0], "::1")
        assert.deepStrictEqual(
          messages.slice(0, -1),
          server.listeners.map(({ url }) => `listening on ${url}`)
        )
        assert.deepStrictEqual(
          messages.at(-1)?.split(": ")[1]?.split(" "),
          server.listeners.map(({ url }) => url)
        )
        assert.deepStrictEqual(
          server.listeners.map(({ url }) => url),
          [`unix:${path}`, `http://127.0.0.1:${server.port}/`, `http://[::1]:${six?.address[1]}/`]
        )
        assert.strictEqual(statSync(path).mode & 0o777, 0o600)
        for (const client of [
          yield* openUnix(path),
          yield* open(server.port),
          yield* open(six?.address[1] ?? 0, { host: "::1" })
        ]) {
          assert.match(yield* responseOf(client), /here$/)
        }
      })
    )
  )

  it.live("closes all of them when it stops", () =>
    Effect.gen(function* () {
      const path = join(yield* temporaryFolder, "app.sock")
      const { close, server } = yield* serveHttp(answer("here"), { listen: ["127.0.0.1:0", path] })
      yield* close
      assert.strictEqual(yield* Effect.flip(open(server.port)), "ECONNREFUSED")
      assert.isFalse(existsSync(path))
    })
  )

  it.live("has none of them when one cannot be had, and announces none", () =>
    withMessages((messages) =>
      Effect.gen(function* () {
        const path = join(yield* temporaryFolder, "app.sock")
        const { address } = yield* listenTcp({
          host: "127.0.0.1",
          port: 0,
          backlog: 1,
          onAcceptError: () => {},
          onSocket: ({ socket }) => socket.destroy()
        })
        const used = address[1] ?? 0
        const error = yield* Effect.flip(
          Effect.scoped(serveHttp(answer("here"), { listen: [path, `127.0.0.1:${used}`], logLevel: "info" }))
        )
        assert.strictEqual(error.message, `port ${used} on 127.0.0.1 is already in use`)
        assert.isFalse(existsSync(path))
        assert.notInclude(messages.join(), "listening")
      })
    )
  )

  it.live("on Unix sockets only has no port", () =>
    Effect.gen(function* () {
      const path = join(yield* temporaryFolder, "app.sock")
      const { server } = yield* serveHttp(answer("here"), { socket: path })
      assert.strictEqual(server.port, 0)
      assert.deepStrictEqual(server.address, [path, null])
    })
  )
})

describe("a connection over a Unix socket", () => {
  it.live("has no client address, and the path as the server's", () =>
    Effect.gen(function* () {
      const path = join(yield* temporaryFolder, "app.sock")
      const scopes: Array<HttpScope> = []
      yield* serveHttp(keepScopes(scopes), { socket: path })
      assert.match(yield* responseOf(yield* openUnix(path)), /^HTTP\/1\.1 200 .*here$/s)
      assert.deepStrictEqual(
        scopes.map((scope) => "client" in scope),
        [false]
      )
      assert.deepStrictEqual(scopes[0]?.server, [path, null])
    })
  )

  it.live("carries bodies both ways", () =>
    Effect.gen(function* () {
      const path = join(yield* temporaryFolder, "app.sock")
      const size = 5_000_000
      yield* serveHttp(
        Effect.fnUntraced(function* (_scope, receive, send) {
          let length = 0
          while (true) {
            const event = yield* receive
            if (event.type === "http.disconnect") return
            length += event.body.length
            if (!event.more) break
          }
          yield* send({ type: "http.response.start", status: 200 })
          yield* send({ type: "http.response.body", body: "x".repeat(length) })
        }),
        { socket: path }
      )
      const client = yield* openUnix(path)
      client.send(`POST / HTTP/1.1\r\nHost: test\r\nConnection: close\r\nContent-Length: ${size}\r\n\r\n`)
      client.send(Buffer.alloc(size))
      yield* client.ended
      assert.strictEqual(client.body.toString().match(/x/g)?.length, size)
    })
  )

  it.live("is closed when the application fails in the middle of a response, where TCP has a reset", () =>
    Effect.gen(function* () {
      const path = join(yield* temporaryFolder, "app.sock")
      yield* serveHttp(
        Effect.fnUntraced(function* (_scope, _receive, send) {
          yield* send({ type: "http.response.start", status: 200, headers: [["content-length", "10"]] })
          yield* send({ type: "http.response.body", body: "half", more: true })
          return yield* Effect.fail("broken")
        }),
        { socket: path, logLevel: "error" }
      )
      const client = yield* openUnix(path)
      client.get()
      yield* client.closed
      assert.match(client.text, /\r\n\r\nhalf$/)
    })
  )

  it.live("is closed at once when the server gives up, also for a peer that has sent what nobody reads", () =>
    Effect.gen(function* () {
      const path = join(yield* temporaryFolder, "app.sock")
      const { server } = yield* serveHttp(answer("here"), { socket: path, headersTimeout: "100 millis" })
      const client = yield* openUnix(path)
      client.send("GET / HTTP/1.1\r\n")
      yield* client.ended
      assert.match(client.text, /^HTTP\/1\.1 408 /)
      client.socket.destroy()
      yield* until("the server has closed it", () => Effect.runSync(server.connectionCount) === 0)
    })
  )
})

describe("a port that is taken on one address", () => {
  it.live("can be had on another", () =>
    Effect.gen(function* () {
      const { port } = yield* serveHttp(answer("four"), { host: "127.0.0.1" })
      const { server } = yield* serveHttp(answer("six"), { listen: [{ host: "::1", port }] })
      assert.match(yield* fetchText(port), /four$/)
      assert.match(yield* responseOf(yield* open(server.port, { host: "::1" })), /six$/)
    })
  )
})
