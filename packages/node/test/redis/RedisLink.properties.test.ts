import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import { integer } from "../support/Properties.ts"
import { turn } from "./support/FakeRedis.ts"
import { RedisWorld, topics } from "./support/RedisWorld.ts"

/** How often each property is tried. */
const runs = Number(process.env["PAGI_PROPERTY_RUNS"] ?? 100)

/** What happens next: a kind of move, and numbers that pick what it happens to. */
const move = Arbitrary.all({ kind: integer(0, 99), one: integer(0, 999), topic: integer(0, topics.length - 1) })

type Move = typeof move extends Arbitrary.Arbitrary<infer A> ? A : never

/** Ends of a range are made more often than what is between; that is not to be one kind of move. */
const spread = (kind: number): number => (kind * 37 + 11) % 100

const play = (world: RedisWorld, { kind: made, one, topic: at }: Move, canBreak: boolean): Effect.Effect<void> => {
  const kind = spread(made)
  const { processes, redis } = world
  const process = processes[one % processes.length]
  const connection = redis.openConnections[one % Math.max(1, redis.openConnections.length)]
  const topic = topics[at] ?? ""
  if (process === undefined) return Effect.void
  if (kind < 25) return world.publish(process, topic)
  if (kind < 45) return Effect.sync(() => void (connection && redis.read(connection)))
  if (kind < 65) return Effect.sync(() => void (connection && redis.deliver(connection)))
  if (kind < 70) return world.subscribe(process, topic)
  if (kind < 73) return Effect.sync(() => world.unsubscribe(process, topic))
  if (kind < 77) return world.join(process, topic)
  if (kind < 80) return world.leave(process, topic)
  if (kind < 83) return world.watch(process, topic)
  if (kind < 85) return Effect.sync(() => world.unwatch(process, topic))
  // A Redis that answers nothing for several ticks is taken for lost.
  if (kind < 90) return canBreak ? world.tick : Effect.andThen(redis.settle, world.tick)
  if (!canBreak || kind < 94) return turn
  if (kind < 97) return Effect.sync(() => void (connection && redis.lose(connection)))
  if (kind < 98 && processes.length > 1) return world.crash(process)
  if (kind < 99) return Effect.sync(() => redis.restart())
  return Effect.sync(() => {
    redis.isUp = !redis.isUp
    if (!redis.isUp) redis.restart()
  })
}

const attempt = (body: () => void): Effect.Effect<boolean, string> =>
  Effect.as(Effect.try({ try: body, catch: String }), true)

const property = (title: string, processes: number, canBreak: boolean) =>
  it.effect(
    title,
    () =>
      Effect.gen(function* () {
        const result = yield* Arbitrary.checkEffect(
          Arbitrary.array(move, { minLength: 120 }),
          (moves) =>
            Effect.gen(function* () {
              const world = yield* RedisWorld.make(processes)
              for (const one of moves) yield* play(world, one, canBreak)
              yield* world.finish
              // A failure, and not a defect, so that the smallest input is found that fails.
              const problem = yield* attempt(() => world.check(canBreak))
              yield* world.close
              return (
                problem && (yield* attempt(() => assert.deepStrictEqual(world.redis.keys, [], "what is left in Redis")))
              )
            }),
          { runs, size: 200 }
        )
        assert.isUndefined(Arbitrary.formatCheckFailure(result))
      }).pipe(Effect.provide(Logger.layer([]))),
    { timeout: 60_000 + runs * 200 }
  )

describe("topics by Redis, whatever happens in whichever order", () => {
  property("lose nothing while no connection is lost", 3, false)
  property("tell of every gap, and know who is there, when connections, processes and Redis are lost", 3, true)
})
