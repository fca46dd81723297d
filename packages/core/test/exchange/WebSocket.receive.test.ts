import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Schema from "effect/Schema"
import type { WebSocketExchange } from "../../src/exchange/WebSocket.ts"
import { endings, events, fork, makeHost, opened, take, words } from "../support/WebSocketSteps.ts"

const receiving = (exchange: WebSocketExchange) => fork(Effect.map(exchange.receive, words))

describe("WebSocketExchange", () => {
  describe("receive", () => {
    it.effect("answers connect at once, then what arrives, then the end again and again", () =>
      Effect.gen(function* () {
        const driver = makeHost()
        assert.deepStrictEqual(yield* driver.exchange.receive, { type: "websocket.connect" })
        const waiting = yield* receiving(driver.exchange)
        yield* driver.exchange.send(events.accept)
        assert.isUndefined(waiting.pollUnsafe())
        driver.exchange.deliver("one")
        assert.strictEqual(yield* Fiber.join(waiting), "one")
        const bytes = new Uint8Array([2])
        driver.exchange.deliver(bytes)
        driver.exchange.deliver("")
        const received = yield* driver.exchange.receive
        assert.deepStrictEqual(received, { type: "websocket.receive", bytes })
        assert.deepStrictEqual(yield* driver.exchange.receive, { type: "websocket.receive", text: "" })
        driver.exchange.finish(1000, "done")
        for (let round = 0; round < 3; round++) {
          assert.deepStrictEqual(yield* driver.exchange.receive, {
            type: "websocket.disconnect",
            code: 1000,
            reason: "done"
          })
        }
      })
    )

    it.effect("answers connect first, also when messages or the end have overtaken it", () =>
      Effect.gen(function* () {
        const driver = makeHost()
        yield* driver.exchange.send(events.accept)
        driver.exchange.deliver("early")
        driver.exchange.finish(1005, "")
        assert.deepStrictEqual(yield* take(driver.exchange, 4), [
          "connect",
          "early",
          "disconnect 1005",
          "disconnect 1005"
        ])
        const refused = makeHost()
        refused.exchange.disconnect("client_closed")
        assert.deepStrictEqual(yield* take(refused.exchange, 2), ["connect", "disconnect 1006 client_closed"])
      })
    )

    it.effect.each(endings)("hands out what is queued before the end when %s", ([, end, told]) =>
      Effect.gen(function* () {
        const { exchange } = yield* opened()
        exchange.deliver("one")
        exchange.deliver("two")
        end(exchange)
        assert.deepStrictEqual(yield* take(exchange, 4), ["one", "two", told, told])
      })
    )

    it.effect("keeps the first end", () =>
      Effect.gen(function* () {
        for (const [, end, told] of endings) {
          const { exchange } = yield* opened()
          end(exchange)
          const reason = exchange.state.disconnectReason
          for (const [, later] of endings) later(exchange)
          assert.deepStrictEqual(yield* take(exchange, 1), [told])
          assert.strictEqual(exchange.state.disconnectReason, reason)
          assert.strictEqual(exchange.state.responseComplete, reason === undefined)
        }
      })
    )

    it.effect("waits for the peer's answer after the application has closed", () =>
      Effect.gen(function* () {
        for (const [, end, told] of endings) {
          const driver = yield* opened()
          driver.exchange.deliver("before")
          yield* driver.exchange.send(events.close)
          assert.deepStrictEqual(yield* take(driver.exchange, 1), ["before"])
          const waiting = yield* receiving(driver.exchange)
          assert.isUndefined(waiting.pollUnsafe())
          end(driver.exchange)
          assert.strictEqual(yield* Fiber.join(waiting), told)
        }
      })
    )

    it.effect("counts what waits for the application, and tells the session of what is taken of it", () =>
      Effect.gen(function* () {
        const { channel, exchange } = yield* opened()
        const counts = () => [exchange.queuedMessages, exchange.queuedBytes, channel.taken]
        exchange.deliver("four")
        exchange.deliver(new Uint8Array(10))
        exchange.deliver("")
        assert.deepStrictEqual(counts(), [3, 14, 0])
        yield* take(exchange, 1)
        assert.deepStrictEqual(counts(), [2, 10, 1])
        yield* take(exchange, 2)
        assert.deepStrictEqual(counts(), [0, 0, 3])
        yield* receiving(exchange)
        exchange.deliver("awaited")
        assert.deepStrictEqual(counts(), [0, 0, 3], "it did not wait")
        exchange.finish(1000, "")
        yield* take(exchange, 1)
        assert.strictEqual(channel.taken, 3)
      })
    )

    it.effect("serves several receivers in the order in which they came", () =>
      Effect.gen(function* () {
        const { exchange } = yield* opened()
        const fibers = yield* Effect.replicateEffect(receiving(exchange), 4)
        exchange.deliver("one")
        exchange.deliver("two")
        assert.deepStrictEqual(
          fibers.map((fiber) => fiber.pollUnsafe()),
          [Exit.succeed("one"), Exit.succeed("two"), undefined, undefined]
        )
        exchange.finish(1000, "")
        const told = yield* Effect.forEach(fibers, Fiber.join)
        assert.deepStrictEqual(told, ["one", "two", "disconnect 1000", "disconnect 1000"])
      })
    )

    it.effect("a receiver that comes later does not overtake those who wait", () =>
      Effect.gen(function* () {
        const { exchange } = yield* opened()
        const order: Array<string> = []
        const again = (name: string) =>
          fork(
            Effect.gen(function* () {
              for (;;) order.push(`${name} ${words(yield* exchange.receive)}`)
            })
          )
        const fibers = [yield* again("a"), yield* again("b")]
        for (const message of ["1", "2", "3", "4"]) exchange.deliver(message)
        assert.deepStrictEqual(order, ["a 1", "b 2", "a 3", "b 4"])
        yield* Fiber.interruptAll(fibers)
      })
    )

    it.effect("an interrupted receiver takes nothing", () =>
      Effect.gen(function* () {
        const { exchange } = yield* opened()
        const [first, second, third] = [
          yield* receiving(exchange),
          yield* receiving(exchange),
          yield* receiving(exchange)
        ]
        yield* Fiber.interrupt(second)
        exchange.deliver("one")
        exchange.deliver("two")
        assert.deepStrictEqual([yield* Fiber.join(first), yield* Fiber.join(third)], ["one", "two"])
        yield* Fiber.interrupt(yield* receiving(exchange))
        exchange.deliver("three")
        assert.deepStrictEqual([exchange.queuedMessages, yield* take(exchange, 1)], [1, ["three"]])
      })
    )

    it.effect.prop(
      "loses, repeats and reorders nothing, however arrivals and receivers alternate",
      [Schema.Array(Schema.Literals(["deliver", "receive", "interrupt"]))],
      ([actions]) =>
        Effect.gen(function* () {
          const { exchange } = yield* opened()
          const waiting: Array<Fiber.Fiber<unknown>> = []
          const received: Array<string> = []
          let delivered = 0
          for (const action of actions) {
            if (action === "deliver") exchange.deliver(String(delivered++))
            else if (action === "interrupt") yield* Fiber.interruptAll(waiting.splice(0, 1))
            else waiting.push(yield* fork(Effect.map(exchange.receive, (event) => received.push(words(event)))))
          }
          const expected = Array.from({ length: delivered }, (_, index) => String(index))
          assert.deepStrictEqual(received, expected.slice(0, received.length))
          exchange.finish(1000, "")
          const isServed = ({ length }: ReadonlyArray<unknown>) => length > delivered
          while (!isServed(received)) received.push(...(yield* take(exchange, 1)))
          assert.deepStrictEqual(received.slice(0, delivered), expected)
          assert.isTrue(received.slice(delivered).every((event) => event === "disconnect 1000"))
          assert.deepStrictEqual([exchange.queuedMessages, exchange.queuedBytes], [0, 0])
          yield* Effect.forEach(waiting, Fiber.join)
        })
    )
  })
})
