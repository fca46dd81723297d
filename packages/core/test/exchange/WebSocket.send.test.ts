import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import type { WebSocketExchange, WebSocketMessage } from "../../src/exchange/WebSocket.ts"
import { endings, events, fork, makeHost, opened, sendAll, steps, take, words } from "../support/WebSocketSteps.ts"

describe("WebSocketExchange", () => {
  describe("send", () => {
    it.effect.each(endings)("does nothing when %s", ([, end]) =>
      Effect.gen(function* () {
        const driver = yield* opened()
        end(driver.exchange)
        yield* sendAll(driver.exchange, steps)
        assert.deepStrictEqual(driver.calls, [])
      })
    )

    it.effect("suspends above the high mark until the low mark is reached", () =>
      Effect.gen(function* () {
        const driver = yield* opened({ highWaterMark: 8, lowWaterMark: 4 })
        const sent: Array<number> = []
        const marks: Array<string> = []
        driver.exchange.writeBuffer.onHighWater(() => marks.push("high"))
        driver.exchange.writeBuffer.onDrain(() => marks.push("low"))
        const sending = Effect.forEach([1, 2, 3], (count) =>
          Effect.map(driver.exchange.send(events.message), () => sent.push(count))
        )
        const fiber = yield* fork(sending)
        assert.deepStrictEqual([sent, marks, driver.exchange.bufferedAmount], [[1], ["high"], 10])
        driver.drainTo(5)
        assert.deepStrictEqual(sent, [1])
        driver.drainTo(4)
        assert.deepStrictEqual(
          [sent, marks],
          [
            [1, 2],
            ["high", "low", "high"]
          ]
        )
        driver.drainTo(0)
        yield* Fiber.join(fiber)
        assert.deepStrictEqual([sent, driver.calls.length], [[1, 2, 3], 3])
      })
    )

    it.effect.each(endings)("does not stay suspended when %s", ([, end]) =>
      Effect.gen(function* () {
        const driver = yield* opened({ highWaterMark: 4, lowWaterMark: 0 })
        const fiber = yield* fork(sendAll(driver.exchange, ["message", "message"]))
        assert.isUndefined(fiber.pollUnsafe())
        end(driver.exchange)
        yield* Fiber.join(fiber)
        assert.strictEqual(driver.calls.length, 1)
      })
    )

    it.effect("measures the response first and the session later", () =>
      Effect.gen(function* () {
        const refusing = makeHost({ highWaterMark: 4, lowWaterMark: 0 })
        const fiber = yield* fork(sendAll(refusing.exchange, ["responseStart", "body"]))
        assert.strictEqual(refusing.exchange.bufferedAmount, 5)
        assert.isUndefined(fiber.pollUnsafe())
        refusing.bufferedAmount = 0
        refusing.exchange.writeBuffer.update()
        yield* Fiber.join(fiber)
        const driver = makeHost()
        driver.bufferedAmount = 7
        assert.strictEqual(driver.exchange.bufferedAmount, 7)
        yield* driver.exchange.send(events.accept)
        assert.strictEqual(driver.exchange.bufferedAmount, 0)
      })
    )

    it.effect("passes every keepalive on, in ticks, however long", () =>
      Effect.gen(function* () {
        const driver = yield* opened()
        for (const [interval, timeout] of [
          [0, 0],
          [0.01, 0.15],
          [1, 2],
          [1e12, Number.MAX_VALUE]
        ] as const) {
          yield* driver.exchange.send({ type: "websocket.keepalive", interval, timeout })
        }
        assert.deepStrictEqual(driver.calls, [
          ["keepAlive", 0, 0],
          ["keepAlive", 1, 2],
          ["keepAlive", 10, 20],
          ["keepAlive", 1e13, Number.POSITIVE_INFINITY]
        ])
      })
    )
  })

  describe("who is woken within another call", () => {
    const onNext = (exchange: WebSocketExchange, act: Effect.Effect<unknown, unknown>) =>
      fork(Effect.andThen(exchange.receive, Effect.exit(act)))

    it.effect("by a message sends, and closes, on the same stack", () =>
      Effect.gen(function* () {
        const driver = yield* opened()
        const fiber = yield* onNext(driver.exchange, sendAll(driver.exchange, ["message", "close", "message"]))
        driver.exchange.deliver("go")
        assert.deepStrictEqual(driver.calls, [
          ["send", "hello"],
          ["close", 3001, "enough"]
        ])
        assert.isTrue(Exit.isFailure(yield* Fiber.join(fiber)))
      })
    )

    it.effect("by a message that came right behind the handshake finds the session open", () =>
      Effect.gen(function* () {
        const driver = makeHost()
        yield* driver.exchange.receive
        driver.channel.onBegin = () => {
          driver.exchange.deliver("early")
          driver.exchange.deliver("later")
        }
        const fiber = yield* onNext(driver.exchange, sendAll(driver.exchange, ["message", "close"]))
        yield* driver.exchange.send(events.accept)
        assert.deepStrictEqual(yield* Fiber.join(fiber), Exit.void)
        assert.deepStrictEqual(
          driver.calls.map(([name]) => name),
          ["accept", "begin", "send", "close"]
        )
        // The accept has not set back what came after it.
        const error = yield* Effect.flip(driver.exchange.send(events.message))
        assert.strictEqual(error.message, "websocket.send: the application has closed the session")
        assert.deepStrictEqual(yield* take(driver.exchange, 1), ["later"])
      })
    )

    it.effect("by an end right behind the handshake sends nothing", () =>
      Effect.gen(function* () {
        const driver = makeHost()
        yield* driver.exchange.receive
        driver.channel.onBegin = () => driver.exchange.disconnect("protocol_error", 1002)
        const fiber = yield* onNext(driver.exchange, sendAll(driver.exchange, ["message", "close"]))
        yield* sendAll(driver.exchange, ["accept", "message"])
        assert.deepStrictEqual(yield* Fiber.join(fiber), Exit.void)
        assert.deepStrictEqual(
          driver.calls.map(([name]) => name),
          ["accept", "begin"]
        )
      })
    )

    it.effect.each(endings)("when %s sends nothing", ([, end]) =>
      Effect.gen(function* () {
        const driver = yield* opened()
        const fiber = yield* onNext(driver.exchange, sendAll(driver.exchange, steps))
        end(driver.exchange)
        assert.deepStrictEqual(yield* Fiber.join(fiber), Exit.void)
        assert.deepStrictEqual(driver.calls, [])
      })
    )

    it.effect("by the peer's answer to a close cannot send behind it", () =>
      Effect.gen(function* () {
        const driver = yield* opened()
        const close = driver.channel.close.bind(driver.channel)
        driver.channel.close = (code, reason) => {
          const problem = close(code, reason)
          driver.exchange.finish(code, "")
          return problem
        }
        const fiber = yield* onNext(driver.exchange, driver.exchange.send(events.message))
        yield* driver.exchange.send(events.close)
        assert.isTrue(Exit.isFailure(yield* Fiber.join(fiber)))
        assert.deepStrictEqual(driver.calls, [["close", 3001, "enough"]])
      })
    )

    it.effect("by a refusal cannot send behind it", () =>
      Effect.gen(function* () {
        for (const path of [["close"], ["responseStart", "lastBody"]] as const) {
          const driver = makeHost()
          yield* driver.exchange.receive
          const fiber = yield* onNext(driver.exchange, driver.exchange.send(events.accept))
          yield* sendAll(driver.exchange, path)
          const exit = yield* Fiber.join(fiber)
          assert.isTrue(Exit.isFailure(exit))
          assert.isFalse(driver.calls.some(([name]) => name === "accept"))
        }
      })
    )

    it.effect("may receive on and on, each time what is next", () =>
      Effect.gen(function* () {
        const driver = yield* opened()
        const received: Array<WebSocketMessage> = []
        yield* fork(
          Effect.gen(function* () {
            for (;;) {
              const event = words(yield* driver.exchange.receive)
              received.push(event)
              if (event.startsWith("disconnect")) return
              yield* driver.exchange.send(events.message)
            }
          })
        )
        for (const message of ["1", "2", "3"]) driver.exchange.deliver(message)
        driver.exchange.finish(1000, "")
        assert.deepStrictEqual(received, ["1", "2", "3", "disconnect 1000"])
        assert.strictEqual(driver.calls.length, 3)
      })
    )
  })
})
