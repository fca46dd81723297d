import { assert, describe, it } from "@effect/vitest"
import { toBytes } from "@pagi/core/bytes/ByteString"
import type * as ServerOptions from "@pagi/core/ServerOptions"
import * as Effect from "effect/Effect"
import { open, requestText } from "./support/Client.ts"
import { app, goAwayCode, isAnswered } from "./support/Http2Detection.ts"
import { frame, HEADERS, opening, preface, SETTINGS } from "./support/Http2Raw.ts"
import { serveHttp } from "./support/Server.ts"
import { openTls, serverTls } from "./support/TlsClient.ts"
import { until } from "./support/Until.ts"

const serveTls = (options: ServerOptions.Input = {}) =>
  Effect.flatMap(serverTls, (tls) => serveHttp(app, { tls, ...options }))

/** TLS requests name the host of the certificate. */
const openingOverTls = Buffer.concat([
  toBytes(preface),
  frame(SETTINGS, 0, 0),
  frame(HEADERS, 0x5, 1, "\x82\x87\x84\x01\x09localhost")
])

describe("without HTTP/2", () => {
  it.live("its preface is a request of a version that is not served", () =>
    Effect.gen(function* () {
      const { port } = yield* serveHttp(app, { http2: false })
      const client = yield* open(port)
      client.send(opening)
      yield* client.ended
      assert.match(client.text, /^HTTP\/1\.1 505 /)
      const other = yield* open(port)
      other.get("/", "Connection: close\r\n")
      yield* other.ended
      assert.match(other.text, /GET 1\.1$/)
    })
  )

  it.live("clients that offer it by ALPN get HTTP/1.1", () =>
    Effect.gen(function* () {
      const { port } = yield* serveTls({ http2: false })
      const client = yield* openTls(port, { ALPNProtocols: ["h2", "http/1.1"] })
      assert.strictEqual(client.socket.alpnProtocol, "http/1.1")
      client.get("/", "Connection: close\r\n")
      yield* client.ended
      assert.match(client.text, /GET 1\.1$/)
      const failure = yield* Effect.flip(openTls(port, { ALPNProtocols: ["h2"] }))
      assert.strictEqual(failure, "ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL")
    })
  )
})

describe("by ALPN", () => {
  for (const [offered, chosen] of [
    [["h2"], "h2"],
    [["h2", "http/1.1"], "h2"],
    [["http/1.1", "h2"], "h2"],
    [["foo", "h2"], "h2"],
    [["http/1.1"], "http/1.1"],
    [undefined, false]
  ] as const) {
    it.live(`${offered?.join(" and ") ?? "nothing"} comes to ${chosen || "HTTP/1.1"}`, () =>
      Effect.gen(function* () {
        const { port } = yield* serveTls()
        const client = yield* openTls(port, offered === undefined ? {} : { ALPNProtocols: [...offered] })
        assert.strictEqual(client.socket.alpnProtocol, chosen)
        if (chosen === "h2") {
          client.send(openingOverTls)
          yield* isAnswered(client)
        } else {
          client.get("/", "Connection: close\r\n")
          yield* client.ended
          assert.match(client.text, /^HTTP\/1\.1 200 OK\r\n.*GET 1\.1$/s)
        }
      })
    )
  }

  it.live("something else alone is refused", () =>
    Effect.gen(function* () {
      const { port } = yield* serveTls()
      const failure = yield* Effect.flip(openTls(port, { ALPNProtocols: ["foo"] }))
      assert.strictEqual(failure, "ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL")
    })
  )

  for (const [name, sent] of Object.entries({
    "a request of HTTP/1.1": requestText(),
    garbage: "\0\xff\r\n\r\n".repeat(10)
  })) {
    it.live(`h2 is not left again: ${name} fails the connection`, () =>
      Effect.gen(function* () {
        const { port, server } = yield* serveTls()
        const client = yield* openTls(port, { ALPNProtocols: ["h2"] })
        client.send(toBytes(sent))
        yield* client.ended
        assert.strictEqual(goAwayCode(client), 1)
        assert.notMatch(client.text, /^HTTP/)
        yield* until("the connection is gone", () => Effect.runSync(server.connectionCount) === 0)
      })
    )
  }

  it.live("http/1.1, or nothing, does not become HTTP/2 by its preface", () =>
    Effect.gen(function* () {
      const { port } = yield* serveTls()
      for (const options of [{ ALPNProtocols: ["http/1.1"] }, {}]) {
        const client = yield* openTls(port, options)
        client.send(openingOverTls)
        yield* client.ended
        assert.match(client.text, /^HTTP\/1\.1 505 /)
      }
    })
  )
})
