import { assert, describe, it } from "@effect/vitest"
import type { DisconnectReason } from "@pagi/core/DisconnectReason"
import type { HttpHandler } from "@pagi/core/PagiApp"
import type { HttpScope } from "@pagi/core/Scope"
import * as Effect from "effect/Effect"
import { createHash } from "node:crypto"
import type { Socket } from "node:net"
import { type Client, open, requestText } from "./support/Client.ts"
import { onStillClock } from "./support/Pace.ts"
import { answer, serveHttp } from "./support/Server.ts"
import { testConnections } from "./support/SocketSuite.ts"
import { endless, mebibyte, pattern, settled } from "./support/Traffic.ts"
import { turns, until } from "./support/Until.ts"

/** The same as text, of which every code unit is one byte in UTF-8. */
const patternText = (length: number, seed = 0): string =>
  Buffer.from(pattern(Math.ceil(length / 2), seed))
    .toString("hex")
    .slice(0, length)

const digest = (pieces: Iterable<string | Uint8Array>): string => {
  const hash = createHash("sha256")
  for (const piece of pieces) hash.update(piece)
  return hash.digest("hex")
}

const lengthOf = (pieces: Iterable<string | Uint8Array>): number => {
  let length = 0
  for (const piece of pieces) length += piece.length
  return length
}

/** Answers with these pieces, of a length that is declared, so that the body is sent as it is. */
const answerPieces = (pieces: () => Iterable<string | Uint8Array>): HttpHandler<unknown> =>
  Effect.fnUntraced(function* (_scope, _receive, send) {
    const length = String(lengthOf(pieces()))
    yield* send({ type: "http.response.start", status: 200, headers: [["content-length", length]] })
    for (const body of pieces()) yield* send({ type: "http.response.body", body, more: true })
    yield* send({ type: "http.response.body" })
  })

/** An application that tells how its exchange ended, and otherwise waits. */
const waiting = (reasons: Array<DisconnectReason>): HttpHandler<unknown> =>
  Effect.fnUntraced(function* (scope) {
    reasons.push(yield* scope.connection.disconnected)
  })

const range = (count: number): ReadonlyArray<number> => Array.from({ length: count }, (_, index) => index)

const repeated = (count: number, makePiece: (index: number) => string | Uint8Array) => {
  const some = range(Math.min(count, 16)).map(makePiece)
  return function* () {
    for (let index = 0; index < count; index++) yield some[index % some.length] ?? ""
  }
}

describe("big responses", () => {
  const bodies: Readonly<Record<string, () => Iterable<string | Uint8Array>>> = {
    "50 MiB in pieces of 64 KiB": repeated(800, (index) => pattern(65_536, index)),
    "20 MiB in one array": repeated(1, () => pattern(20 * mebibyte)),
    "20 MiB in one text": repeated(1, () => patternText(20 * mebibyte)),
    "4 MiB in arrays that are small enough to be copied": repeated(4096, (index) => pattern(1024, index)),
    "4 MiB in pieces of 100 bytes of text": repeated(40_000, (index) => patternText(100, index)),
    "a mix of texts and arrays, small and big, aligned and not": repeated(160, (index) =>
      index % 2 === 0 ? patternText(1 + 17_001 * index, index) : pattern(3 + 4093 * index * (index % 3), index)
    )
  }
  for (const [name, pieces] of Object.entries(bodies)) {
    it.live(`arrive as they were sent: ${name}`, () =>
      Effect.gen(function* () {
        const { port } = yield* serveHttp(answerPieces(pieces))
        const client = yield* open(port)
        client.get("/", "Connection: close\r\n")
        yield* client.ended
        const { body } = client
        assert.strictEqual(body.length, lengthOf(pieces()))
        assert.strictEqual(digest([body]), digest(pieces()))
      })
    )
  }

  it.live("arrive as they were sent when the client pauses again and again", () =>
    Effect.gen(function* () {
      const pieces = repeated(300, (index) => (index % 2 === 0 ? pattern(40_000, index) : patternText(30_000, index)))
      const { port } = yield* serveHttp(answerPieces(pieces))
      const client = yield* open(port)
      client.socket.on("data", () => {
        client.socket.pause()
        setImmediate(() => client.socket.resume())
      })
      client.get("/", "Connection: close\r\n")
      yield* client.ended
      assert.strictEqual(digest([client.body]), digest(pieces()))
    })
  )
})

interface WritingHandle {
  writeLatin1String(request: object, text: string): number
  getsockname(into: { port?: number }): void
}

/** What the handles of all sockets have in common. */
const writingHandles = (socket: Socket): WritingHandle => {
  // Internal to Node, and the one place that all writes of text pass.
  const { _handle } = socket as unknown as { readonly _handle: object | null }
  let prototype: object | null = _handle
  while (prototype !== null && !Object.hasOwn(prototype, "writeLatin1String")) {
    prototype = Object.getPrototypeOf(prototype)
  }
  if (prototype === null) throw new Error("handles have no writeLatin1String")
  return prototype as WritingHandle
}

/** Counts the writes to the sockets of one port while the effect runs. */
const countWrites = <A, E, R>(socket: Socket, port: number, effect: Effect.Effect<A, E, R>) =>
  Effect.acquireUseRelease(
    Effect.sync(() => {
      const handles = writingHandles(socket)
      const { writeLatin1String: write } = handles
      const counted = { writes: 0, restore: () => Object.assign(handles, { writeLatin1String: write }) }
      const counting = function (this: WritingHandle, request: object, text: string) {
        const local: { port?: number } = {}
        this.getsockname(local)
        if (local.port === port) counted.writes++
        return write.call(this, request, text)
      }
      Object.assign(handles, { writeLatin1String: counting })
      return counted
    }),
    (counted) => Effect.map(effect, () => counted.writes),
    (counted) => Effect.sync(counted.restore)
  )

const statusesArrive = (client: Client, count: number) =>
  until(`${count} responses arrive`, () => client.statuses.length === count)

describe("writes", () => {
  it.live("of one turn are joined: 16 pipelined requests are answered in one", () =>
    Effect.gen(function* () {
      const { port } = yield* serveHttp(answer("Hello, World!"))
      const client = yield* open(port)
      const writes = yield* countWrites(
        client.socket,
        port,
        Effect.suspend(() => {
          client.send(requestText().repeat(16))
          return statusesArrive(client, 16)
        })
      )
      assert.strictEqual(writes, 1)
    })
  )

  it.live("of a head and the pieces of a body that come in one turn are one", () =>
    Effect.gen(function* () {
      const { port } = yield* serveHttp(
        Effect.fnUntraced(function* (_scope, _receive, send) {
          yield* Effect.yieldNow
          yield* send({ type: "http.response.start", status: 200 })
          for (const body of ["a", "b", "c"]) yield* send({ type: "http.response.body", body, more: true })
          yield* send({ type: "http.response.body", body: "d" })
        })
      )
      const client = yield* open(port)
      const writes = yield* countWrites(
        client.socket,
        port,
        Effect.suspend(() => {
          client.get()
          return client.endsWith("0\r\n\r\n")
        })
      )
      assert.strictEqual(writes, 1)
    })
  )

  it.live("go out at the end of the turn also when the application goes on without sending", () =>
    Effect.gen(function* () {
      const { port } = yield* serveHttp(
        Effect.fnUntraced(function* (scope, _receive, send) {
          yield* send({ type: "http.response.start", status: 200 })
          yield* send({ type: "http.response.body", body: "first", more: true })
          yield* scope.shuttingDown
          yield* send({ type: "http.response.body" })
        })
      )
      const client = yield* open(port)
      client.get()
      yield* client.endsWith("first\r\n")
    })
  )
})

describe("backpressure", () => {
  const piece = 32_768
  const highMark = 131_072

  it.live(
    "suspends a fast application for a slow reader: never more is buffered than the high mark and one piece",
    () =>
      Effect.gen(function* () {
        const { handler, sent } = endless(pattern(piece))
        const { port } = yield* serveHttp(handler, { writeHighWatermark: highMark, writeLowWatermark: 16_384 })
        const client = yield* open(port)
        client.socket.pause()
        client.get()
        yield* until("the application is suspended", () => sent.pieces > 0)
        yield* settled("the number of sent pieces", () => sent.pieces)
        const framing = 16
        assert.isAbove(sent.scope?.transport.bufferedAmount ?? 0, highMark)
        assert.isAtMost(sent.scope?.transport.bufferedAmount ?? 0, highMark + piece + framing)

        const before = sent.pieces
        client.socket.resume()
        yield* until("it goes on when the client reads", () => sent.pieces > before + 1000)
        assert.isAtMost(sent.highest, highMark + piece + framing)
      })
  )

  it.live("counts what the system has not taken of a single big body", () =>
    Effect.gen(function* () {
      const size = 32 * mebibyte
      const scopes: Array<HttpScope> = []
      const { port } = yield* serveHttp(
        Effect.fnUntraced(function* (scope, _receive, send) {
          scopes.push(scope)
          yield* send({ type: "http.response.start", status: 200 })
          yield* send({ type: "http.response.body", body: new Uint8Array(size), more: true })
          yield* send({ type: "http.response.body" })
        })
      )
      const client = yield* open(port)
      client.socket.pause()
      client.get()
      yield* until("the application sends", () => (scopes[0]?.transport.bufferedAmount ?? 0) > 0)
      assert.isAbove(scopes[0]?.transport.bufferedAmount ?? 0, size / 2)
      assert.isFalse(scopes[0]?.connection.responseComplete)
      client.socket.resume()
      yield* until("the response is complete", () => scopes[0]?.connection.responseComplete === true)
      yield* client.endsWith("\r\n0\r\n\r\n")
    })
  )

  it.live("does not let pipelined requests pile up responses that nobody reads", () =>
    Effect.gen(function* () {
      let requests = 0
      const size = mebibyte
      const { port } = yield* serveHttp((scope, receive, send) => {
        requests++
        return answer(new Uint8Array(size))(scope, receive, send)
      })
      const client = yield* open(port)
      client.socket.pause()
      const count = 80
      client.send(requestText().repeat(count))
      yield* until("the first request is answered", () => requests > 0)
      yield* settled("the number of answered requests", () => requests)
      // What the system's own buffers hold is answered as well: a few MiB on a loopback connection.
      assert.isBelow(requests, 40)
      client.socket.resume()
      yield* until("all are answered", () => client.received > count * size)
      assert.strictEqual(requests, count)
    })
  )
})

describe("the end of a connection", () => {
  it.live("is seen at once by an application that waits", () =>
    Effect.gen(function* () {
      const reasons: Array<DisconnectReason> = []
      // No time limit notices it in place of the server.
      const { port, server } = yield* onStillClock(serveHttp(waiting(reasons)))
      for (const leave of ["end", "destroy", "resetAndDestroy"] as const) {
        const client = yield* open(port)
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

  it.live("by a reset in the middle of a response is client_closed", () =>
    Effect.gen(function* () {
      const { handler, sent } = endless(pattern(65_536))
      const { port, server } = yield* serveHttp(handler)
      const client = yield* open(port)
      client.get()
      yield* until("some of the response arrives", () => client.received > mebibyte)
      client.socket.resetAndDestroy()
      yield* until("the application learns of it", () => sent.scope?.connection.isConnected === false)
      assert.strictEqual(sent.scope?.connection.disconnectReason, "client_closed")
      yield* until("the connection is gone", () => Effect.runSync(server.connectionCount) === 0)
    })
  )

  it.live("by a reset while the application is suspended is client_closed, and the application goes on", () =>
    Effect.gen(function* () {
      const { handler, sent } = endless(pattern(65_536))
      const { port, server } = yield* serveHttp(handler)
      const client = yield* open(port)
      client.socket.pause()
      client.get()
      yield* until("the application sends", () => sent.pieces > 0)
      yield* settled("the number of sent pieces", () => sent.pieces)
      client.socket.resetAndDestroy()
      yield* until("the connection is gone", () => Effect.runSync(server.connectionCount) === 0)
      assert.strictEqual(sent.scope?.connection.disconnectReason, "client_closed")
    })
  )

  it.live("by a reset right after the request does not hide whose request it was", () =>
    Effect.gen(function* () {
      const clients: Array<HttpScope["client"]> = []
      const { port } = yield* serveHttp((scope, receive, send) => {
        clients.push(scope.client)
        return answer("here")(scope, receive, send)
      })
      for (let index = 0; index < 100; index++) {
        const client = yield* open(port)
        client.socket.write(requestText(), () => client.socket.resetAndDestroy())
        yield* client.closed
      }
      const last = yield* open(port)
      last.get()
      yield* last.endsWith("here")
      assert.isTrue(clients.every((client) => client?.[0] === "127.0.0.1"))
    })
  )

  it.live("by a peer that reads nothing comes after the write timeout", () =>
    Effect.gen(function* () {
      const { handler, sent } = endless(pattern(65_536))
      const { port, server } = yield* serveHttp(handler, { writeTimeout: "300 millis" })
      const client = yield* open(port)
      client.socket.pause()
      client.get()
      yield* until("the connection is given up", () => sent.scope?.connection.isConnected === false)
      assert.strictEqual(sent.scope?.connection.disconnectReason, "write_timeout")
      yield* until("the connection is gone", () => Effect.runSync(server.connectionCount) === 0)
    })
  )

  it.live("on the client's side only does not keep an answer from it that is made at once", () =>
    Effect.gen(function* () {
      const { port } = yield* serveHttp(answer("answered"))
      const client = yield* open(port, { allowHalfOpen: true })
      client.socket.end(requestText())
      yield* client.ended
      assert.deepStrictEqual(client.statuses, [200])
      assert.match(client.text, /answered$/)
    })
  )
})

describe("a connection", () => {
  testConnections({ serve: serveHttp, open })
})
