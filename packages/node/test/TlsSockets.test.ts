import { assert, describe, it } from "@effect/vitest"
import type { DisconnectReason } from "@pagi/core/DisconnectReason"
import type { HttpHandler } from "@pagi/core/PagiApp"
import * as Effect from "effect/Effect"
import { connect, createServer, type Socket } from "node:net"
import { answer, serveHttp } from "./support/Server.ts"
import { testConnections } from "./support/SocketSuite.ts"
import { endless, mebibyte, pattern, settled } from "./support/Traffic.ts"
import { openTls, serverTls } from "./support/TlsClient.ts"
import { turns, until } from "./support/Until.ts"

const serveTls = <E, R>(handler: HttpHandler<E, R>, options: Parameters<typeof serveHttp>[1] = {}) =>
  Effect.flatMap(serverTls, (tls) => serveHttp(handler, { tls, ...options }))

const echo: HttpHandler<unknown> = Effect.fnUntraced(function* (_scope, receive, send) {
  yield* send({ type: "http.response.start", status: 200 })
  for (let more = true; more;) {
    const event = yield* receive
    if (event.type === "http.disconnect") return
    more = event.more
    yield* send({ type: "http.response.body", body: event.body, more })
  }
})

/** A chunked body without its framing. */
const unchunk = (body: Buffer): Buffer => {
  const pieces: Array<Buffer> = []
  for (let start = 0; ;) {
    const end = body.indexOf("\r\n", start)
    const size = Number.parseInt(body.toString("latin1", start, end), 16)
    if (!(size > 0)) return Buffer.concat(pieces)
    pieces.push(body.subarray(end + 2, end + 2 + size))
    start = end + 2 + size + 2
  }
}

describe("bodies over TLS", () => {
  it.live("arrive as they were sent, both ways", () =>
    Effect.gen(function* () {
      const { port } = yield* serveTls(echo)
      const body = pattern(mebibyte)
      const client = yield* openTls(port)
      client.send(`POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${body.length}\r\n\r\n`)
      client.send(body)
      yield* client.endsWith("\r\n0\r\n\r\n")
      assert.isTrue(unchunk(client.body).equals(body))
    })
  )

  it.live("arrive whole when the client pauses again and again", () =>
    Effect.gen(function* () {
      const body = pattern(20 * mebibyte)
      const { port } = yield* serveTls(answer(body))
      const client = yield* openTls(port)
      client.socket.on("data", () => {
        client.socket.pause()
        setImmediate(() => client.socket.resume())
      })
      client.get("/", "Connection: close\r\n")
      yield* client.ended
      assert.isTrue(client.body.equals(body))
    })
  )

  it.live("answer requests that were sent together in order", () =>
    Effect.gen(function* () {
      const { port } = yield* serveTls((scope, receive, send) => answer(`<${scope.path}>`)(scope, receive, send))
      const client = yield* openTls(port)
      for (let index = 0; index < 50; index++) client.get(`/${index}`)
      yield* client.endsWith("</49>")
      const paths = [...client.text.matchAll(/<\/(\d+)>/g)].map((match) => Number(match[1]))
      assert.deepStrictEqual(
        paths,
        Array.from({ length: 50 }, (_, index) => index)
      )
    })
  )
})

describe("backpressure over TLS", () => {
  it.live("suspends a fast application: never more is buffered than the high mark and one piece", () =>
    Effect.gen(function* () {
      const piece = 32_768
      const highMark = 131_072
      const lowMark = 16_384
      const { handler, sent } = endless(pattern(piece))
      const { port } = yield* serveTls(handler, { writeHighWatermark: highMark, writeLowWatermark: lowMark })
      const client = yield* openTls(port)
      client.socket.pause()
      client.get()
      yield* until("the application sends", () => sent.pieces > 0)
      const buffered = (): number => sent.scope?.transport.bufferedAmount ?? 0
      let peak = 0
      yield* settled("the number of sent pieces", () => {
        peak = Math.max(peak, buffered())
        return sent.pieces
      })
      // Some of it may have been taken since the application was suspended, but not enough to let it go on.
      assert.isAbove(buffered(), lowMark)
      assert.isAtMost(peak, highMark + piece + 16)
      assert.isAtMost(sent.highest, highMark + piece + 16)
      const before = sent.pieces
      client.socket.resume()
      yield* until("it goes on when the client reads", () => sent.pieces > before + 500)
      assert.isAtMost(sent.highest, highMark + piece + 16)
    })
  )

  it.live("ends with a reset when a peer reads nothing for too long", () =>
    Effect.gen(function* () {
      const { handler, sent } = endless(pattern(65_536))
      const { port, server } = yield* serveTls(handler, { writeTimeout: "300 millis" })
      const client = yield* openTls(port)
      client.socket.pause()
      client.get()
      yield* until("the connection is given up", () => sent.scope?.connection.isConnected === false)
      assert.strictEqual(sent.scope?.connection.disconnectReason, "write_timeout")
      yield* until("the connection is gone", () => Effect.runSync(server.connectionCount) === 0)
      client.socket.resume()
      yield* client.closed
      assert.strictEqual(client.errorCode, "ECONNRESET")
    })
  )
})

/** A relay in front of a server, which notes the types of the TLS records that the server sends (RFC 8446 §5.1). */
const relay = (port: number) =>
  Effect.acquireRelease(
    Effect.callback<{ readonly port: number; readonly records: Array<number>; readonly close: () => void }>(
      (resume) => {
        const records: Array<number> = []
        const sockets: Array<Socket> = []
        const server = createServer((socket) => {
          const upstream = connect(port, "127.0.0.1")
          sockets.push(socket, upstream)
          for (const one of [socket, upstream]) one.on("error", () => {})
          let received = Buffer.alloc(0)
          upstream.on("data", (bytes: Buffer) => {
            received = Buffer.concat([received, bytes])
            while (received.length >= 5 && received.length >= 5 + received.readUInt16BE(3)) {
              records.push(received[0] ?? 0)
              received = received.subarray(5 + received.readUInt16BE(3))
            }
          })
          socket.pipe(upstream).pipe(socket)
        })
        const close = () => {
          server.close()
          for (const socket of sockets) socket.destroy()
        }
        server.listen(0, "127.0.0.1", () => {
          const address = server.address()
          resume(Effect.succeed({ port: typeof address === "object" ? (address?.port ?? 0) : 0, records, close }))
        })
      }
    ),
    ({ close }) => Effect.sync(close)
  )

const alert = 21

/** The last records of the server's side, up to its end. TLS 1.2 does not hide what is an alert. */
const lastRecord = (handler: HttpHandler<unknown>, headers: string) =>
  Effect.gen(function* () {
    const { port } = yield* serveTls(handler)
    const between = yield* relay(port)
    const client = yield* openTls(between.port, { maxVersion: "TLSv1.2" })
    client.get("/", headers)
    yield* client.closed
    return { last: between.records.at(-1), text: client.text }
  })

describe("the end of a TLS connection", () => {
  const truncated =
    (headers: ReadonlyArray<readonly [string, string]>): HttpHandler<unknown> =>
    (_scope, _receive, send) =>
      Effect.andThen(
        send({ type: "http.response.start", status: 200, headers }),
        send({ type: "http.response.body", body: "half", more: true })
      )

  for (const headers of ["Connection: close\r\n", "Connection: keep-alive\r\nX-Last: 1\r\n"]) {
    it.live(`is announced after a complete response: ${headers.trim()}`, () =>
      Effect.gen(function* () {
        const whole: HttpHandler<unknown> = (_scope, _receive, send) =>
          Effect.andThen(
            send({ type: "http.response.start", status: 200, headers: [["connection", "close"]] }),
            send({ type: "http.response.body", body: "whole" })
          )
        const { last, text } = yield* lastRecord(whole, headers)
        assert.match(text, /whole$/)
        assert.strictEqual(last, alert)
      })
    )
  }

  for (const [name, headers] of [
    ["in chunks", []],
    ["with a length", [["content-length", "100"]]]
  ] as const) {
    it.live(`is not announced in the middle of a response ${name}`, () =>
      Effect.gen(function* () {
        const { last, text } = yield* lastRecord(truncated(headers), "")
        assert.match(text, /half(\r\n)?$/)
        assert.notStrictEqual(last, alert)
      })
    )
  }

  it.live("is seen at once by an application that waits, however the client leaves", () =>
    Effect.gen(function* () {
      const reasons: Array<DisconnectReason> = []
      const { port, server } = yield* serveTls((scope) =>
        Effect.map(scope.connection.disconnected, (reason) => reasons.push(reason))
      )
      for (const leave of ["end", "destroy"] as const) {
        const client = yield* openTls(port)
        client.get()
        yield* until("the request begins", () => Effect.runSync(server.connectionCount) === 1)
        yield* turns(10)
        client.socket[leave]()
        yield* until(`the application learns of ${leave}`, () => reasons.length > 0)
        assert.deepStrictEqual(reasons.splice(0), ["client_closed"])
        yield* until("the connection is gone", () => Effect.runSync(server.connectionCount) === 0)
      }
    })
  )

  it.live("by a reset of the client in the middle of a response is client_closed", () =>
    Effect.gen(function* () {
      const { handler, sent } = endless(pattern(65_536))
      const { port, server } = yield* serveTls(handler)
      const between = yield* relay(port)
      const client = yield* openTls(between.port)
      client.get()
      yield* until("some of the response arrives", () => client.received > mebibyte)
      between.close()
      yield* until("the application learns of it", () => sent.scope?.connection.isConnected === false)
      assert.strictEqual(sent.scope?.connection.disconnectReason, "client_closed")
      yield* until("the connection is gone", () => Effect.runSync(server.connectionCount) === 0)
    })
  )
})

describe("a TLS connection", () => {
  testConnections({ serve: serveTls, open: openTls })
})
