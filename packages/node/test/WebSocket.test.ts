import { assert, describe, it } from "@effect/vitest"
import type { WebSocketSendEvent } from "@pagi/core/Event"
import type { WebSocketHandler } from "@pagi/core/PagiApp"
import type * as ServerOptions from "@pagi/core/ServerOptions"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import type * as EffectScope from "effect/Scope"
import { join } from "node:path"
import { open } from "./support/Client.ts"
import { temporaryFolder } from "../../../test/support/TemporaryFolder.ts"
import { onStillClock } from "./support/Pace.ts"
import { serverTls } from "./support/TlsClient.ts"
import { mebibyte, pattern, settled } from "./support/Traffic.ts"
import { until } from "./support/Until.ts"
import {
  type ClientOptions,
  connect,
  connectTls,
  type Message,
  type WebSocketClient
} from "./support/WebSocketClient.ts"
import { describe as tell, echo, serveWebSocket } from "./support/WebSocketServer.ts"
import type { TestServer } from "./support/Server.ts"

interface Served {
  readonly server: TestServer
  readonly open: (options?: ClientOptions) => Effect.Effect<WebSocketClient, never, EffectScope.Scope>
}

type Serve = (
  handler: WebSocketHandler<unknown>,
  options?: ServerOptions.Input
) => Effect.Effect<Served, unknown, EffectScope.Scope>

const serveTcp: Serve = (handler, options) =>
  Effect.map(serveWebSocket(handler, options), (server) => ({
    server,
    open: (clientOptions) => connect(`ws://127.0.0.1:${server.port}`, clientOptions)
  }))

const serveTls: Serve = (handler, options) =>
  Effect.gen(function* () {
    const server = yield* serveWebSocket(handler, { ...options, tls: yield* serverTls })
    return { server, open: (clientOptions) => connectTls(server.port, clientOptions) }
  })

const serveUnix: Serve = (handler, options) =>
  Effect.gen(function* () {
    const path = join(yield* temporaryFolder, "app.sock")
    const server = yield* serveWebSocket(handler, { ...options, socket: path })
    return { server, open: (clientOptions) => connect(`ws+unix:${path}:/`, clientOptions) }
  })

/** Sends the events one after the other. */
const sending =
  (...events: ReadonlyArray<WebSocketSendEvent>): WebSocketHandler<unknown> =>
  (_scope, receive, send) =>
    Effect.andThen(
      receive,
      Effect.forEach(events, (event) => send(event), { discard: true })
    )

/** Accepts, and notes what it receives. */
const noting = (notes: Array<string>): WebSocketHandler<unknown> =>
  Effect.fnUntraced(function* (_scope, receive, send) {
    yield* send({ type: "websocket.accept" })
    while (!notes.some((note) => note.startsWith("disconnect"))) notes.push(tell(yield* receive))
  })

const messages: ReadonlyArray<Message> = [
  "",
  "hello",
  "grüße, 世界 \u{1f600}",
  Buffer.alloc(0),
  Buffer.from(pattern(125)),
  "x".repeat(126),
  Buffer.from(pattern(65_535)),
  "ü".repeat(50_000),
  Buffer.from(pattern(mebibyte))
]

const ways: Readonly<Record<string, Serve>> = { TCP: serveTcp, TLS: serveTls, "a Unix socket": serveUnix }

for (const [way, serve] of Object.entries(ways)) {
  describe(`WebSocket over ${way}`, () => {
    it.live("echoes text and bytes of all sizes, one by one and many at once", () =>
      Effect.gen(function* () {
        const { open } = yield* serve(echo())
        const client = yield* open()
        yield* client.opened
        for (const message of messages) {
          client.socket.send(message)
          yield* client.received(client.messages.length + 1)
        }
        for (const message of messages) client.socket.send(message)
        yield* client.received(2 * messages.length)
        assert.deepStrictEqual(client.messages, [...messages, ...messages])
      })
    )

    it.live("agrees on a subprotocol and sends the application's fields", () =>
      Effect.gen(function* () {
        const headers = [["x-field", "value"]] as const
        const { open } = yield* serve(sending({ type: "websocket.accept", subprotocol: "superchat", headers }))
        const client = yield* open({ subprotocols: ["chat", "superchat"] })
        let field: string | undefined
        client.socket.on("upgrade", (response) => {
          field = String(response.headers["x-field"])
        })
        yield* client.ended
        assert.strictEqual(client.socket.protocol, "superchat")
        assert.strictEqual(field, "value")
        assert.deepStrictEqual(client.closed, { code: 1000, reason: "" }, "the application has returned")
      })
    )

    it.live("answers pings, and sends its own", () =>
      Effect.gen(function* () {
        const { open } = yield* serve(
          Effect.fnUntraced(function* (_scope, receive, send) {
            yield* send({ type: "websocket.accept" })
            yield* send({ type: "websocket.keepalive", interval: 0.1, timeout: 5 })
            yield* receive
            yield* receive
          })
        )
        const client = yield* open()
        yield* client.opened
        client.socket.ping("are you there?")
        yield* until("pings and pongs arrive", () => client.pongs.length === 1 && client.pings.length >= 2)
        assert.deepStrictEqual(client.pongs, ["are you there?"])
        assert.strictEqual(client.closed, undefined)
      })
    )

    it.live("tells the client how the application closes, and the application how the client does", () =>
      Effect.gen(function* () {
        const notes: Array<string> = []
        const closingHandler = sending(
          { type: "websocket.accept" },
          { type: "websocket.close", code: 4002, reason: "tschüß" }
        )
        // Connections that linger would stay for ever.
        const { open, server } = yield* onStillClock(
          serve((...exchange) => (notes.length > 0 ? closingHandler : noting(notes))(...exchange))
        )
        const closing = yield* open()
        yield* closing.opened
        closing.socket.close(4001, "grüße")
        yield* closing.ended
        assert.deepStrictEqual(notes, ["connect", "disconnect 4001 grüße"])
        assert.strictEqual(closing.closed?.code, 4001)
        const closed = yield* open()
        yield* closed.ended
        assert.deepStrictEqual(closed.closed, { code: 4002, reason: "tschüß" })
        yield* until("the connections are gone", () => Effect.runSync(server.server.connectionCount) === 0)
      })
    )

    it.live("tells the application of a client that is gone", () =>
      Effect.gen(function* () {
        const notes: Array<string> = []
        const { open, server } = yield* serve(noting(notes))
        const client = yield* open()
        yield* client.opened
        client.socket.send("last")
        yield* until("the message arrives", () => notes.includes("last"))
        client.socket.terminate()
        yield* until("the connection is gone", () => Effect.runSync(server.server.connectionCount) === 0)
        assert.deepStrictEqual(notes, ["connect", "last", "disconnect 1006 client_closed"])
      })
    )

    it.live("refuses a handshake with 403, or with a response of the application", () =>
      Effect.gen(function* () {
        const { open } = yield* serve((scope, receive, send) => {
          const isTeapot = scope.headers.some(([name]) => name === "x-teapot")
          const denial: ReadonlyArray<WebSocketSendEvent> = isTeapot
            ? [
                { type: "websocket.http.response.start", status: 418, headers: [["x-kind", "pot"]] },
                { type: "websocket.http.response.body", body: "short ", more: true },
                { type: "websocket.http.response.body", body: "and stout" }
              ]
            : [{ type: "websocket.close" }]
          return sending(...denial)(scope, receive, send)
        })
        const forbidden = yield* open()
        yield* forbidden.refused
        assert.strictEqual(forbidden.refusal?.response.statusCode, 403)
        assert.strictEqual(forbidden.refusal?.body, "")
        const teapot = yield* open({ headers: { "X-Teapot": "yes" } })
        yield* teapot.refused
        assert.strictEqual(teapot.refusal?.response.statusCode, 418)
        assert.strictEqual(teapot.refusal?.response.headers["x-kind"], "pot")
        assert.strictEqual(teapot.refusal?.response.headers.connection, "close")
        assert.strictEqual(teapot.refusal?.body, "short and stout")
      })
    )

    it.live("closes sessions with 1001 when it drains, after what the application has still to say", () =>
      Effect.gen(function* () {
        const { open, server } = yield* serve(
          Effect.fnUntraced(function* (scope, receive, send) {
            yield* send({ type: "websocket.accept" })
            yield* scope.shuttingDown
            yield* send({ type: "websocket.send", text: "goodbye" })
            yield* receive
            yield* receive
          })
        )
        const client = yield* open()
        yield* client.opened
        yield* server.close
        yield* client.ended
        assert.deepStrictEqual(client.messages, ["goodbye"])
        assert.deepStrictEqual(client.closed, { code: 1001, reason: "the server is shutting down" })
      })
    )

    it.live("compresses for clients that want it, with whatever parameters", () =>
      Effect.gen(function* () {
        // What cannot be compressed becomes a little longer.
        const { open } = yield* serve(echo(), {
          maxWsFrameSize: 0,
          maxWsMessageSize: 2 * mebibyte,
          perMessageDeflate: true
        })
        for (const parameters of [
          {},
          { serverNoContextTakeover: true, clientNoContextTakeover: true },
          { serverMaxWindowBits: 9, clientMaxWindowBits: 10 }
        ]) {
          const client = yield* open({ perMessageDeflate: { threshold: 0, ...parameters } })
          yield* client.opened
          assert.include(client.socket.extensions, "permessage-deflate")
          for (const message of [...messages, ...messages]) client.socket.send(message)
          yield* client.received(2 * messages.length)
          assert.deepStrictEqual(client.messages, [...messages, ...messages])
          client.socket.close()
          yield* client.ended
        }
      })
    )

    it.live("does not let an application run ahead of a client that does not read, nor lose anything", () =>
      Effect.gen(function* () {
        const count = 1000
        let sent = 0
        const piece = pattern(32_768)
        const { open } = yield* serve(
          Effect.fnUntraced(function* (_scope, receive, send) {
            yield* send({ type: "websocket.accept" })
            for (; sent < count; sent++) yield* send({ type: "websocket.send", bytes: piece })
            yield* send({ type: "websocket.close" })
            yield* receive
          })
        )
        const client = yield* open()
        yield* client.opened
        client.socket.pause()
        yield* settled("the number of sent messages", () => sent)
        assert.isBelow(sent, count)
        client.socket.resume()
        yield* client.ended
        assert.strictEqual(client.messages.length, count)
        assert.strictEqual(client.closed?.code, 1000)
      })
    )

    it.live("does not read a client that sends faster than the application receives, nor lose anything", () =>
      Effect.gen(function* () {
        const mayReceive = Latch.makeUnsafe()
        const notes: Array<string> = []
        const { open } = yield* serve((scope, receive, send) =>
          Effect.gen(function* () {
            yield* send({ type: "websocket.accept" })
            yield* mayReceive.await
            yield* noting(notes)(scope, receive, () => Effect.void)
          })
        )
        const client = yield* open()
        yield* client.opened
        // Twice and more what the system takes for the two.
        const count = 600
        for (let index = 0; index < count; index++) client.socket.send(`${index}`.padEnd(50_000, "x"))
        yield* settled("what is not sent", () => client.socket.bufferedAmount)
        assert.isAbove(client.socket.bufferedAmount, 10 * mebibyte)
        yield* mayReceive.open
        client.socket.close(1000)
        yield* client.ended
        assert.strictEqual(notes.length, count + 2)
        assert.isTrue(notes.slice(1, -1).every((note, index) => Number.parseInt(note, 10) === index))
      })
    )
  })
}

describe("limits", () => {
  it.live("too large a frame, message or inflated message is answered with 1009", () =>
    Effect.gen(function* () {
      const { open } = yield* serveTcp(echo(), {
        maxWsFrameSize: 5000,
        maxWsMessageSize: 9000,
        perMessageDeflate: true
      })
      const sends: ReadonlyArray<(client: WebSocketClient) => void> = [
        ({ socket }) => socket.send("x".repeat(5001), { compress: false }),
        ({ socket }) => {
          socket.send("x".repeat(5000), { compress: false, fin: false })
          socket.send("x".repeat(4001), { compress: false })
        },
        ({ socket }) => socket.send("x".repeat(mebibyte), { compress: true })
      ]
      for (const send of sends) {
        const client = yield* open({ perMessageDeflate: true })
        yield* client.opened
        client.socket.send("fine")
        send(client)
        yield* client.ended
        assert.deepStrictEqual(client.messages, ["fine"])
        assert.strictEqual(client.closed?.code, 1009)
      }
    })
  )

  it.live("a version that the server does not speak is answered with 426 and the one that it does", () =>
    Effect.gen(function* () {
      const { open } = yield* serveTcp(echo())
      const client = yield* open({ protocolVersion: 8 })
      yield* client.refused
      assert.strictEqual(client.refusal?.response.statusCode, 426)
      assert.strictEqual(client.refusal?.response.headers["sec-websocket-version"], "13")
    })
  )

  it.live("a malformed handshake is answered with 400, and an ordinary request as ever", () =>
    Effect.gen(function* () {
      const { server } = yield* serveTcp(echo())
      const client = yield* open(server.port)
      client.get("/", "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n")
      yield* client.ended
      assert.match(client.text, /^HTTP\/1\.1 400 /)
      const other = yield* open(server.port)
      other.get()
      yield* other.endsWith("ordinary")
    })
  )
})
