import { assert, describe, it } from "@effect/vitest"
import * as ServerOptions from "@pagi/core/ServerOptions"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { httpProtocols, Protocols } from "../../src/accept/Protocols.ts"
import { alpnNames } from "../../src/accept/ServerProtocols.ts"
import { open } from "../support/Client.ts"
import { app, isAnswered } from "../support/Http2Detection.ts"
import { opening } from "../support/Http2Raw.ts"
import { lineEcho } from "../support/LineEcho.ts"
import { serveHttp } from "../support/Server.ts"
import { openTls, serverTls } from "../support/TlsClient.ts"
import { turns } from "../support/Until.ts"

const table = { ...httpProtocols, chosen: [lineEcho, ...httpProtocols.chosen] }

/** A server that speaks one protocol more than others. */
const serveWithEcho = (options: ServerOptions.Input = {}) =>
  serveHttp(app, options).pipe(Effect.provideService(Protocols, table))

const serveEchoOverTls = (options: ServerOptions.Input = {}) =>
  Effect.flatMap(serverTls, (tls) => serveWithEcho({ tls, ...options }))

const overEcho = { ALPNProtocols: ["toy/1"], allowHalfOpen: true }

describe("the table of protocols", () => {
  it.effect("offers by ALPN what the options leave on, and the fallback last", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(alpnNames(table, yield* ServerOptions.make({})), ["toy/1", "h2", "http/1.1"])
      assert.deepStrictEqual(alpnNames(table, yield* ServerOptions.make({ http2: false })), ["toy/1", "http/1.1"])
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

  it.live("tells protocols apart by their first bytes, also byte by byte", () =>
    Effect.gen(function* () {
      const { port } = yield* serveWithEcho()
      const echo = yield* open(port)
      echo.socket.setNoDelay(true)
      for (const character of "ECHO\n1\n") {
        echo.send(character)
        yield* turns(5)
      }
      yield* echo.endsWith("1\n")
      assert.strictEqual(echo.text, "ECHO\n1\n")

      const http2 = yield* open(port)
      http2.send(opening)
      yield* isAnswered(http2)

      const http1 = yield* open(port)
      // As the echo's beginning, up to its second byte.
      http1.send("EC")
      yield* turns(20)
      http1.send(" / HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n")
      yield* http1.ended
      assert.match(http1.text, /^HTTP\/1\.1 /)
    })
  )
})
