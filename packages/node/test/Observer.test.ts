import { assert, describe, it } from "@effect/vitest"
import { type ObservedConnection, Observer } from "@pagi/core/Observer"
import * as PagiApp from "@pagi/core/PagiApp"
import type { SendError } from "@pagi/core/SendError"
import type { Input } from "@pagi/core/ServerOptions"
import * as Effect from "effect/Effect"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { fetchText, open, requestText } from "./support/Client.ts"
import { answer, serve, serveHttp, type TestServer } from "./support/Server.ts"
import { temporaryFolder } from "../../../test/support/TemporaryFolder.ts"
import { openTls, serverTls } from "./support/TlsClient.ts"
import { until } from "./support/Until.ts"

/** Notes what a server tells, with the address of the client where it is told. */
const recorder = () => {
  const events: Array<string> = []
  const bytes = { received: 0, sent: 0 }
  const note = (event: string, { client }: ObservedConnection): void => void events.push(`${event} of ${client?.[0]}`)
  const observer: Observer = {
    connectionOpened: () => events.push("opened"),
    connectionClosed: (protocol, reason) => events.push(`closed ${protocol} ${reason}`),
    bytesReceived: (length) => {
      bytes.received += length
    },
    bytesSent: (length) => {
      bytes.sent += length
    },
    tlsHandshakeEnded: (outcome, version) => events.push(`handshake ${outcome} ${version}`),
    exchangeStarted: (request, connection) => note(`started ${request?.target}`, connection),
    applicationStarted: () => events.push("application"),
    exchangeEnded: (record) => note(`ended ${record.status} ${record.outcome}`, record),
    protocolError: (reason, connection) => note(`error ${reason}`, connection),
    limitHit: (limit, connection) => note(`limit ${limit}`, connection)
  }
  return { bytes, events, observer }
}

const serveObserved = (options: Input = {}) =>
  Effect.gen(function* () {
    const { bytes, events, observer } = recorder()
    const running = yield* serveHttp(answer("here"), options).pipe(Effect.provideService(Observer, observer))
    return { ...running, bytes, events }
  })

const connections = ({ server }: TestServer, count: number) =>
  until(`there are ${count} connections`, () => Effect.runSync(server.connectionCount) === count)

const host = "127.0.0.1"
const served = [`started / of ${host}`, "application", `ended 200 complete of ${host}`]

describe("an observer of the context of a server", () => {
  it.live("is told of each connection and exchange, besides the access log", () =>
    Effect.gen(function* () {
      const accessLog = join(yield* temporaryFolder, "access.log")
      const { close, events, port } = yield* serveObserved({ accessLog, accessLogFormat: "%m %U %s" })
      assert.match(yield* fetchText(port), /here$/)
      yield* close
      assert.deepStrictEqual(events, ["opened", ...served, "closed http/1.1 complete"])
      assert.strictEqual(readFileSync(accessLog, "utf8"), "GET / 200\n")
    })
  )

  it.live("is told what is spoken on a connection as it turns out", () =>
    Effect.gen(function* () {
      const changes: Array<string> = []
      const observer: Observer = {
        connectionOpened: (protocol) => changes.push(`opened ${protocol}`),
        protocolChanged: (protocol, before) => changes.push(`${before} to ${protocol}`)
      }
      const webSocket: PagiApp.WebSocketHandler<SendError> = (_scope, receive, send) =>
        Effect.andThen(receive, Effect.andThen(send({ type: "websocket.accept" }), Effect.asVoid(receive)))
      const application = PagiApp.make({ http: answer("here"), websocket: webSocket })
      const { port } = yield* serve(application).pipe(Effect.provideService(Observer, observer))
      const client = yield* open(port)
      client.get()
      yield* client.endsWith("here")
      assert.deepStrictEqual(changes.splice(0), ["opened unknown", "unknown to http/1.1"])
      client.send(
        requestText(
          "/",
          "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
        )
      )
      yield* until("the connection is a WebSocket", () => changes.length > 0)
      assert.deepStrictEqual(changes, ["http/1.1 to websocket"])
    })
  )

  it.live("is told once of a connection that never says what it speaks", () =>
    Effect.gen(function* () {
      const running = yield* serveObserved()
      const client = yield* open(running.port)
      yield* connections(running, 1)
      client.socket.resetAndDestroy()
      yield* connections(running, 0)
      assert.deepStrictEqual(running.events.splice(0), ["opened", "closed unknown client_closed"])
      const polite = yield* open(running.port)
      yield* connections(running, 1)
      polite.socket.end()
      yield* polite.ended
      yield* connections(running, 0)
      assert.deepStrictEqual(running.events, ["opened", "closed unknown client_closed"])
    })
  )

  it.live("is told of clients that are turned away, which are no connections", () =>
    Effect.gen(function* () {
      const running = yield* serveObserved({ maxConnections: 1 })
      yield* open(running.port)
      yield* connections(running, 1)
      const second = yield* open(running.port)
      yield* second.ended
      assert.deepStrictEqual(running.events, [
        "opened",
        `limit maxConnections of ${host}`,
        `started undefined of ${host}`,
        `ended 503 at_capacity of ${host}`
      ])
    })
  )

  it.live("is told of a TLS connection from the beginning of its handshake, and of handshakes that fail", () =>
    Effect.gen(function* () {
      const running = yield* serveObserved({ tls: yield* serverTls })
      const leaving = yield* open(running.port)
      yield* connections(running, 1)
      leaving.socket.destroy()
      yield* connections(running, 0)
      assert.deepStrictEqual(running.events.splice(0).toSorted(), [
        "closed unknown client_closed",
        "handshake abandoned ",
        "opened"
      ])
      const garbage = yield* open(running.port)
      garbage.send(Buffer.alloc(1000, 0xff))
      yield* garbage.closed
      yield* connections(running, 0)
      assert.deepStrictEqual(running.events.splice(0), [
        "opened",
        `error tls-handshake of ${host}`,
        "handshake failed ",
        "closed unknown tls_failed"
      ])
      const client = yield* openTls(running.port, { maxVersion: "TLSv1.2" })
      client.get()
      yield* client.endsWith("here")
      const session = client.socket.getSession()
      client.socket.destroy()
      yield* connections(running, 0)
      const closed = "closed http/1.1 client_closed"
      assert.deepStrictEqual(running.events.splice(0), ["opened", "handshake full 1.2", ...served, closed])
      const again = yield* openTls(running.port, { maxVersion: "TLSv1.2", ...(session && { session }) })
      again.get()
      yield* again.endsWith("here")
      again.socket.destroy()
      yield* connections(running, 0)
      assert.deepStrictEqual(running.events, ["opened", "handshake resumed 1.2", ...served, closed])
    })
  )

  it.live("is told why connections end that say nothing: of a client that has waited, and of a server that stops", () =>
    Effect.gen(function* () {
      const running = yield* serveObserved({ headersTimeout: "200 millis" })
      const silent = yield* open(running.port)
      yield* silent.closed
      yield* connections(running, 0)
      assert.deepStrictEqual(running.events.splice(0), ["opened", "closed unknown idle_timeout"])
      yield* open(running.port)
      yield* connections(running, 1)
      yield* running.close
      assert.deepStrictEqual(running.events, ["opened", "closed unknown server_shutdown"])
    })
  )

  it.live("is told of each byte, without what TLS adds", () =>
    Effect.gen(function* () {
      for (const options of [{}, { tls: yield* serverTls }] satisfies ReadonlyArray<Input>) {
        const running = yield* serveObserved(options)
        const client = yield* "tls" in options ? openTls(running.port) : open(running.port)
        const requests = ["", "Connection: close\r\n"].map((more) => `GET / HTTP/1.1\r\nHost: localhost\r\n${more}\r\n`)
        for (const request of requests) client.send(request)
        yield* client.closed
        yield* connections(running, 0)
        assert.deepStrictEqual(running.bytes, { received: requests.join("").length, sent: client.text.length })
        assert.strictEqual(running.events.at(-1), "closed http/1.1 complete")
      }
    })
  )
})
