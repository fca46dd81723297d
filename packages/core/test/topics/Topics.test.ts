import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Queue from "effect/Queue"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { poolKey } from "../../src/contract/PoolKey.ts"
import * as Topic from "../../src/topics/Topic.ts"
import * as Topics from "../../src/topics/Topics.ts"

const Said = Schema.Struct({ from: Schema.String, at: Schema.Date })
const room = (id: string) => Topic.make(`room/${id}`, Said, { member: Schema.Struct({ name: Schema.String }) })

const said = (from: string) => ({ from, at: new Date(0) })

const test = <E>(name: string, run: () => Effect.Effect<void, E, Topics.Topics>) =>
  it.effect(name, () => Effect.provide(run(), Topics.layer))

describe("Topics in one process", () => {
  test("hands the very value to all who subscribe to the topic", () =>
    Effect.gen(function* () {
      const one = yield* Topics.subscribe(room("a"))
      const two = yield* Topics.subscribe(room("a"))
      const other = yield* Topics.subscribe(room("b"))
      const value = said("Ada")
      yield* Topics.publish(room("a"), value)
      assert.strictEqual(yield* Queue.take(one), value)
      assert.strictEqual(yield* Queue.take(two), value)
      assert.strictEqual(yield* Queue.size(other), 0)
    }).pipe(Effect.scoped))

  test("has a stream of what is published while it runs", () =>
    Effect.gen(function* () {
      const fiber = yield* Effect.forkChild(Stream.runCollect(Stream.take(Topics.stream(room("a")), 3)), {
        startImmediately: true
      })
      for (const from of ["Ada", "Ben", "Cleo", "Dan"]) yield* Topics.publish(room("a"), said(from))
      assert.deepStrictEqual(
        (yield* Fiber.join(fiber)).map(({ from }) => from),
        ["Ada", "Ben", "Cleo"]
      )
      const { hub } = yield* Topics.Topics
      assert.strictEqual(hub.size, 0)
    }))

  test("knows who is there", () =>
    Effect.gen(function* () {
      const events: Array<Topics.PresenceEvent<{ readonly name: string }>> = []
      yield* Effect.forkChild(
        Stream.runForEach(Topics.presence(room("a")), (event) => Effect.sync(() => events.push(event))),
        { startImmediately: true }
      )
      yield* Effect.scoped(
        Effect.gen(function* () {
          const id = yield* Topics.join(room("a"), { name: "Ada" })
          yield* Effect.yieldNow
          assert.deepStrictEqual(yield* Topics.members(room("a")), [{ id, value: { name: "Ada" } }])
        })
      )
      yield* Effect.yieldNow
      assert.deepStrictEqual(
        events.map(({ type }) => type),
        ["present", "joined", "left"]
      )
    }))
})

describe("Topics in one process of several", () => {
  const logged = Effect.fnUntraced(function* (pool: unknown) {
    const lines: Array<string> = []
    const logger = Logger.make<unknown, void>(({ message }) => void lines.push(String(message)))
    yield* Effect.void.pipe(
      Effect.provide(Layer.provide(Topics.layer, Logger.layer([logger]))),
      Effect.provideService(Context.Reference<unknown>(poolKey, { defaultValue: () => undefined }), pool)
    )
    return lines
  })

  it.effect("says that clients of other workers hear nothing of them", () =>
    Effect.gen(function* () {
      const [line, ...others] = yield* logged({ worker: 2 })
      assert.match(line ?? "", /topics of this worker alone.*PagiTopics\.layer/)
      assert.deepStrictEqual(others, [])
      assert.deepStrictEqual(yield* logged(undefined), [])
    })
  )
})
