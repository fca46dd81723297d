import { assert, describe, it } from "@effect/vitest"
import * as ServerOptions from "@pagi/core/ServerOptions"
import type { MemoryTransport } from "@pagi/core/testing/MemoryTransport"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"
import type { Protocol } from "../../src/accept/Protocol.ts"
import { httpProtocols, Protocols, type ProtocolTable } from "../../src/accept/Protocols.ts"
import { alpnNames } from "../../src/accept/ServerProtocols.ts"
import { requestText } from "../support/Client.ts"
import { app } from "../support/Http2Detection.ts"
import { DATA, framesOf, GOAWAY, opening, SETTINGS } from "../support/Http2Raw.ts"
import { lineEcho, lineEchoAfter } from "../support/LineEcho.ts"
import { endsWith, serveInMemory } from "../support/MemoryListener.ts"
import { serveHttp } from "../support/Server.ts"
import { openTls, serverTls } from "../support/TlsClient.ts"
import { until } from "../support/Until.ts"

/** The protocols of HTTP, and one before them. */
const withRow = (row: Protocol): ProtocolTable => ({ ...httpProtocols, chosen: [row, ...httpProtocols.chosen] })

const table = withRow(lineEcho)

const withTable = (table: ProtocolTable) => Effect.provideService(Protocols, table)

/** A server with TLS that speaks one protocol more than others. */
const serveEchoOverTls = (options: ServerOptions.Input = {}) =>
  Effect.flatMap(serverTls, (tls) => withTable(table)(serveHttp(app, { tls, ...options })))

const bytesOf = ({ text }: MemoryTransport) => Buffer.from(text, "latin1")

const overEcho = { ALPNProtocols: ["toy/1"], allowHalfOpen: true }

describe("the table of protocols", () => {
  it.effect("offers by ALPN what the options leave on, and the fallback last", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(alpnNames(table, yield* ServerOptions.make({})), ["toy/1", "h2", "http/1.1"])
      assert.deepStrictEqual(alpnNames(table, yield* ServerOptions.make({ http2: false })), ["toy/1", "http/1.1"])
      const unoffered = withRow({ ...lineEcho, isOffered: false })
      assert.deepStrictEqual(alpnNames(unoffered, yield* ServerOptions.make({})), ["h2", "http/1.1"])
    })
  )

  it.live("has a protocol that was added spoken by whoever chooses it by ALPN", () =>
    Effect.gen(function* () {
      const { close, port, server } = yield* serveEchoOverTls()
      const client = yield* openTls(port, overEcho)
      assert.strictEqual(client.socket.alpnProtocol, "toy/1")
      client.send("one\ntw")
      yield* client.endsWith("one\n")
      client.send("o\n")
      yield* client.endsWith("two\n")
      assert.strictEqual(yield* server.connectionCount, 1)

      const other = yield* openTls(port, { ALPNProtocols: ["http/1.1"] })
      other.get()
      yield* other.endsWith("GET 1.1")
      other.socket.destroy()

      const closing = yield* Effect.forkChild(close)
      yield* client.ended
      assert.strictEqual(client.text, "one\ntwo\nbye\n")
      client.socket.end()
      yield* Fiber.join(closing)
    })
  )

  it.live("has clients beyond the limit turned away in the protocol that they have chosen", () =>
    Effect.gen(function* () {
      const { port, server } = yield* serveEchoOverTls({ maxConnections: 1 })
      const first = yield* openTls(port, overEcho)
      first.send("one\n")
      yield* first.endsWith("one\n")
      const second = yield* openTls(port, overEcho)
      yield* second.ended
      assert.strictEqual(second.text, "full\n")
      assert.strictEqual(yield* server.connectionCount, 1)
    })
  )

  it.live("has a protocol spoken that only a listener that was added offers", () =>
    Effect.gen(function* () {
      const { connect, listener } = yield* withTable(withRow({ ...lineEcho, isOffered: false }))(serveInMemory())
      assert.deepStrictEqual(listener.acceptor?.alpn, ["h2", "http/1.1"])
      const client = yield* connect("toy/1")
      client.push("one\n")
      yield* endsWith(client, "one\n")
      assert.strictEqual(client.text, "one\n")
      const other = yield* connect("http/1.1")
      other.push(requestText())
      yield* endsWith(other, "served")
    })
  )

  it.live("tells protocols apart by their first bytes, also byte by byte", () =>
    Effect.gen(function* () {
      const { connect } = yield* withTable(table)(serveInMemory())
      const echo = yield* connect()
      for (const character of "ECHO\n1\n") echo.push(character)
      yield* endsWith(echo, "1\n")
      assert.strictEqual(echo.text, "ECHO\n1\n")

      const http2 = yield* connect()
      for (const byte of opening) http2.push(Uint8Array.of(byte))
      yield* until("a response by HTTP/2 arrives", () => framesOf(bytesOf(http2)).some(({ type }) => type === DATA))
      assert.strictEqual(framesOf(bytesOf(http2))[0]?.type, SETTINGS)

      const http1 = yield* connect()
      // As the echo's beginning, up to its second byte.
      http1.push("EC")
      http1.push(" / HTTP/1.1\r\nHost: test\r\n\r\n")
      yield* endsWith(http1, "served")
      assert.match(http1.text, /^HTTP\/1\.1 200 OK\r\n/)
    })
  )

  it.effect("limits how long the first bytes may take, and nothing after them", () =>
    Effect.gen(function* () {
      const { connect } = yield* serveInMemory({ headersTimeout: "10 seconds", timeout: 0 })
      const silent = yield* connect()
      const client = yield* connect()
      client.push(requestText())
      yield* endsWith(client, "served")
      yield* TestClock.adjust("15 seconds")
      assert.strictEqual(silent.ending, "destroyed")
      assert.strictEqual(client.ending, "open")
    })
  )

  it.live("asks the rows in their order, and a later one when those before it have refused", () =>
    Effect.gen(function* () {
      // Its first line is one that HTTP/2 takes for a mistaken preface.
      const greeting = "LINES OF TEXT\r\nPLEASE\n"
      const { connect } = yield* withTable(withRow(lineEchoAfter(greeting)))(serveInMemory())
      const echo = yield* connect()
      echo.push("LINES OF TEXT\r\n")
      echo.push("PLEASE\n1\n")
      yield* endsWith(echo, "1\n")
      assert.strictEqual(echo.text, "LINES OF TEXT\r\nPLEASE\n1\n")

      const http2 = yield* connect()
      http2.push("LINES OF TEXT\r\nNOW\n")
      yield* until("it is answered by HTTP/2", () => framesOf(bytesOf(http2)).some(({ type }) => type === GOAWAY))
    })
  )
})
