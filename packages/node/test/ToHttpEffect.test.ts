import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import { assert, describe, it } from "@effect/vitest"
import type { HttpSendEvent, WebSocketReceiveEvent, WebSocketSendEvent } from "@pagi/core/Event"
import * as PagiApp from "@pagi/core/PagiApp"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServer from "effect/http/HttpServer"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import { createHash } from "node:crypto"
import { createServer, request as httpRequest } from "node:http"
import { writeFile } from "node:fs/promises"
import { connect } from "node:net"
import { join } from "node:path"
import { WebSocket } from "ws"
import * as PagiHttpServer from "../src/PagiHttpServer.ts"
import { temporaryFolder } from "../../../test/support/TemporaryFolder.ts"
import { settled } from "./support/Traffic.ts"
import { until } from "./support/Until.ts"

const servers = {
  NodeHttpServer: NodeHttpServer.layer(createServer, {
    host: "127.0.0.1",
    port: 0,
    gracefulShutdownTimeout: "100 millis"
  }),
  PagiHttpServer: PagiHttpServer.layer({ host: "127.0.0.1", port: 0, shutdownTimeout: "1 second" })
}

type Receive = PagiApp.Receive<WebSocketReceiveEvent>
type Send = PagiApp.Send<WebSocketSendEvent>

const start = (headers: ReadonlyArray<readonly [string, string]> = []): HttpSendEvent => ({
  type: "http.response.start",
  status: 200,
  headers
})
const piece = (body: string | Uint8Array, more = false): HttpSendEvent => ({ type: "http.response.body", body, more })

/** What applications of these tests have noted. */
const notes: Array<string> = []
/** Pieces of `/large` that were sent of the last request for it. */
let largePieces = 0

const note = (text: string) => Effect.sync(() => void notes.push(text))

const http: PagiApp.HttpHandler<unknown, Scope.Scope> = (scope, receive, send) => {
  switch (scope.path) {
    case "/hash":
      return Effect.gen(function* () {
        const hash = createHash("sha256")
        for (;;) {
          const event = yield* receive
          if (event.type === "http.disconnect") return
          hash.update(event.body)
          if (!event.more) break
        }
        yield* send(start())
        yield* send(piece(hash.digest("hex")))
      })
    case "/large":
      return Effect.gen(function* () {
        yield* send(start())
        largePieces = 0
        for (let index = 0; index < 256; index++) {
          yield* send(piece(new Uint8Array(65_536).fill(index), true))
          largePieces++
          if (index === 100) yield* note("100 pieces")
        }
        yield* send(piece(""))
      })
    case "/late":
      return Effect.andThen(Effect.andThen(send(start()), send(piece("begin", true))), Effect.fail("late"))
    case "/hang":
      return Effect.gen(function* () {
        yield* Effect.addFinalizer(() => note("released"))
        yield* note("hanging")
        yield* receive
        yield* receive
        yield* note(`${scope.connection.disconnectReason}`)
      })
    case "/file":
      return Effect.andThen(
        send(start()),
        send({ type: "http.response.body", file: String(scope.state["file"]), offset: 1 })
      )
    default:
      return Effect.andThen(
        send(
          start([
            ["x-who", `${scope.client?.[0]} ${typeof scope.client?.[1]} ${scope.server?.[0]} ${scope.httpVersion}`]
          ])
        ),
        send(piece(`${scope.rootPath} ${scope.path}`))
      )
  }
}

const application = (file: string) =>
  PagiApp.make({
    lifespan: Effect.fnUntraced(function* (scope, receive, send) {
      yield* receive
      scope.state["file"] = file
      yield* send({ type: "lifespan.startup.complete" })
      yield* receive
      yield* note("lifespan shut down")
      yield* send({ type: "lifespan.shutdown.complete" })
    }),
    http,
    sse: Effect.fnUntraced(function* (_scope, receive, send) {
      yield* send({ type: "sse.start" })
      yield* send({ type: "sse.send", data: "one" })
      yield* receive
      const event = yield* receive
      if (event.type === "sse.disconnect") yield* note(`sse ${event.reason}`)
    }),
    websocket: Effect.fnUntraced(function* (scope, receive, send) {
      yield* receive
      const subprotocol = scope.queryString === "" ? undefined : scope.queryString
      if (scope.path === "/refuse") return yield* send({ type: "websocket.close" })
      const accept = { type: "websocket.accept", ...(subprotocol === undefined ? {} : { subprotocol }) } as const
      const failure = yield* Effect.option(Effect.flip(send(accept)))
      if (failure._tag === "Some") {
        yield* note(failure.value.message)
        yield* send({ type: "websocket.accept" })
      }
      if (scope.path === "/close") return yield* send({ type: "websocket.close", code: 4000, reason: "bye" })
      if (scope.path === "/fail") return yield* Effect.fail("failed")
      if (scope.path === "/ping") {
        const refused = yield* Effect.option(Effect.flip(send({ type: "websocket.keepalive", interval: 1 })))
        if (refused._tag === "Some") yield* note(refused.value.message)
      }
      if (scope.path === "/slow") yield* until("there is something to read", () => notes.includes("read"))
      yield* echo(receive, send)
    })
  })

const echo = Effect.fnUntraced(function* (receive: Receive, send: Send) {
  for (;;) {
    const event = yield* receive
    if (event.type === "websocket.disconnect") return yield* note(`closed ${event.code} ${event.reason}`)
    if (event.type === "websocket.receive") yield* send({ ...event, type: "websocket.send" })
  }
})

/** Serves the application below /raw, until the scope closes. */
const serve = (layer: Layer.Layer<HttpServer.HttpServer, unknown>) =>
  Effect.gen(function* () {
    notes.length = 0
    const folder = yield* temporaryFolder
    const file = join(folder, "file.txt")
    yield* Effect.promise(() => writeFile(file, `x${"y".repeat(200_000)}`))
    const routes = HttpRouter.use((router) =>
      Effect.flatMap(PagiApp.toHttpEffect(application(file)), (handler) => router.add("*", "/raw/*", handler))
    )
    const served = HttpRouter.serve(routes, { disableLogger: true, disableListenLog: true })
    const context = yield* Layer.build(Layer.provideMerge(served, layer))
    const { address } = Context.get(context, HttpServer.HttpServer)
    if (address._tag === "UnixPathAddress") throw new Error("it listens on a port")
    return address.port
  })

const get = (port: number, path: string, init?: RequestInit) =>
  Effect.promise(() => fetch(`http://127.0.0.1:${port}${path}`, init))

const textOf = (response: Response) => Effect.promise(() => response.text())

const has = (text: string) => until(`${text} is noted`, () => notes.includes(text))

/** A client that notes what it gets. */
const session = Effect.fnUntraced(function* (port: number, path: string, offered: ReadonlyArray<string> = []) {
  const socket = yield* Effect.acquireRelease(
    Effect.sync(() => new WebSocket(`ws://127.0.0.1:${port}${path}`, [...offered])),
    (opened) => Effect.sync(() => opened.terminate())
  )
  const received: Array<string> = []
  const closed = new Promise<string>((resolve) =>
    socket.on("close", (code, reason) => resolve(`${code} ${reason.toString()}`))
  )
  socket.on("message", (data, isBinary) => received.push(`${isBinary ? "bytes " : ""}${String(data)}`))
  const refused = yield* Effect.promise(
    () =>
      new Promise<number | undefined>((resolve) => {
        socket.on("open", () => resolve(undefined))
        socket.on("unexpected-response", (_request, response) => resolve(response.statusCode))
        socket.on("error", () => {})
      })
  )
  return { socket, received, refused, closed: Effect.promise(() => closed) }
})

for (const [name, layer] of Object.entries(servers)) {
  describe(`PagiApp.toHttpEffect on ${name}`, () => {
    it.live("answers requests, and tells the application whose they are", () =>
      Effect.gen(function* () {
        const port = yield* serve(layer)
        const response = yield* get(port, "/raw/a/b?c")
        assert.strictEqual(response.headers.get("x-who"), "127.0.0.1 number 127.0.0.1 1.1")
        assert.strictEqual(response.headers.get("content-length"), "9")
        assert.isNull(response.headers.get("content-type"))
        assert.strictEqual(yield* textOf(response), "/raw /a/b")
        const head = yield* get(port, "/raw/a/b", { method: "HEAD" })
        assert.deepStrictEqual([head.headers.get("content-length"), yield* textOf(head)], ["9", ""])
      }).pipe(Effect.scoped)
    )

    it.live("streams uploads and downloads", () =>
      Effect.gen(function* () {
        const port = yield* serve(layer)
        const body = new Uint8Array(5_000_000).fill(7)
        const hash = yield* get(port, "/raw/hash", { method: "POST", body })
        assert.strictEqual(yield* textOf(hash), createHash("sha256").update(body).digest("hex"))
        const empty = yield* get(port, "/raw/hash", { method: "POST" })
        assert.strictEqual(yield* textOf(empty), createHash("sha256").digest("hex"))
        const large = yield* get(port, "/raw/large")
        assert.isNull(large.headers.get("content-length"))
        const bytes = new Uint8Array(yield* Effect.promise(() => large.arrayBuffer()))
        assert.deepStrictEqual([bytes.length, bytes[65_535], bytes[65_536]], [16_777_216, 0, 1])
      }).pipe(Effect.scoped)
    )

    it.live("holds the application up while the client reads nothing", () =>
      Effect.gen(function* () {
        const port = yield* serve(layer)
        const socket = yield* Effect.acquireRelease(
          Effect.sync(() => connect(port, "127.0.0.1")),
          (opened) => Effect.sync(() => opened.destroy())
        )
        let received = 0
        largePieces = 0
        socket.write("GET /raw/large HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        yield* until("the application has begun", () => largePieces > 0)
        yield* settled("what the application has sent", () => largePieces)
        assert.notInclude(notes, "100 pieces")
        socket.on("data", (data: Uint8Array) => {
          received += data.length
        })
        yield* has("100 pieces")
        yield* until("everything has come", () => received > 16_777_216)
      }).pipe(Effect.scoped)
    )

    it.live("sends files", () =>
      Effect.gen(function* () {
        const port = yield* serve(layer)
        const response = yield* get(port, "/raw/file")
        assert.strictEqual(response.headers.get("content-length"), "200000")
        assert.strictEqual(yield* textOf(response), "y".repeat(200_000))
      }).pipe(Effect.scoped)
    )

    it.live("breaks off a response whose application fails", () =>
      Effect.gen(function* () {
        const port = yield* serve(layer)
        const whole = fetch(`http://127.0.0.1:${port}/raw/late`).then((response) => response.text())
        assert.instanceOf(yield* Effect.promise(() => whole.catch((error: unknown) => error)), TypeError)
      }).pipe(Effect.scoped)
    )

    it.live("tells the application that its client has gone, and leaves it its grace", () =>
      Effect.gen(function* () {
        const port = yield* serve(layer)
        const request = httpRequest(`http://127.0.0.1:${port}/raw/hang`)
        request.on("error", () => {})
        request.end()
        yield* has("hanging")
        request.destroy()
        yield* has("released")
        assert.deepStrictEqual(notes, ["hanging", "client_closed", "released"])
      }).pipe(Effect.scoped)
    )

    it.live("sends events, and ends with the server around it, the lifespan last", () =>
      Effect.gen(function* () {
        const scope = yield* Scope.make()
        const port = yield* Scope.provide(serve(layer), scope)
        const response = yield* get(port, "/raw/events", { headers: { accept: "text/event-stream" } })
        assert.strictEqual(response.headers.get("content-type"), "text/event-stream")
        const reader = (response.body as ReadableStream<Uint8Array>).getReader()
        const first = yield* Effect.promise(() => reader.read())
        assert.strictEqual(new TextDecoder().decode(first.value), "data: one\n\n")
        yield* Scope.close(scope, Exit.void)
        // A server that says when it drains lets streams end; of another one the connection does.
        const end = yield* Effect.promise(() =>
          reader.read().then(
            ({ done }) => done,
            () => "broken off"
          )
        )
        assert.strictEqual(end, name === "PagiHttpServer" ? true : "broken off")
        assert.deepStrictEqual(notes.slice(-1), ["lifespan shut down"])
        if (name === "PagiHttpServer") assert.include(notes, "sse server_shutdown")
      })
    )

    describe("as WebSockets", () => {
      it.live("echoes, and tells the close code", () =>
        Effect.gen(function* () {
          const port = yield* serve(layer)
          const { closed, received, socket } = yield* session(port, "/raw/echo")
          socket.send("grüße")
          socket.send(new Uint8Array([0x61, 0x62, 0x63]))
          socket.send("")
          yield* until("everything is back", () => received.length === 3)
          assert.deepStrictEqual(received, ["grüße", "bytes abc", ""])
          socket.close(3999, "enough")
          // Whether the reason is repeated is the server's matter.
          assert.match(yield* closed, /^3999 (?:enough)?$/)
          yield* has("closed 3999 enough")
        }).pipe(Effect.scoped)
      )

      it.live("closes with the codes of its application, or refuses", () =>
        Effect.gen(function* () {
          const port = yield* serve(layer)
          assert.strictEqual(yield* (yield* session(port, "/raw/close")).closed, "4000 bye")
          assert.strictEqual(yield* (yield* session(port, "/raw/fail")).closed, "1011 internal error")
          assert.strictEqual((yield* session(port, "/raw/refuse")).refused, 403)
        }).pipe(Effect.scoped)
      )

      it.live("notices a client that is gone", () =>
        Effect.gen(function* () {
          const port = yield* serve(layer)
          const { received, socket } = yield* session(port, "/raw/echo")
          socket.send("hello")
          yield* until("it is back", () => received.length === 1)
          socket.terminate()
          yield* has("closed 1006 client_closed")
        }).pipe(Effect.scoped)
      )

      it.live("accepts a subprotocol, where the server around it lets it choose", () =>
        Effect.gen(function* () {
          const port = yield* serve(layer)
          const first = yield* session(port, "/raw/echo?one", ["one", "two"])
          assert.strictEqual(first.socket.protocol, "one")
          const second = yield* session(port, "/raw/echo?two", ["one", "two"])
          const { socket } = yield* session(port, "/raw/ping")
          socket.send("hello")
          if (name === "PagiHttpServer") {
            assert.strictEqual(second.socket.protocol, "two")
            assert.deepStrictEqual(notes, [])
          } else {
            assert.strictEqual(second.socket.protocol, "one")
            yield* has("websocket.keepalive: the server around the application has no pings")
            assert.match(notes[0] ?? "", /^websocket.accept: the server around the application refuses it: .*headers/)
          }
        }).pipe(Effect.scoped)
      )

      it.live("holds a client up that sends faster than the application receives", () =>
        Effect.gen(function* () {
          const port = yield* serve(layer)
          const { received, socket } = yield* session(port, "/raw/slow")
          const message = "x".repeat(100_000)
          for (let index = 0; index < 200; index++) socket.send(message)
          yield* settled("what the client has not sent", () => socket.bufferedAmount)
          assert.isAbove(socket.bufferedAmount, 5_000_000)
          notes.push("read")
          yield* until("everything is back", () => received.length === 200)
        }).pipe(Effect.scoped)
      )
    })
  })
}
