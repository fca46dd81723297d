import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Logger from "effect/Logger"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import * as PagiApp from "../../src/contract/PagiApp.ts"
import * as TestClient from "../../src/testing/TestClient.ts"
import { accept, accepting, connect, disconnected, echo, fork, message } from "../support/WebSocketApps.ts"

describe("TestClient with WebSockets", () => {
  describe("a session", () => {
    it.effect("carries text and bytes in both directions", () =>
      Effect.gen(function* () {
        const socket = yield* connect(echo)
        for (const content of ["", "hällo", new Uint8Array([0, 255]), new Uint8Array(0)]) {
          yield* socket.send(content)
          assert.deepStrictEqual(yield* socket.receive, content)
        }
      })
    )

    it.effect.prop(
      "echoes every message, in order",
      [Schema.Array(Schema.Union([Schema.String, Schema.Uint8Array]))],
      ([messages]) =>
        Effect.scoped(
          Effect.gen(function* () {
            const socket = yield* connect(echo, { writeHighWatermark: 3, writeLowWatermark: 1 })
            for (const content of messages) yield* socket.send(content)
            const received = yield* Effect.forEach(messages, () => socket.receive)
            assert.deepStrictEqual(
              received,
              messages.map((content) => (typeof content === "string" ? content.toWellFormed() : content))
            )
          })
        )
    )

    it.effect("gives each side memory of its own, and text that can be encoded", () =>
      Effect.gen(function* () {
        const socket = yield* connect(
          accepting((receive, send) =>
            Effect.gen(function* () {
              const event = yield* receive
              if (event.type !== "websocket.receive" || event.bytes === undefined) return
              event.bytes.fill(9)
              yield* send({ type: "websocket.send", bytes: event.bytes })
              event.bytes.fill(5)
              yield* send(message("a\ud800"))
            })
          )
        )
        const bytes = Buffer.from([1, 2])
        yield* socket.send(bytes)
        assert.deepStrictEqual([...bytes], [1, 2])
        assert.deepStrictEqual(yield* socket.receive, new Uint8Array([9, 9]))
        assert.strictEqual(yield* socket.receive, "a\ufffd")
      })
    )

    it.effect("lets receive wait for the next message, in turn", () =>
      Effect.gen(function* () {
        const socket = yield* connect(
          accepting((_receive, send) =>
            Effect.forEach(["one", "two"], (text) => Effect.delay(send(message(text)), "1 second"), { discard: true })
          )
        )
        const first = yield* fork(socket.receive)
        const second = yield* fork(socket.receive)
        yield* TestClock.adjust("1 second")
        assert.strictEqual(yield* Fiber.join(first), "one")
        assert.isUndefined(second.pollUnsafe())
        yield* TestClock.adjust("1 second")
        assert.strictEqual(yield* Fiber.join(second), "two")
      })
    )

    it.effect("an interrupted receive takes nothing", () =>
      Effect.gen(function* () {
        const socket = yield* connect(echo)
        yield* Fiber.interrupt(yield* fork(socket.receive))
        yield* socket.send("one")
        assert.strictEqual(yield* socket.receive, "one")
      })
    )

    it.effect("suspends send while the client does not take what was sent", () =>
      Effect.gen(function* () {
        const sent: Array<number> = []
        const marks: Array<string> = []
        const socket = yield* connect(
          (scope, _receive, send) =>
            Effect.gen(function* () {
              scope.transport.onHighWater(() => marks.push(`high ${scope.transport.bufferedAmount}`))
              scope.transport.onDrain(() => marks.push(`drain ${scope.transport.bufferedAmount}`))
              yield* send(accept)
              for (let count = 1; count <= 6; count++) {
                yield* send(message("ää"))
                sent.push(count)
              }
            }),
          { writeHighWatermark: 8, writeLowWatermark: 4 }
        )
        assert.deepStrictEqual([sent.length, marks], [2, ["high 12"]])
        yield* socket.receive
        assert.deepStrictEqual([sent.length, marks.length], [2, 1])
        yield* socket.receive
        assert.deepStrictEqual([sent.length, marks], [4, ["high 12", "drain 4", "high 12"]])
        yield* Effect.replicateEffect(socket.receive, 4)
        assert.deepStrictEqual(yield* socket.exit, Exit.void)
      })
    )

    it.effect("copies the state, and many run at the same time", () =>
      Effect.gen(function* () {
        const app = PagiApp.make({
          lifespan: (scope, _receive, send) => {
            scope.state["count"] = 1
            return send({ type: "lifespan.startup.complete" })
          },
          websocket: (scope, receive, send) =>
            Effect.gen(function* () {
              const count = scope.state["count"]
              scope.state["count"] = "changed"
              yield* send(accept)
              yield* send(message(`${scope.path} ${count}`))
              yield* disconnected(receive)
            })
        })
        const client = yield* TestClient.make(app)
        const paths = Array.from({ length: 20 }, (_, index) => `/${index}`)
        const sockets = yield* Effect.forEach(paths, (path) => client.webSocket({ path }), {
          concurrency: "unbounded"
        })
        assert.deepStrictEqual(
          yield* Effect.forEach(sockets, ({ receive }) => receive),
          paths.map((path) => `${path} 1`)
        )
      })
    )
  })

  it.effect("the end of the scope ends sessions as a server does that stops, and nothing is logged", () =>
    Effect.gen(function* () {
      const logged: Array<unknown> = []
      const logger = Logger.make(({ message: text }) => void logged.push(text))
      const order: Array<string> = []
      const scope = yield* Scope.make()
      const app = PagiApp.make({
        websocket: accepting((receive) =>
          Effect.onInterrupt(
            Effect.andThen(
              Effect.map(disconnected(receive), (told) => order.push(told)),
              Effect.never
            ),
            () => Effect.sync(() => order.push("interrupted"))
          )
        ),
        http: (_scope, receive) => Effect.andThen(Effect.andThen(receive, receive), Effect.never),
        lifespan: (_scope, receive, send) =>
          Effect.gen(function* () {
            yield* receive
            yield* send({ type: "lifespan.startup.complete" })
            order.push((yield* receive).type)
            yield* send({ type: "lifespan.shutdown.complete" })
          })
      })
      const client = yield* TestClient.make(app).pipe(Scope.provide(scope), Effect.provide(Logger.layer([logger])))
      const socket = yield* client.webSocket({})
      yield* client.open({})
      yield* Scope.close(scope, Exit.void)
      assert.deepStrictEqual(order, ["1001 server_shutdown", "interrupted", "lifespan.shutdown"])
      assert.deepStrictEqual(yield* socket.closed, { code: 1001, reason: "" })
      assert.deepStrictEqual(logged, [])
      assert.strictEqual((yield* Effect.flip(socket.send("late"))).message, "the WebSocket is closed with code 1001")
    })
  )
})
