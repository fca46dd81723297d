import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import { Interests } from "../../src/topics/Interests.ts"
import { LinkError } from "../../src/topics/LinkError.ts"
import { linkFailed, type TopicError } from "../../src/topics/TopicError.ts"

/** A link that answers when the test wants it, and takes as long as it wants to get over a question. */
const make = Effect.map(Effect.context<never>(), (context) => {
  const told: Array<string> = []
  const answers: Array<Deferred.Deferred<void, TopicError>> = []
  const ends: Array<Deferred.Deferred<void>> = []
  const interests = new Interests({
    fork: Effect.runForkWith(context),
    ask: (topic) =>
      Effect.suspend(() => {
        told.push(`ask ${topic}`)
        const answer = Deferred.makeUnsafe<void, TopicError>()
        const end = Deferred.makeUnsafe<void>()
        answers.push(answer)
        ends.push(end)
        return Effect.onInterrupt(Deferred.await(answer), () =>
          Effect.andThen(
            Effect.sync(() => told.push(`interrupted ${topic}`)),
            Deferred.await(end)
          )
        )
      }),
    stop: (topic) => void told.push(`stop ${topic}`)
  })
  return { interests, told, answers, ends }
})

const failure = linkFailed("t", new LinkError({ message: "no route" }))

const answer = <A, E>(
  deferreds: ReadonlyArray<Deferred.Deferred<A, E>>,
  index: number,
  exit: Exit.Exit<A, E>
): void => {
  const deferred = deferreds[index]
  assert.isDefined(deferred, "nobody has asked")
  Deferred.doneUnsafe(deferred, exit)
}

const start = <A, E>(effect: Effect.Effect<A, E>) => Effect.forkChild(effect, { startImmediately: true })

describe("Interests", () => {
  it.effect("ask once for all, and stop when the last has gone", () =>
    Effect.gen(function* () {
      const { answers, interests, told } = yield* make
      const one = yield* start(interests.enter("t"))
      const two = yield* start(interests.enter("t"))
      assert.isUndefined(one.pollUnsafe())
      answer(answers, 0, Exit.void)
      yield* Fiber.join(one)
      yield* Fiber.join(two)
      yield* interests.enter("t")
      interests.leave("t")
      interests.leave("t")
      assert.deepStrictEqual(told, ["ask t"])
      interests.leave("t")
      assert.deepStrictEqual(told, ["ask t", "stop t"])
      assert.strictEqual(interests.size, 0)
    })
  )

  it.effect("tell all who wait of a failure, and ask again for the next", () =>
    Effect.gen(function* () {
      const { answers, interests, told } = yield* make
      const one = yield* start(interests.enter("t"))
      answer(answers, 0, Exit.fail(failure))
      assert.deepStrictEqual(yield* Fiber.await(one), Exit.fail(failure))
      const two = yield* start(interests.enter("t"))
      interests.leave("t")
      answer(answers, 1, Exit.void)
      yield* Fiber.join(two)
      interests.leave("t")
      assert.deepStrictEqual(told, ["ask t", "ask t", "stop t"])
    })
  )

  it.effect("forget a failure when nobody wants to know any more, of which nothing is to be stopped", () =>
    Effect.gen(function* () {
      const { answers, interests, told } = yield* make
      yield* start(interests.enter("t"))
      answer(answers, 0, Exit.fail(failure))
      interests.leave("t")
      assert.deepStrictEqual([told, interests.size], [["ask t"], 0])
    })
  )

  it.effect("interrupt the question when the last has gone, and who still waits", () =>
    Effect.gen(function* () {
      const { ends, interests, told } = yield* make
      const one = yield* start(interests.enter("t"))
      interests.leave("t")
      assert.isTrue(Exit.hasInterrupts(yield* Fiber.await(one)))
      assert.deepStrictEqual(told, ["ask t", "interrupted t"])
      assert.strictEqual(interests.size, 1)
      answer(ends, 0, Exit.void)
      assert.strictEqual(interests.size, 0)
    })
  )

  it.effect("ask again only when the link has got over the question before", () =>
    Effect.gen(function* () {
      const { answers, ends, interests, told } = yield* make
      yield* start(interests.enter("t"))
      interests.leave("t")
      const two = yield* start(interests.enter("t"))
      // This one has not been asked yet, and must not let the next pass either.
      interests.leave("t")
      const three = yield* start(interests.enter("t"))
      assert.deepStrictEqual(told, ["ask t", "interrupted t"])
      answer(ends, 0, Exit.void)
      assert.deepStrictEqual(told, ["ask t", "interrupted t", "ask t"])
      answer(answers, 1, Exit.void)
      yield* Fiber.join(three)
      assert.isTrue(Exit.hasInterrupts(yield* Fiber.await(two)))
      interests.leave("t")
      assert.deepStrictEqual(told, ["ask t", "interrupted t", "ask t", "stop t"])
      assert.strictEqual(interests.size, 0)
    })
  )
})
