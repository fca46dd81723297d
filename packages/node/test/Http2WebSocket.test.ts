import { assert, describe, it } from "@effect/vitest"
import type { WebSocketHandler } from "@pagi/core/PagiApp"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Latch from "effect/Latch"
import * as TestClock from "effect/testing/TestClock"
import { constants } from "node:http2"
import { range } from "./support/Http2Session.ts"
import { connect, type Http2WebSocket } from "./support/Http2WebSocket.ts"
import { takesLess } from "./support/Pace.ts"
import { pattern } from "./support/Traffic.ts"
import { turns, until } from "./support/Until.ts"
import { describe as tell, echo } from "./support/WebSocketServer.ts"

const { NGHTTP2_CANCEL, NGHTTP2_NO_ERROR, NGHTTP2_REFUSED_STREAM } = constants

/** Accepts, sends these messages, and notes what it receives up to the end. */
const noting = (notes: Array<string>, ...messages: ReadonlyArray<string>): WebSocketHandler<unknown> =>
  Effect.fnUntraced(function* (_scope, receive, send) {
    yield* receive
    yield* send({ type: "websocket.accept" })
    for (const text of messages) yield* send({ type: "websocket.send", text })
    for (;;) {
      const event = yield* receive
      notes.push(tell(event))
      if (event.type === "websocket.disconnect") return
    }
  })

const repeated = (count: number, value: string): ReadonlyArray<string> => range(count).map(() => value)

/** For a server where sessions that linger would stay for ever. */
const still = { clock: "still" } as const

const isEchoed = (socket: Http2WebSocket): Effect.Effect<void> =>
  Effect.gen(function* () {
    const count = socket.messages.length
    socket.send("still there")
    yield* socket.received(count + 1)
    assert.strictEqual(socket.messages.at(-1), "still there")
  })

describe("a WebSocket over HTTP/2", () => {
  it.live("carries text and bytes of all sizes in both directions, beside others", () =>
    Effect.gen(function* () {
      const { count, open } = yield* connect(echo())
      const messages = ["", "grüße, 世界 \u{1f600}", Buffer.alloc(0), "x".repeat(126), Buffer.from(pattern(300_000))]
      const sockets = range(5).map(open)
      for (const socket of sockets) {
        yield* socket.opened
        for (const message of messages) socket.send(message)
      }
      assert.strictEqual(count(), 1 + sockets.length)
      for (const socket of sockets) {
        yield* socket.received(messages.length)
        assert.deepStrictEqual(socket.messages, messages)
      }
    })
  )

  it.live("is over at once when its client has closed it, however the end of the stream comes", () =>
    Effect.gen(function* () {
      const events: Array<string> = []
      const { count, open } = yield* connect(
        echo((event) => events.push(tell(event))),
        still
      )
      for (const endsTogether of [false, true]) {
        events.length = 0
        const socket = open()
        yield* socket.opened
        assert.strictEqual(count(), 2)
        socket.sendClose(4001, "bye")
        if (endsTogether) socket.stream.end()
        yield* socket.ended
        assert.strictEqual(socket.closing?.code, 4001)
        if (!endsTogether) socket.stream.end()
        yield* until("the session is over", () => count() === 1)
        yield* socket.closed
        assert.strictEqual(socket.code, NGHTTP2_NO_ERROR)
        assert.deepStrictEqual(events, ["connect", "disconnect 4001 bye"])
      }
    })
  )

  it.live("is over at once when the application has closed it and the client has answered", () =>
    Effect.gen(function* () {
      const { count, open } = yield* connect(
        Effect.fnUntraced(function* (_scope, receive, send) {
          yield* receive
          yield* send({ type: "websocket.accept" })
          yield* send({ type: "websocket.send", text: "last" })
          yield* send({ type: "websocket.close", code: 4000, reason: "done" })
        }),
        still
      )
      for (const endsTogether of [false, true]) {
        const socket = open()
        yield* socket.serverClosed
        assert.deepStrictEqual(socket.messages, ["last"])
        assert.deepStrictEqual(socket.closing, { code: 4000, reason: "done" })
        socket.sendClose(4000)
        if (endsTogether) socket.stream.end()
        yield* socket.ended
        if (!endsTogether) socket.stream.end()
        yield* until("the session is over", () => count() === 1)
        yield* socket.closed
        assert.strictEqual(socket.code, NGHTTP2_NO_ERROR)
      }
    })
  )

  for (const [how, leave] of [
    ["resets it", ({ stream }: Http2WebSocket) => stream.close(NGHTTP2_CANCEL)],
    ["ends its stream without a close frame", ({ stream }: Http2WebSocket) => stream.end()]
  ] as const) {
    it.live(`ends with 1006 when its client ${how}; others go on`, () =>
      Effect.gen(function* () {
        const events: Array<string> = []
        const { count, open } = yield* connect(
          echo((event) => events.push(tell(event))),
          still
        )
        const [left, other] = [open(), open()]
        yield* left.opened
        yield* other.opened
        leave(left)
        yield* until("the session is over", () => count() === 2)
        yield* left.closed
        assert.deepStrictEqual(events.slice(2), ["disconnect 1006 client_closed"])
        yield* isEchoed(other)
      })
    )
  }

  it.live("is over at once when its client breaks a rule and sends on without an end", () =>
    Effect.gen(function* () {
      const notes: Array<string> = []
      const { count, open } = yield* connect(noting(notes), still)
      const socket = open()
      yield* socket.opened
      // A frame that is not masked.
      socket.stream.write(Buffer.of(0x81, 1, 0x61))
      yield* socket.ended
      assert.strictEqual(socket.closing?.code, 1002)
      socket.stream.write(Buffer.alloc(300_000))
      yield* until("the session is over", () => count() === 1)
      yield* socket.closed
      assert.strictEqual(notes.length, 1)
    })
  )

  it.effect("whose client keeps its window shut ends after writeTimeout", () =>
    Effect.gen(function* () {
      const notes: Array<string> = []
      const { count, open, session } = yield* connect(noting(notes, "hello"), {
        server: { writeTimeout: "1 second" },
        client: { initialWindowSize: 0 }
      })
      const sockets = range(3).map(open)
      for (const socket of sockets) yield* socket.opened
      assert.strictEqual(count(), 4)
      yield* TestClock.adjust("900 millis")
      assert.isTrue(sockets.every(({ code }) => code === undefined))
      // Not for longer, as sessions that linger would end then.
      yield* Effect.repeat(TestClock.adjust("10 millis"), {
        until: () => sockets.every(({ code }) => code === NGHTTP2_CANCEL)
      })
      yield* until("the sessions are over", () => count() === 1)
      assert.deepStrictEqual(notes, repeated(3, "disconnect 1006 write_timeout"))
      session.destroy()
      yield* until("the connection is over", () => count() === 0)
    })
  )

  it.live("delivers everything to an application that takes its time", () =>
    Effect.gen(function* () {
      const size = 20_000
      const received: Array<Buffer> = []
      const { count, open } = yield* connect(
        Effect.fnUntraced(function* (_scope, receive, send) {
          yield* receive
          yield* send({ type: "websocket.accept" })
          for (;;) {
            const event = yield* receive
            if (event.type !== "websocket.receive") return
            received.push(Buffer.from(event.bytes ?? []))
            yield* turns(5)
          }
        }),
        still
      )
      const messages = range(400).map((index) => Buffer.from(pattern(size, index)))
      const socket = open()
      yield* socket.opened
      for (const message of messages) socket.send(message)
      socket.sendClose()
      socket.stream.end()
      yield* until("all messages are taken", () => received.length === messages.length)
      assert.isTrue(Buffer.concat(received).equals(Buffer.concat(messages)))
      yield* until("the session is over", () => count() === 1)
    })
  )

  it.live("answers what a client has sent before it half-closed the stream, which then is over with 1006", () =>
    Effect.gen(function* () {
      const events: Array<string> = []
      const { count, open } = yield* connect(
        echo((event) => events.push(tell(event))),
        still
      )
      const socket = open()
      yield* socket.opened
      for (const text of ["first", "second"]) socket.send(text)
      socket.stream.end()
      yield* until("the session is over", () => count() === 1)
      yield* socket.closed
      assert.deepStrictEqual(socket.messages, ["first", "second"])
      assert.deepStrictEqual(events.slice(1), ["first", "second", "disconnect 1006 client_closed"])
    })
  )

  it.live("delivers everything of a half-closed client to an application that takes its time", () =>
    Effect.gen(function* () {
      const notes: Array<string> = []
      const { count, open } = yield* connect(
        Effect.fnUntraced(function* (_scope, receive, send) {
          yield* receive
          yield* send({ type: "websocket.accept" })
          for (;;) {
            const event = yield* receive
            notes.push(event.type === "websocket.receive" ? String(event.bytes?.[0]) : tell(event))
            if (event.type === "websocket.disconnect") return
            yield* turns(2)
          }
        }),
        still
      )
      const socket = open()
      yield* socket.opened
      for (const index of range(100)) socket.send(Buffer.alloc(20_000, index))
      socket.stream.end()
      yield* until("the application is told of the end", () => notes.length === 101)
      assert.deepStrictEqual(notes, [...range(100).map(String), "disconnect 1006 client_closed"])
      yield* until("the session is over", () => count() === 1)
    })
  )

  it.live("counts as a connection: beyond maxConnections handshakes get 503, and what is open goes on", () =>
    Effect.gen(function* () {
      const { count, open } = yield* connect(echo(), { ...still, server: { maxConnections: 4 } })
      const sockets = range(4).map(open)
      for (const socket of sockets) yield* socket.opened
      for (let attempts = 0; attempts < 3; attempts++) {
        const refused = open()
        yield* refused.answered
        assert.strictEqual(refused.status, 503)
        yield* refused.closed
      }
      for (const socket of sockets) yield* isEchoed(socket)
      const [first] = sockets
      first?.stream.close(NGHTTP2_CANCEL)
      yield* until("there is room", () => count() === 4)
      const another = open()
      yield* another.opened
      yield* isEchoed(another)
    })
  )

  it.live("is closed with 1001 when the server stops", () =>
    Effect.gen(function* () {
      const notes: Array<string> = []
      const { count, open, server } = yield* connect(noting(notes))
      const sockets = range(3).map(open)
      for (const socket of sockets) yield* socket.opened
      const stopping = yield* Effect.forkChild(server.server.shutdown, { startImmediately: true })
      for (const socket of sockets) {
        yield* socket.serverClosed
        assert.strictEqual(socket.closing?.code, 1001)
        socket.sendClose(1001)
        socket.stream.end()
      }
      yield* takesLess(1500, Fiber.join(stopping))
      assert.strictEqual(count(), 0)
      assert.deepStrictEqual(
        notes.map((note) => note.slice(0, 15)),
        repeated(3, "disconnect 1001")
      )
    })
  )

  it.live("counts as running until its application has ended, so that opening and closing is not for free", () =>
    Effect.gen(function* () {
      const h2MaxConcurrentStreams = 10
      const mayEnd = Latch.makeUnsafe()
      const { count, open } = yield* connect(
        Effect.fnUntraced(function* (_scope, receive, send) {
          yield* receive
          yield* send({ type: "websocket.accept" })
          while ((yield* receive).type !== "websocket.disconnect");
          yield* mayEnd.await
        }),
        { ...still, server: { h2MaxConcurrentStreams, disconnectGrace: "1 minute" } }
      )
      const openAndClose = Effect.gen(function* () {
        const socket = open()
        yield* socket.answered
        if (socket.status === 200) {
          socket.sendClose()
          socket.stream.end()
        }
        yield* socket.closed
        return socket
      })
      const outcomes: Array<string> = []
      for (let sessions = 0; sessions < 300; sessions++) {
        const { code, status } = yield* openAndClose
        outcomes.push(`${status} ${code}`)
      }
      const accepted = 2 * h2MaxConcurrentStreams
      assert.deepStrictEqual(outcomes.slice(0, accepted), repeated(accepted, `200 ${NGHTTP2_NO_ERROR}`))
      assert.deepStrictEqual(outcomes.slice(accepted), repeated(300 - accepted, `undefined ${NGHTTP2_REFUSED_STREAM}`))
      assert.strictEqual(count(), 1 + accepted)
      mayEnd.openUnsafe()
      yield* until("the applications have ended", () => count() === 1)
      assert.strictEqual((yield* openAndClose).status, 200)
    })
  )
})
