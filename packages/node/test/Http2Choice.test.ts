import { assert, describe, it } from "@effect/vitest"
import { toBytes } from "@pagi/core/bytes/ByteString"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { join } from "node:path"
import { type Client, open, openUnix, requestText } from "./support/Client.ts"
import { app, goAwayCode, isAnswered, typesOf } from "./support/Http2Detection.ts"
import { ACK, END_HEADERS, END_STREAM, frame, HEADERS, opening, PING, preface, SETTINGS } from "./support/Http2Raw.ts"
import { takesLess } from "./support/Pace.ts"
import { serveHttp, type TestServer } from "./support/Server.ts"
import { temporaryFolder } from "../../../test/support/TemporaryFolder.ts"
import { turns, until } from "./support/Until.ts"

/** Sends byte by byte, each in turns of its own. */
const sendSlowly = (client: Client, bytes: Uint8Array) =>
  Effect.gen(function* () {
    client.socket.setNoDelay(true)
    for (const byte of bytes) {
      client.send(Uint8Array.of(byte))
      yield* turns(1)
    }
  })

/** Whether what was sent has been read as well nobody can see from outside: it mostly has. */
const isKnown = (server: TestServer["server"]) =>
  Effect.andThen(
    until("the server knows the connection", () => Effect.runSync(server.connectionCount) === 1),
    turns(10)
  )

describe("a connection that begins with the preface of HTTP/2", () => {
  it.live("speaks HTTP/2", () =>
    Effect.gen(function* () {
      const { port } = yield* serveHttp(app)
      const client = yield* open(port)
      client.send(opening)
      yield* isAnswered(client)
    })
  )

  it.live("speaks it over a Unix socket too", () =>
    Effect.gen(function* () {
      const socket = join(yield* temporaryFolder, "app.sock")
      yield* serveHttp(app, { socket })
      const client = yield* openUnix(socket)
      client.send(opening)
      yield* isAnswered(client)
    })
  )

  it.live("need not name a host there, as a client of gRPC does not", () =>
    Effect.gen(function* () {
      const socket = join(yield* temporaryFolder, "app.sock")
      yield* serveHttp(app, { socket })
      for (const authority of ["", "\x01\x00"]) {
        const client = yield* openUnix(socket)
        client.send(Buffer.concat([toBytes(preface), frame(SETTINGS, 0, 0)]))
        client.send(frame(HEADERS, END_STREAM | END_HEADERS, 1, `\x82\x86\x84${authority}`))
        yield* isAnswered(client)
      }
    })
  )

  it.live("may come byte by byte, and so may the rest", () =>
    Effect.gen(function* () {
      const { port } = yield* serveHttp(app)
      const client = yield* open(port)
      yield* sendSlowly(client, opening)
      yield* isAnswered(client)
    })
  )

  it.live("may come in two pieces, wherever they are cut", () =>
    Effect.gen(function* () {
      const { port } = yield* serveHttp(app)
      for (let length = 1; length < opening.length; length++) {
        const client = yield* open(port)
        client.send(opening.subarray(0, length))
        yield* turns(3)
        client.send(opening.subarray(length))
        yield* isAnswered(client)
        client.socket.destroy()
      }
    })
  )

  it.live("gets the server's settings before it has sent its own", () =>
    Effect.gen(function* () {
      const { port } = yield* serveHttp(app)
      const client = yield* open(port)
      client.send(preface)
      yield* until("settings arrive", () => typesOf(client).includes(SETTINGS))
    })
  )

  it.live("and ends there is closed without an answer", () =>
    Effect.gen(function* () {
      const { port, server } = yield* serveHttp(app)
      const client = yield* open(port, { allowHalfOpen: true })
      client.socket.end(preface)
      yield* client.ended
      yield* until("the connection is gone", () => Effect.runSync(server.connectionCount) === 0)
      assert.notInclude(typesOf(client), HEADERS)
    })
  )

  it.live("goes on with something else than settings fails", () =>
    Effect.gen(function* () {
      const { port } = yield* serveHttp(app)
      const client = yield* open(port)
      client.send(Buffer.concat([toBytes(preface), frame(PING, 0, 0, "12345678")]))
      yield* client.ended
      assert.strictEqual(goAwayCode(client), 1)
    })
  )
})

describe("a connection that begins otherwise", () => {
  const lines = [
    ["GET / HTTP/1.1", "200", "GET 1.1"],
    ["POST / HTTP/1.1", "200", "POST 1.1"],
    ["PUT / HTTP/1.1", "200", "PUT 1.1"],
    ["P / HTTP/1.1", "200", "P 1.1"],
    ["PROPFIND / HTTP/1.1", "200", "PROPFIND 1.1"],
    ["PRI / HTTP/1.1", "200", "PRI 1.1"],
    ["PRINT / HTTP/1.1", "200", "PRINT 1.1"],
    ["PRI * HTTP/1.1", "400", ""],
    ["PRI * HTTP/2.1", "505", ""],
    ["PRI / HTTP/2.0", "505", ""],
    ["pri * http/2.0", "400", ""],
    ["OPTIONS * HTTP/1.1", "200", "OPTIONS 1.1"]
  ] as const
  for (const [line, status, text] of lines) {
    it.live(`speaks HTTP/1.1: ${line}`, () =>
      Effect.gen(function* () {
        const { port } = yield* serveHttp(app)
        for (const send of ["at once", "slowly"]) {
          const client = yield* open(port)
          const request = `${line}\r\nHost: test\r\nConnection: close\r\n\r\n`
          if (send === "slowly") yield* sendSlowly(client, toBytes(request))
          else client.send(request)
          yield* client.ended
          assert.match(client.text, new RegExp(`^HTTP/1\\.1 ${status} `), send)
          if (text !== "") assert.strictEqual(client.body.toString(), text)
        }
      })
    )
  }

  it.live("serves pipelined requests of which a later one looks like the preface as HTTP/1.1 does", () =>
    Effect.gen(function* () {
      const { port } = yield* serveHttp(app)
      const client = yield* open(port)
      client.send(requestText() + preface)
      yield* client.ended
      assert.deepStrictEqual(client.statuses, [200, 505])
    })
  )

  it.live("with the preface's first line only is answered by HTTP/1.1", () =>
    Effect.gen(function* () {
      const { port } = yield* serveHttp(app)
      const client = yield* open(port)
      client.send("PRI * HTTP/2.0\r\n\r\nNO\r\n\r\n")
      yield* client.ended
      assert.deepStrictEqual(client.statuses, [505])
    })
  )

  it.live("with a preface that is not quite one is refused in HTTP/2", () =>
    Effect.gen(function* () {
      const { port } = yield* serveHttp(app)
      const client = yield* open(port)
      client.send("INVALID CONNECTION PREFACE\r\n\r\n")
      yield* client.ended
      assert.strictEqual(goAwayCode(client), 1)
    })
  )

  for (const [name, garbage] of Object.entries({
    "a handshake of TLS": Buffer.from("160301020001000001fc0303", "hex"),
    "frames without the preface": frame(SETTINGS, 0, 0),
    "line feeds and zeros": Buffer.from("\n\n\0\0\0\0\n\0\r\n\r\n"),
    "the end of a preface": Buffer.from(preface.slice(1)),
    "high bytes": Buffer.alloc(100, 0xff)
  })) {
    it.live(`with ${name} is closed`, () =>
      Effect.gen(function* () {
        const { port, server } = yield* serveHttp(app, { headersTimeout: "300 millis" })
        const client = yield* open(port)
        client.send(garbage)
        yield* client.ended
        yield* until("the connection is gone", () => Effect.runSync(server.connectionCount) === 0)
        assert.isTrue(
          client.statuses.every((status) => status >= 400),
          client.text
        )
      })
    )
  }
})

describe("a connection of which nothing is known", () => {
  it.live("is closed after headersTimeout, with nothing or with half a preface", () =>
    Effect.gen(function* () {
      const { port, server } = yield* serveHttp(app, { headersTimeout: "300 millis" })
      for (const sent of ["", preface.slice(0, 10)]) {
        const client = yield* open(port)
        client.send(sent)
        yield* takesLess(3000, client.closed)
        yield* until("the connection is gone", () => Effect.runSync(server.connectionCount) === 0)
      }
    })
  )

  it.live("is gone when the client leaves", () =>
    Effect.gen(function* () {
      const { port, server } = yield* serveHttp(app)
      for (const sent of ["", "PRI *", "GE"]) {
        for (const leave of ["end", "destroy", "resetAndDestroy"] as const) {
          const client = yield* open(port)
          client.send(sent)
          yield* isKnown(server)
          client.socket[leave]()
          yield* until("the connection is gone", () => Effect.runSync(server.connectionCount) === 0)
        }
      }
    })
  )

  for (const sent of ["", "PRI * HT"]) {
    it.live(`does not keep the server from stopping for long: ${JSON.stringify(sent)}`, () =>
      Effect.gen(function* () {
        const { port, server } = yield* serveHttp(app)
        const client = yield* open(port)
        client.send(sent)
        yield* isKnown(server)
        yield* takesLess(3000, server.shutdown)
        yield* client.closed
      })
    )
  }

  it.live("may still send its first request by HTTP/1.1 when the server stops", () =>
    Effect.gen(function* () {
      const { port, server } = yield* serveHttp(app)
      const client = yield* open(port)
      client.send("GE")
      yield* isKnown(server)
      const stopping = yield* Effect.forkChild(server.shutdown, { startImmediately: true })
      yield* turns(10)
      client.send(requestText().slice(2))
      yield* client.ended
      assert.match(client.text, /^HTTP\/1\.1 200 OK\r\n.*\r\nconnection: close\r\n.*GET 1\.1$/s)
      yield* Fiber.join(stopping)
    })
  )

  it.live("may still send its first request by HTTP/2 when the server stops", () =>
    Effect.gen(function* () {
      const { port, server } = yield* serveHttp(app)
      const client = yield* open(port)
      client.send(opening.subarray(0, 10))
      yield* isKnown(server)
      const stopping = yield* Effect.forkChild(server.shutdown, { startImmediately: true })
      yield* turns(10)
      client.send(opening.subarray(10))
      yield* isAnswered(client)
      // As a client does that has read GOAWAY and PING.
      client.send(frame(PING, ACK, 0, new Uint8Array(8)))
      yield* client.ended
      assert.strictEqual(goAwayCode(client), 0)
      assert.strictEqual(typesOf(client)[0], SETTINGS, "settings come before GOAWAY")
      yield* takesLess(3000, Fiber.join(stopping))
    })
  )
})
