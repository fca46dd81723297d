import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as EffectScope from "effect/Scope"
import { ConnectionFibers } from "../../src/server/ConnectionFibers.ts"
import * as PagiApp from "../../src/contract/PagiApp.ts"
import * as TestServer from "../../src/testing/TestServer.ts"

type AnyFiber = Fiber.Fiber<unknown, unknown>

/** The fibers of connections, of which each notes that it was told of the end. */
const setUp = Effect.gen(function* () {
  const { connections, fibers: listener } = yield* TestServer.make(PagiApp.make({}))
  const told: Array<string> = []
  const make = (name: string) => new ConnectionFibers(listener, { onScopeClose: () => void told.push(name) })
  return { connections, listener, told, make }
})

const running = (): AnyFiber => Effect.runFork(Effect.never)

const ended = (): AnyFiber => Effect.runFork(Effect.void)

const isInterrupted = (fiber: AnyFiber): boolean => fiber.pollUnsafe()?._tag === "Failure"

describe("ConnectionFibers", () => {
  it.effect("is open while it has applications", () =>
    Effect.gen(function* () {
      const { listener, make } = yield* setUp
      const connection = make("a")
      connection.close()
      assert.strictEqual(listener.size, 0)
      const fibers = [running(), running()]
      for (const fiber of fibers) connection.add(fiber)
      assert.strictEqual(listener.size, 1)
      assert.sameMembers([...connection.fibers], fibers)
      connection.close()
      assert.deepStrictEqual([listener.size, connection.fibers], [0, []])
      yield* Fiber.interruptAll(fibers)
    })
  )

  it.effect("forgets those that have ended, and none that runs", () =>
    Effect.gen(function* () {
      const { make } = yield* setUp
      const connection = make("a")
      const fibers: Array<AnyFiber> = []
      for (let count = 0; count < 1000; count++) {
        const fiber = count % 10 === 0 ? running() : ended()
        if (count % 10 === 0) fibers.push(fiber)
        connection.add(fiber)
        assert.includeMembers([...connection.fibers], fibers)
        assert.isAtMost(connection.fibers.length, 2 * fibers.length + 6)
      }
      yield* Fiber.interruptAll(fibers)
      for (let count = 0; count < 10; count++) connection.add(ended())
      assert.isAtMost(connection.fibers.length, 210)
    })
  )

  it.effect("looks at few for each one more, however many run", () =>
    Effect.gen(function* () {
      const { make } = yield* setUp
      const fiber = running()
      let looks = 0
      const watched = new Proxy(fiber, {
        get: (target, name) => {
          if (name === "pollUnsafe") looks++
          return Reflect.get(target, name, target)
        }
      })
      const connection = make("a")
      for (let count = 0; count < 10_000; count++) connection.add(watched)
      assert.isAtMost(looks, 40_000)
      connection.close()
      yield* Fiber.interrupt(fiber)
    })
  )

  it.effect("interrupts all of them, and only its own", () =>
    Effect.gen(function* () {
      const { make } = yield* setUp
      const connection = make("a")
      const other = make("b")
      const [first, second, third] = [running(), running(), running()]
      for (const fiber of [first, second]) connection.add(fiber)
      other.add(third)
      connection.interrupt()
      yield* Fiber.awaitAll([first, second])
      assert.deepStrictEqual([first, second, third].map(isInterrupted), [true, true, false])
      yield* Fiber.interrupt(third)
    })
  )

  it.effect("tells its connection, then is interrupted, when the scope above closes, which waits for it", () =>
    Effect.gen(function* () {
      const { connections, make, told } = yield* setUp
      let isReleased = false
      const slow: AnyFiber = Effect.runFork(
        Effect.onInterrupt(Effect.never, () =>
          Effect.andThen(
            Effect.yieldNow,
            Effect.sync(() => {
              isReleased = true
            })
          )
        )
      )
      make("a").add(slow)
      const handedOver = make("b")
      handedOver.add(running())
      handedOver.handOver({ onScopeClose: () => void told.push("session") })
      make("idle")
      yield* EffectScope.close(connections, yield* Effect.exit(Effect.void))
      assert.deepStrictEqual(told, ["a", "session"])
      assert.isTrue(isReleased)
      const late = running()
      make("late").add(late)
      yield* Fiber.await(late)
      assert.isTrue(isInterrupted(late))
    })
  )
})
