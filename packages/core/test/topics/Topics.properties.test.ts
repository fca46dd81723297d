import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { WhenFull } from "../../src/topics/Topics.ts"
import { TopicWorld } from "./support/TopicWorld.ts"

/** How often each property is tried. */
const runs = Number(process.env["PAGI_PROPERTY_RUNS"] ?? 200)

const integer = (minimum: number, maximum: number): Arbitrary.Arbitrary<number> =>
  Arbitrary.schema(Schema.Int.check(Schema.isBetween({ minimum, maximum })))

/** What happens next: a kind of move, and a number that picks one of the things it can happen to. */
interface Move {
  readonly kind: number
  readonly pick: number
}

const move: Arbitrary.Arbitrary<Move> = Arbitrary.all({ kind: integer(0, 99), pick: integer(0, 9999) })

const policies: ReadonlyArray<WhenFull> = ["dropOldest", "dropNewest", "wait", "end"]

/** Picks by a number, and leaves the rest of it for the next choice. */
class Choice {
  #rest: number

  constructor(pick: number) {
    this.#rest = pick
  }

  of(count: number): number {
    const chosen = this.#rest % count
    this.#rest = Math.floor(this.#rest / count)
    return chosen
  }

  from<A>(values: ReadonlyArray<A>, body: (value: A) => void): void {
    const value = values[this.of(Math.max(1, values.length))]
    if (value !== undefined) body(value)
  }
}

const play = (world: TopicWorld, { kind, pick }: Move, canCrash: boolean): Effect.Effect<void> => {
  const choice = new Choice(pick)
  const topic = ["t", "u"][choice.of(2)] ?? "t"
  const host = (body: (one: TopicWorld["hosts"][number]) => void) => choice.from(world.alive(), body)
  const open = world.subscriptions.filter(({ endedAt }) => endedAt === undefined)
  if (kind < 30) host((one) => world.publish(one, topic))
  else if (kind < 50) choice.from(world.mesh.channels, (channel) => void channel.deliver())
  else if (kind < 60) choice.from(open, (one) => one.take?.())
  else if (kind < 68) {
    const policy = policies[choice.of(4)] ?? "wait"
    host((one) => world.subscribe(one, topic, 1 + choice.of(3), policy, choice.of(3) === 0 ? "queue" : "events"))
  } else if (kind < 72) choice.from(open, (one) => world.unsubscribe(one))
  else if (kind < 76) choice.from(world.publishers, (one) => world.cancel(one))
  else if (kind < 80) host((one) => world.join(one, topic))
  else if (kind < 83) {
    choice.from(
      world.members.filter(({ id }) => id !== undefined),
      (one) => world.leave(one)
    )
  } else if (kind < 86) host((one) => world.watch(one, topic))
  else if (kind < 88) {
    choice.from(
      world.watches.filter(({ isClosed }) => !isClosed),
      (one) => world.unwatch(one)
    )
  } else if (kind < 91) choice.from(world.watches, (one) => one.isClosed || one.take?.())
  else if (kind < 93) choice.from(world.mesh.channels, (channel) => channel.interrupt())
  else if (kind < 95 && canCrash && world.alive().length > 1) host((one) => world.crash(one, choice.of(5)))
  else return Effect.yieldNow
  return Effect.void
}

const property = (title: string, processes: number, canCrash: boolean) =>
  it.effect(
    title,
    () =>
      Effect.gen(function* () {
        const result = yield* Arbitrary.checkEffect(
          Arbitrary.array(move),
          (moves) =>
            Effect.gen(function* () {
              const world = yield* TopicWorld.make(processes)
              for (const one of moves) {
                world.now++
                yield* play(world, one, canCrash)
              }
              yield* world.settle
              world.check()
              yield* world.close
              return true
            }),
          { runs, size: 80 }
        )
        assert.isUndefined(Arbitrary.formatCheckFailure(result))
      }),
    { timeout: 60_000 + runs * 50 }
  )

describe("Topics, whatever happens in whichever order", () => {
  property("keep their promises in one process", 1, false)
  property("keep their promises in two processes", 2, false)
  property("keep their promises in three processes", 3, false)
  property("keep their promises in three processes, some of which crash", 3, true)
})
