import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as HttpEffect from "effect/http/HttpEffect"
import * as HttpRouter from "effect/http/HttpRouter"
import type * as Layer from "effect/Layer"
import * as TestClock from "effect/testing/TestClock"
import type { WebSocketReceiveEvent, WebSocketSendEvent } from "../../src/contract/Event.ts"
import * as PagiApp from "../../src/PagiApp.ts"
import * as TestClient from "../../src/testing/TestClient.ts"

type Receive = PagiApp.Receive<WebSocketReceiveEvent>
type Send = PagiApp.Send<WebSocketSendEvent>

/** An application that accepts, and goes on as it is told. */
const accepting = <E>(
  session: (receive: Receive, send: Send) => Effect.Effect<unknown, E>,
  accept: Omit<WebSocketSendEvent & { type: "websocket.accept" }, "type"> = {}
) =>
  PagiApp.make({
    websocket: Effect.fnUntraced(function* (_scope, receive, send) {
      yield* receive
      yield* send({ type: "websocket.accept", ...accept })
      yield* session(receive, send)
    })
  })

const echo = (receive: Receive, send: Send) =>
  Effect.gen(function* () {
    for (;;) {
      const event = yield* receive
      if (event.type === "websocket.disconnect") return
      if (event.type === "websocket.receive") yield* send({ ...event, type: "websocket.send" })
    }
  })

/** A client of a server of ours with the application as a route. */
const mounted = Effect.fnUntraced(function* <E, R>(
  application: PagiApp.Application<E, R>,
  options: TestClient.Options = {},
  mount: PagiApp.MountOptions = {}
) {
  const routes = HttpRouter.use((router) =>
    Effect.flatMap(PagiApp.toHttpEffect(application, mount), (handler) => router.add("*", "/raw/*", handler))
  )
  const router = PagiApp.fromHttpEffect(
    yield* HttpRouter.toHttpEffect(routes as Layer.Layer<never, never, HttpRouter.HttpRouter>)
  )
  return yield* TestClient.make(router, options)
})

describe("a WebSocket through PagiApp.toHttpEffect", () => {
  it.effect("carries text and bytes, and tells what it is", () =>
    Effect.gen(function* () {
      const told: Array<unknown> = []
      const application = PagiApp.make({
        websocket: Effect.fnUntraced(function* ({ path, rootPath, scheme, subprotocols, type }, receive, send) {
          told.push({ path, rootPath, scheme, subprotocols: [...subprotocols], type })
          told.push((yield* receive).type)
          yield* send({ type: "websocket.accept", subprotocol: "second", headers: [["x-field", "1"]] })
          yield* echo(receive, send)
        })
      })
      const client = yield* mounted(application)
      const socket = yield* client.webSocket({ path: "/raw/chat", subprotocols: ["first", "second"] })
      assert.deepStrictEqual(
        [socket.subprotocol, socket.headers, told],
        [
          "second",
          [["x-field", "1"]],
          [
            {
              path: "/chat",
              rootPath: "/raw",
              scheme: "ws",
              subprotocols: ["first", "second"],
              type: "websocket"
            },
            "websocket.connect"
          ]
        ]
      )
      for (const message of ["grüße", new Uint8Array([0, 255]), ""]) {
        yield* socket.send(message)
        assert.deepStrictEqual(yield* socket.receive, message)
      }
      yield* socket.close(3000, "enough")
      assert.deepStrictEqual(yield* socket.closed, { code: 3000, reason: "" })
    })
  )

  it.effect("tells both sides the codes of the other", () =>
    Effect.gen(function* () {
      const ends: Array<unknown> = []
      const noting = (receive: Receive) =>
        Effect.gen(function* () {
          const event = yield* receive
          if (event.type === "websocket.disconnect") ends.push([event.code, event.reason])
        })
      const client = yield* mounted(accepting(noting))
      const closing = yield* client.webSocket({ path: "/raw" })
      yield* closing.close(3999, "änd")
      const silent = yield* client.webSocket({ path: "/raw" })
      yield* silent.close()
      const lost = yield* client.webSocket({ path: "/raw" })
      yield* lost.disconnect()
      yield* Effect.yieldNow
      assert.deepStrictEqual(ends, [
        [3999, "änd"],
        [1005, ""],
        [1006, "client_closed"]
      ])
      const server = yield* mounted(
        accepting((_receive, send) =>
          Effect.andThen(
            send({ type: "websocket.send", text: "last" }),
            send({ type: "websocket.close", code: 4000, reason: "bye" })
          )
        )
      )
      const closed = yield* server.webSocket({ path: "/raw" })
      assert.strictEqual(yield* closed.receive, "last")
      assert.deepStrictEqual(yield* closed.closed, { code: 4000, reason: "bye" })
    })
  )

  it.effect("ends with its application: 1000 when it returns, 1011 when it fails", () =>
    Effect.gen(function* () {
      const returned = yield* (yield* mounted(accepting(() => Effect.void))).webSocket({ path: "/raw" })
      assert.deepStrictEqual(yield* returned.closed, { code: 1000, reason: "" })
      const failed = yield* (yield* mounted(accepting(() => Effect.fail("failed")))).webSocket({ path: "/raw" })
      assert.deepStrictEqual(yield* failed.closed, { code: 1011, reason: "internal error" })
    })
  )

  it.effect("is refused by a response, or fails, as any route", () =>
    Effect.gen(function* () {
      const refusing = yield* mounted(
        PagiApp.make({
          websocket: Effect.fnUntraced(function* (scope, _receive, send) {
            if (scope.path === "/plain") return yield* send({ type: "websocket.close" })
            if (scope.path === "/fail") return yield* Effect.fail("failed")
            yield* send({ type: "websocket.http.response.start", status: 401, headers: [["x-why", "no"]] })
            yield* send({ type: "websocket.http.response.body", body: "Who are you?" })
          })
        })
      )
      const answer = (path: string) =>
        Effect.map(Effect.flip(refusing.webSocket({ path })), (error) =>
          error._tag === "WebSocketRefused"
            ? [error.response.status, error.response.header("x-why"), error.response.text]
            : [error.message]
        )
      assert.deepStrictEqual(yield* answer("/raw"), [401, "no", "Who are you?"])
      assert.deepStrictEqual(yield* answer("/raw/plain"), [403, undefined, ""])
      assert.deepStrictEqual(yield* answer("/raw/fail"), [500, undefined, ""])
      // An application without sessions sees an ordinary request.
      const plain = yield* mounted(
        PagiApp.make({
          http: (_scope, _receive, send) =>
            Effect.andThen(
              send({ type: "http.response.start", status: 426 }),
              send({ type: "http.response.body", body: "" })
            )
        })
      )
      const refused = yield* Effect.flip(plain.webSocket({ path: "/raw" }))
      assert.strictEqual(refused._tag === "WebSocketRefused" ? refused.response.status : 0, 426)
    })
  )

  it.effect("suspends the application while the client reads nothing", () =>
    Effect.gen(function* () {
      let sent = 0
      const flood = accepting((_receive, send) =>
        Effect.gen(function* () {
          for (; sent < 50; sent++) yield* send({ type: "websocket.send", text: "x".repeat(1000) })
        })
      )
      const marks = { writeHighWatermark: 2500, writeLowWatermark: 1000 }
      const client = yield* mounted(flood, marks, marks)
      const socket = yield* client.webSocket({ path: "/raw" })
      yield* TestClock.adjust("1 second")
      // What either server may hold.
      assert.isAbove(sent, 3)
      assert.isBelow(sent, 8)
      for (let index = 0; index < 50; index++) assert.strictEqual((yield* socket.receive).length, 1000)
      assert.strictEqual(sent, 50)
      assert.deepStrictEqual(yield* socket.closed, { code: 1000, reason: "" })
    })
  )

  it.effect("takes no more messages than the application may have waiting", () =>
    Effect.gen(function* () {
      const received: Array<string> = []
      const slow = accepting((receive) =>
        Effect.gen(function* () {
          for (;;) {
            yield* Effect.sleep("1 second")
            const event = yield* receive
            if (event.type !== "websocket.receive") return
            received.push(event.text ?? "")
          }
        })
      )
      // The outer server closes a session for which more than 20 messages wait.
      const client = yield* mounted(slow, { maxReceiveQueue: 20 }, { maxReceiveQueue: 10 })
      const socket = yield* client.webSocket({ path: "/raw" })
      for (let index = 0; index < 20; index++) yield* socket.send(String(index))
      for (let index = 20; index < 28; index++) {
        const closed = yield* Effect.forkChild(socket.closed)
        yield* socket.send(String(index))
        if (index < 26) assert.isUndefined(closed.pollUnsafe())
        yield* Fiber.interrupt(closed)
        if (index >= 25) break
      }
      yield* TestClock.adjust("30 seconds")
      assert.deepStrictEqual(
        received,
        Array.from({ length: 26 }, (_, index) => String(index))
      )
    })
  )

  it.effect("has the client pinged where the server around it can do that", () =>
    Effect.gen(function* () {
      const client = yield* mounted(
        accepting((_receive, send) => Effect.andThen(send({ type: "websocket.keepalive", interval: 2 }), Effect.never))
      )
      const socket = yield* client.webSocket({ path: "/raw" })
      yield* TestClock.adjust("6500 millis")
      assert.strictEqual(socket.pings, 3)
    })
  )

  it.effect("ends with 1001 when the server around it drains, and leaves the application its grace", () =>
    Effect.gen(function* () {
      const notes: Array<unknown> = []
      const client = yield* mounted(
        accepting((receive) =>
          Effect.gen(function* () {
            const event = yield* receive
            if (event.type === "websocket.disconnect") notes.push(event.code)
            yield* Effect.never
          }).pipe(Effect.onInterrupt(() => Effect.sync(() => notes.push("interrupted"))))
        )
      )
      const socket = yield* client.webSocket({ path: "/raw" })
      yield* client.beginShutdown
      yield* TestClock.adjust("300 millis")
      assert.strictEqual((yield* socket.closed).code, 1001)
      assert.deepStrictEqual(notes, [1001])
      yield* TestClock.adjust("5 seconds")
      assert.deepStrictEqual(notes, [1001, "interrupted"])
    })
  )

  it.effect("is a bad request where there are no sessions", () =>
    Effect.gen(function* () {
      const handler = yield* PagiApp.toHttpEffect(accepting(echo))
      const response = yield* Effect.promise(() =>
        HttpEffect.toWebHandler(handler)(new Request("http://a/", { headers: { upgrade: "websocket" } }))
      )
      assert.strictEqual(response.status, 400)
    })
  )
})
