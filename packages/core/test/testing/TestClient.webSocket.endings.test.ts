import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"
import type { WebSocketSendEvent } from "../../src/contract/Event.ts"
import type { SendError } from "../../src/contract/SendError.ts"
import {
  accept,
  accepting,
  collect,
  connect,
  disconnected,
  echo,
  fork,
  message,
  webSocket
} from "../support/WebSocketApps.ts"

const runsOn = { disconnectGrace: "3 seconds" } as const

describe("a session of TestClient", () => {
  describe("that the application ends", () => {
    const endings: ReadonlyArray<
      readonly [event: WebSocketSendEvent, closed: { readonly code: number; readonly reason: string }]
    > = [
      [{ type: "websocket.close" }, { code: 1000, reason: "" }],
      [
        { type: "websocket.close", code: 4321, reason: "änd" },
        { code: 4321, reason: "änd" }
      ],
      [
        { type: "websocket.close", code: 1012 },
        { code: 1012, reason: "" }
      ]
    ]

    it.effect.each(endings)("by %j is closed like that, and answered with the code", ([event, closed]) =>
      Effect.gen(function* () {
        const socket = yield* connect(accepting((receive, send) => Effect.andThen(send(event), disconnected(receive))))
        assert.deepStrictEqual(yield* socket.closed, closed)
        assert.deepStrictEqual(yield* socket.exit, Exit.succeed(String(closed.code)))
        const error = yield* Effect.flip(socket.receive)
        assert.deepStrictEqual([error._tag, error.code, error.reason], ["WebSocketClosed", closed.code, closed.reason])
      })
    )

    it.effect("by returning is closed with 1000, by failing with 1011", () =>
      Effect.gen(function* () {
        const returning = yield* connect(accepting(() => Effect.void))
        assert.deepStrictEqual(yield* returning.closed, { code: 1000, reason: "" })
        for (const failing of [Effect.fail("why"), Effect.die("why"), Effect.interrupt]) {
          const socket = yield* connect(accepting(() => Effect.delay(failing, "1 second")))
          const closed = yield* fork(socket.closed)
          assert.isUndefined(closed.pollUnsafe())
          yield* TestClock.adjust("1 second")
          assert.deepStrictEqual(yield* Fiber.join(closed), { code: 1011, reason: "internal error" })
        }
      })
    )

    it.effect("still has its messages for the client", () =>
      Effect.gen(function* () {
        const socket = yield* connect(
          accepting((_receive, send) =>
            Effect.andThen(
              send(message("one")),
              Effect.andThen(send(message("two")), send({ type: "websocket.close" }))
            )
          )
        )
        assert.deepStrictEqual(yield* socket.closed, { code: 1000, reason: "" })
        assert.deepStrictEqual([yield* socket.receive, yield* socket.receive], ["one", "two"])
        assert.strictEqual((yield* Effect.flip(socket.receive)).message, "the WebSocket is closed with code 1000")
      })
    )

    it.effect("by what no close frame can say stays open", () =>
      Effect.gen(function* () {
        const errors: Array<SendError> = []
        const socket = yield* connect(
          accepting((receive, send) =>
            Effect.gen(function* () {
              for (const code of [1004, 1005, 1006, 1015, 2999]) {
                errors.push(yield* Effect.flip(send({ type: "websocket.close", code })))
              }
              for (const reason of ["x".repeat(124), "ä".repeat(62)]) {
                errors.push(yield* Effect.flip(send({ type: "websocket.close", reason })))
              }
              yield* send(message("still open"))
              yield* send({ type: "websocket.close", reason: "x".repeat(123) })
              yield* disconnected(receive)
            })
          )
        )
        assert.isTrue(errors.every(({ reason }) => reason._tag === "ResponseRefused"))
        assert.match(errors[1]?.message ?? "", /^websocket\.close: 1005 is not a code that can be sent/)
        assert.strictEqual(errors.at(-1)?.message, "websocket.close: the reason is longer than 123 bytes")
        assert.strictEqual(yield* socket.receive, "still open")
        assert.deepStrictEqual(yield* socket.closed, { code: 1000, reason: "x".repeat(123) })
      })
    )

    it.effect("interrupts it when it runs on after its own close", () =>
      Effect.gen(function* () {
        for (const grace of ["3 seconds", 0] as const) {
          const socket = yield* connect(
            accepting((_receive, send) => Effect.andThen(send({ type: "websocket.close" }), Effect.never)),
            { disconnectGrace: grace }
          )
          const exit = yield* fork(socket.exit)
          if (grace !== 0) {
            yield* TestClock.adjust("2900 millis")
            assert.isUndefined(exit.pollUnsafe())
          }
          yield* TestClock.adjust("100 millis")
          assert.isTrue(Exit.hasInterrupts(yield* Fiber.join(exit)))
        }
      })
    )

    it.effect("by a refusal has the same grace", () =>
      Effect.gen(function* () {
        let isInterrupted = false
        const client = yield* webSocket(
          (_scope, _receive, send) =>
            Effect.onInterrupt(Effect.andThen(send({ type: "websocket.close" }), Effect.never), () =>
              Effect.sync(() => {
                isInterrupted = true
              })
            ),
          runsOn
        )
        yield* Effect.flip(client.webSocket({}))
        yield* TestClock.adjust("2900 millis")
        assert.isFalse(isInterrupted)
        yield* TestClock.adjust("100 millis")
        assert.isTrue(isInterrupted)
      })
    )
  })

  describe("that the client ends", () => {
    it.effect("tells the application code and reason, behind the messages from before", () =>
      Effect.gen(function* () {
        for (const [close, told, code] of [
          [[], "1005", 1005],
          [[1000], "1000", 1000],
          [[3999, "änd"], "3999 änd", 3999]
        ] as const) {
          const received: Array<string> = []
          const socket = yield* connect(
            accepting((receive) => Effect.andThen(Effect.sleep("1 second"), collect(receive, received)))
          )
          yield* socket.send("one")
          yield* socket.send("two")
          yield* socket.close(close[0], close[1])
          assert.deepStrictEqual(yield* socket.closed, { code, reason: "" })
          yield* TestClock.adjust("1 second")
          assert.deepStrictEqual(yield* socket.exit, Exit.succeed(told))
          assert.deepStrictEqual(received, ["one", "two"])
        }
      })
    )

    it.effect("can be read to its last message", () =>
      Effect.gen(function* () {
        const socket = yield* connect(accepting((receive, send) => Effect.andThen(send(message("one")), receive)))
        yield* socket.close(1001)
        assert.strictEqual(yield* socket.receive, "one")
        assert.strictEqual((yield* Effect.flip(socket.receive)).code, 1001)
      })
    )

    it.effect("takes nothing any more, and ends once only", () =>
      Effect.gen(function* () {
        const socket = yield* connect(echo)
        yield* socket.close(4000, "mine")
        const error = yield* Effect.flip(socket.send("late"))
        assert.deepStrictEqual([error._tag, error.code], ["WebSocketClosed", 4000])
        yield* socket.close(4001)
        yield* socket.disconnect()
        assert.deepStrictEqual(yield* socket.closed, { code: 4000, reason: "" })
        assert.deepStrictEqual(yield* socket.exit, Exit.succeed("4000 mine"))
      })
    )

    it.effect("by what no close frame can say is a mistake of the test", () =>
      Effect.gen(function* () {
        const socket = yield* connect(echo)
        for (const close of [socket.close(1005), socket.close(999), socket.close(1000, "x".repeat(124))]) {
          assert.isTrue(Exit.hasDies(yield* Effect.exit(close)))
        }
        yield* socket.send("still open")
        assert.strictEqual(yield* socket.receive, "still open")
      })
    )

    it.effect("without a close frame tells the reason", () =>
      Effect.gen(function* () {
        for (const reason of [undefined, "write_timeout", "keepalive_timeout"] as const) {
          const socket = yield* connect(echo)
          yield* reason === undefined ? socket.disconnect() : socket.disconnect(reason)
          assert.deepStrictEqual(yield* socket.exit, Exit.succeed(`1006 ${reason ?? "client_closed"}`))
          assert.deepStrictEqual(yield* socket.closed, { code: 1006, reason: "" })
        }
      })
    )

    it.effect("lets a suspended send go on, and later ones do nothing", () =>
      Effect.gen(function* () {
        const socket = yield* connect(
          accepting((receive, send) =>
            Effect.gen(function* () {
              yield* Effect.replicateEffect(send(message("12345")), 3)
              return yield* disconnected(receive)
            })
          ),
          { writeHighWatermark: 4, writeLowWatermark: 0 }
        )
        yield* socket.disconnect()
        assert.deepStrictEqual(yield* socket.exit, Exit.succeed("1006 client_closed"))
        assert.strictEqual(yield* socket.receive, "12345")
        assert.strictEqual((yield* Effect.flip(socket.receive)).code, 1006)
      })
    )

    it.effect("interrupts the application when it runs on after the grace", () =>
      Effect.gen(function* () {
        for (const leave of ["close", "disconnect"] as const) {
          const socket = yield* connect(
            accepting(() => Effect.never),
            runsOn
          )
          yield* socket[leave]()
          const exit = yield* fork(socket.exit)
          yield* TestClock.adjust("2900 millis")
          assert.isUndefined(exit.pollUnsafe())
          yield* TestClock.adjust("100 millis")
          assert.isTrue(Exit.hasInterrupts(yield* Fiber.join(exit)))
        }
      })
    )
  })

  describe("that the server ends", () => {
    it.effect("when it shuts down leaves 100 ms for a goodbye", () =>
      Effect.gen(function* () {
        const client = yield* webSocket((scope, receive, send) =>
          Effect.gen(function* () {
            yield* send(accept)
            yield* scope.shuttingDown
            yield* send(message("goodbye"))
            return yield* disconnected(receive)
          })
        )
        const socket = yield* client.webSocket({})
        const closed = yield* fork(socket.closed)
        yield* client.beginShutdown
        yield* TestClock.adjust("99 millis")
        assert.isUndefined(closed.pollUnsafe())
        yield* TestClock.adjust("200 millis")
        assert.deepStrictEqual(yield* Fiber.join(closed), { code: 1001, reason: "the server is shutting down" })
        assert.strictEqual(yield* socket.receive, "goodbye")
        assert.deepStrictEqual(yield* socket.exit, Exit.succeed("1001 server_shutdown"))
      })
    )

    it.effect("when it shuts down does so also to one that is accepted later, and to none that is refused", () =>
      Effect.gen(function* () {
        const client = yield* webSocket((scope, receive, send) =>
          Effect.gen(function* () {
            yield* Effect.sleep("1 second")
            yield* send(scope.path === "/" ? accept : { type: "websocket.close" })
            return yield* disconnected(receive)
          })
        )
        const accepted = yield* fork(client.webSocket({}))
        const refused = yield* fork(Effect.flip(client.webSocket({ path: "/no" })))
        yield* client.beginShutdown
        yield* TestClock.adjust("1 second")
        const socket = yield* Fiber.join(accepted)
        const closed = yield* fork(socket.closed)
        assert.isUndefined(closed.pollUnsafe())
        yield* TestClock.adjust("200 millis")
        assert.strictEqual((yield* Fiber.join(closed)).code, 1001)
        const error = yield* Fiber.join(refused)
        assert.strictEqual(error._tag === "WebSocketRefused" ? error.response.status : error._tag, 403)
      })
    )

    it.effect("when it shuts down leaves a session alone that has ended by then", () =>
      Effect.gen(function* () {
        const client = yield* webSocket(
          accepting((receive) => Effect.andThen(disconnected(receive), Effect.sleep("1 second")))
        )
        const socket = yield* client.webSocket({})
        yield* socket.close(4000)
        yield* client.beginShutdown
        yield* TestClock.adjust("1 second")
        assert.deepStrictEqual([(yield* socket.closed).code, yield* socket.exit], [4000, Exit.void])
      })
    )

    it.effect("when more messages wait than maxReceiveQueue allows", () =>
      Effect.gen(function* () {
        const received: Array<string> = []
        const socket = yield* connect(
          accepting((receive) => Effect.andThen(Effect.sleep("1 second"), collect(receive, received))),
          { maxReceiveQueue: 2 }
        )
        yield* socket.send("one")
        yield* socket.send("two")
        assert.isUndefined((yield* fork(socket.closed)).pollUnsafe())
        yield* socket.send("three")
        assert.deepStrictEqual(yield* socket.closed, { code: 1008, reason: "message queue overflow" })
        yield* Effect.flip(socket.send("four"))
        yield* TestClock.adjust("1 second")
        assert.deepStrictEqual(yield* socket.exit, Exit.succeed("1008 queue_overflow"))
        assert.deepStrictEqual(received, ["one", "two", "three"])
      })
    )

    it.effect("when nothing has been sent in either direction for wsIdleTimeout", () =>
      Effect.gen(function* () {
        const socket = yield* connect(echo, { wsIdleTimeout: "1 minute" })
        const closed = yield* fork(socket.closed)
        yield* TestClock.adjust("59 seconds")
        yield* socket.send("one")
        // The answer that has not been taken keeps the session from being idle.
        yield* TestClock.adjust("3 minutes")
        assert.strictEqual(yield* socket.receive, "one")
        assert.isUndefined(closed.pollUnsafe())
        yield* TestClock.adjust("62 seconds")
        assert.deepStrictEqual(yield* Fiber.join(closed), { code: 1001, reason: "idle for too long" })
        assert.deepStrictEqual(yield* socket.exit, Exit.succeed("1006 idle_timeout"))
      })
    )
  })

  describe("with keepalive", () => {
    it.effect("counts the pings, until another interval or the end", () =>
      Effect.gen(function* () {
        const socket = yield* connect(
          accepting((receive, send) =>
            Effect.gen(function* () {
              yield* send({ type: "websocket.keepalive", interval: 10, timeout: 5 })
              yield* Effect.sleep("31 seconds")
              yield* send({ type: "websocket.keepalive", interval: 0 })
              yield* Effect.sleep("1 minute")
              yield* send({ type: "websocket.keepalive", interval: 1 })
              yield* disconnected(receive)
            })
          ),
          { wsIdleTimeout: "70 seconds" }
        )
        assert.strictEqual(socket.pings, 0)
        yield* TestClock.adjust("31 seconds")
        assert.strictEqual(socket.pings, 3)
        yield* TestClock.adjust("1 minute")
        assert.strictEqual(socket.pings, 3)
        yield* TestClock.adjust("90 seconds")
        // Answered pings are activity.
        assert.isAbove(socket.pings, 70)
        yield* socket.close()
        const pings = socket.pings
        yield* TestClock.adjust("1 minute")
        assert.strictEqual(socket.pings, pings)
      })
    )

    it.effect("sends no pings to a client that is behind", () =>
      Effect.gen(function* () {
        const socket = yield* connect(
          accepting((receive, send) =>
            Effect.gen(function* () {
              yield* send({ type: "websocket.keepalive", interval: 1 })
              yield* send(message("12345"))
              yield* disconnected(receive)
            })
          ),
          { writeHighWatermark: 4, writeLowWatermark: 0 }
        )
        yield* TestClock.adjust("10 seconds")
        assert.strictEqual(socket.pings, 0)
        yield* socket.receive
        yield* TestClock.adjust("1200 millis")
        assert.strictEqual(socket.pings, 1)
      })
    )
  })
})
