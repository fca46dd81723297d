import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Metric from "effect/Metric"
import * as Option from "effect/Option"
import * as Queue from "effect/Queue"
import * as Schema from "effect/Schema"
import * as SchemaGetter from "effect/SchemaGetter"
import * as Stream from "effect/Stream"
import { take } from "../../src/metrics/MetricSamples.ts"
import * as Topic from "../../src/topics/Topic.ts"
import * as Topics from "../../src/topics/Topics.ts"

const numbers = Topic.make("numbers", Schema.Finite, { member: Schema.String })

const test = <E>(name: string, run: () => Effect.Effect<void, E, Topics.Topics>) =>
  it.effect(name, () => Effect.provide(run(), Topics.layer))

const publish = (...all: ReadonlyArray<number>) =>
  Effect.forEach(all, (number) => Topics.publish(numbers, number), { discard: true })

const start = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.forkChild(effect, { startImmediately: true })

/** Messages as their numbers, gaps as text. */
const told = (events: ReadonlyArray<Topics.TopicEvent<number>>) =>
  events.map((event) => (event.type === "message" ? event.value : `${event.reason} ${event.missed}`))

/** Opens a subscriber of each kind with room for two. */
const open = (whenFull: Topics.WhenFull) =>
  Effect.gen(function* () {
    const options = { capacity: 2, whenFull }
    return {
      queue: yield* Topics.subscribe(numbers, options),
      events: yield* Topics.subscribeEvents(numbers, options),
      /** Has room for everything, and delays nobody. */
      other: yield* Topics.subscribe(numbers)
    }
  })

const counts = Effect.map(Topics.Topics, ({ hub }) => hub.counts)

const behind = (exit: Exit.Exit<unknown, unknown>) => {
  const error = Option.getOrUndefined(Exit.findErrorOption(exit))
  assert.instanceOf(error, Topics.TopicError)
  assert.strictEqual(error.reason._tag, "SubscriberBehind")
}

describe("who is behind", () => {
  test("loses the oldest by dropOldest", () =>
    Effect.gen(function* () {
      const { events, other, queue } = yield* open("dropOldest")
      yield* publish(1, 2, 3, 4)
      assert.deepStrictEqual(yield* Queue.takeAll(queue), [3, 4])
      assert.deepStrictEqual(told(yield* Stream.runCollect(Stream.take(events, 3))), ["behind 2", 3, 4])
      assert.deepStrictEqual(yield* Queue.takeAll(other), [1, 2, 3, 4])
      assert.deepInclude(yield* counts, { published: 4, delivered: 12, dropped: { behind: 4, unreadable: 0 } })
    }).pipe(Effect.scoped))

  test("loses the newest by dropNewest, and is told when it reads, not when the next comes", () =>
    Effect.gen(function* () {
      const { events, other, queue } = yield* open("dropNewest")
      yield* publish(1, 2, 3, 4)
      assert.deepStrictEqual(yield* Queue.takeAll(queue), [1, 2])
      assert.deepStrictEqual(told(yield* Stream.runCollect(Stream.take(events, 3))), [1, 2, "behind 2"])
      assert.deepStrictEqual(yield* Queue.takeAll(other), [1, 2, 3, 4])
      assert.deepInclude(yield* counts, { published: 4, delivered: 8, dropped: { behind: 4, unreadable: 0 } })
    }).pipe(Effect.scoped))

  test("gets what it has room for by end, and then an error", () =>
    Effect.gen(function* () {
      const { events, other, queue } = yield* open("end")
      yield* publish(1, 2, 3, 4)
      assert.deepStrictEqual(yield* Queue.takeAll(queue), [1, 2])
      behind(yield* Effect.exit(Queue.take(queue)))
      const seen: Array<Topics.TopicEvent<number>> = []
      behind(yield* Effect.exit(Stream.runForEach(events, (event) => Effect.sync(() => seen.push(event)))))
      assert.deepStrictEqual(told(seen), [1, 2])
      assert.deepStrictEqual(yield* Queue.takeAll(other), [1, 2, 3, 4])
    }).pipe(Effect.scoped))

  test("has its publishers wait by wait, in their order", () =>
    Effect.gen(function* () {
      const { events, other, queue } = yield* open("wait")
      yield* publish(1, 2)
      const third = yield* start(publish(3))
      const fourth = yield* start(publish(4))
      assert.deepStrictEqual(yield* Queue.takeAll(other), [1, 2, 3, 4])
      assert.strictEqual(yield* Queue.take(queue), 1)
      yield* Effect.yieldNow
      assert.isUndefined(third.pollUnsafe())
      assert.deepStrictEqual(told(yield* Stream.runCollect(Stream.take(events, 2))), [1, 2])
      yield* Fiber.join(third)
      assert.isUndefined(fourth.pollUnsafe())
      assert.deepStrictEqual(yield* Queue.takeAll(queue), [2, 3])
      yield* Fiber.join(fourth)
      assert.deepInclude(yield* counts, { published: 4, dropped: { behind: 0, unreadable: 0 } })
    }).pipe(Effect.scoped))

  test("keeps nothing of a publisher that is interrupted while it waits", () =>
    Effect.gen(function* () {
      const queue = yield* Topics.subscribe(numbers, { capacity: 1, whenFull: "wait" })
      const events = yield* Topics.subscribeEvents(numbers, { capacity: 1, whenFull: "wait" })
      yield* publish(1)
      for (let number = 2; number < 1000; number++) yield* Fiber.interrupt(yield* start(publish(number)))
      const last = yield* start(publish(1000))
      assert.deepStrictEqual(told(yield* Stream.runCollect(Stream.take(events, 3))), [1, "behind 998", 1000])
      assert.strictEqual(yield* Queue.take(queue), 1)
      yield* Fiber.join(last)
      assert.strictEqual(yield* Queue.take(queue), 1000)
      assert.strictEqual((yield* counts).dropped.behind, 2 * 998)
    }).pipe(Effect.scoped))

  test("makes nobody wait any more when it leaves", () =>
    Effect.gen(function* () {
      const waiting = yield* Effect.scoped(
        Effect.gen(function* () {
          yield* open("wait")
          yield* publish(1, 2)
          return yield* start(publish(3))
        })
      )
      yield* Fiber.join(waiting)
    }))

  test("costs bounded memory when it never reads", () =>
    Effect.gen(function* () {
      const kinds = yield* Effect.forEach(["dropOldest", "dropNewest", "end"] as const, open)
      yield* publish(...Array.from({ length: 2000 }, (_, index) => index))
      for (const { other, queue } of kinds) {
        assert.deepStrictEqual([yield* Queue.size(queue), yield* Queue.size(other)], [2, 256])
      }
    }).pipe(Effect.scoped))

  test("watches members again from all that are there", () =>
    Effect.gen(function* () {
      const pull = yield* Stream.toPull(Topics.presence(numbers))
      assert.deepStrictEqual(yield* pull, [{ type: "present", members: [] }])
      const join = Topics.join(numbers, "Ada")
      for (let time = 0; time < 128; time++) yield* Effect.scoped(join)
      assert.strictEqual((yield* pull).length, 256)
      for (let time = 0; time < 129; time++) yield* Effect.scoped(join)
      const id = yield* join
      assert.deepStrictEqual(yield* pull, [{ type: "present", members: [{ id, value: "Ada" }] }])
    }).pipe(Effect.scoped))
})

describe("many who are behind", () => {
  test("are waited for, and forgotten by a publisher who is interrupted", () =>
    Effect.gen(function* () {
      const many = 20_000
      const options = { capacity: 1, whenFull: "wait" } as const
      for (let count = 0; count < many; count++) yield* Topics.subscribe(numbers, options)
      yield* publish(1)
      const publisher = yield* start(publish(2))
      yield* Fiber.interrupt(publisher)
      const exit = yield* Fiber.await(publisher)
      assert.isTrue(Exit.isFailure(exit) && Cause.hasInterruptsOnly(exit.cause))
      assert.deepInclude(yield* counts, { delivered: many, dropped: { behind: many, unreadable: 0 } })
    }).pipe(Effect.scoped))
})

describe("what a program does wrong", () => {
  const refused = <A, E>(effect: Effect.Effect<A, E, Topics.Topics>, tag: string, message: string) =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(effect)
      assert.instanceOf(error, Topics.TopicError)
      assert.strictEqual(error.reason._tag, tag)
      assert.include(error.message, message)
      const { hub } = yield* Topics.Topics
      assert.deepStrictEqual([hub.size, hub.counts.published], [0, 0])
    })

  test("is told, whatever it does with the name", () =>
    Effect.gen(function* () {
      const nameless = Topic.make("", Schema.Finite, { member: Schema.String })
      const refusedName = <A, E>(effect: Effect.Effect<A, E, Topics.Topics>) =>
        refused(effect, "InvalidTopicName", 'topic "": a name has at least one character')
      yield* refusedName(Topics.publish(nameless, 1))
      yield* refusedName(Effect.scoped(Topics.subscribe(nameless)))
      yield* refusedName(Stream.runDrain(Topics.events(nameless)))
      yield* refusedName(Stream.runDrain(Topics.stream(nameless)))
      yield* refusedName(Effect.scoped(Topics.join(nameless, "Ada")))
      yield* refusedName(Topics.members(nameless))
      yield* refusedName(Stream.runDrain(Topics.presence(nameless)))
      yield* refusedName(Topics.forward(nameless, () => Effect.void))
    }))

  test("is told of options that cannot be", () =>
    Effect.gen(function* () {
      for (const capacity of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) {
        yield* refused(
          Effect.scoped(Topics.subscribe(numbers, { capacity })),
          "InvalidTopicOption",
          `capacity is a whole number from 1 on, and not ${capacity}`
        )
      }
      // As a program without types may have it.
      const whenFull = "drop" as Topics.WhenFull
      yield* refused(Stream.runDrain(Topics.events(numbers, { whenFull })), "InvalidTopicOption", "whenFull is one of")
    }))

  test("is told of values that the schema does not describe, or that are too large", () =>
    Effect.gen(function* () {
      const positive = Topic.make("positive", Schema.Finite.check(Schema.isGreaterThan(0)))
      yield* refused(Topics.publish(positive, -1), "InvalidTopicValue", "greater than 0")
      const text = Topic.make("text", Schema.String, { member: Schema.String })
      yield* refused(Topics.publish(text, "a".repeat(1_048_575)), "TopicValueTooLarge", "1048576 bytes as JSON")
      yield* refused(Effect.scoped(Topics.join(text, "a".repeat(16_383))), "TopicValueTooLarge", "16384 bytes as JSON")
      yield* Effect.scoped(Topics.join(text, "a".repeat(16_382)))
      yield* Topics.publish(text, "a".repeat(1_048_574))
    }))

  test("is told of values that JSON does not have", () =>
    Effect.gen(function* () {
      const any = Topic.make("any", Schema.Any, { member: Schema.Any })
      yield* refused(Topics.publish(any, undefined), "InvalidTopicValue", "no JSON (undefined)")
      yield* refused(Effect.scoped(Topics.join(any, () => 1)), "InvalidTopicValue", "no JSON (function)")
      const cyclic: Record<string, unknown> = {}
      cyclic["self"] = cyclic
      const silent = {
        toJSON: () => {
          // What others throw may be anything.
          throw Object.create(null)
        }
      }
      for (const [value, problem] of [
        [1n, "serialize a BigInt"],
        [cyclic, "property 'self' closes the circle"],
        [silent, "no JSON ({})"]
      ] as const) {
        yield* refused(Topics.publish(any, value), "InvalidTopicValue", problem)
        yield* refused(Topics.publish(any, { value }), "InvalidTopicValue", "as Schema.BigInt does of a bigint")
      }
    }))

  test("is told in a program without types which schema is missing", () =>
    Effect.gen(function* () {
      // As JavaScript has it.
      const make = Topic.make as unknown as (name: string) => Topic.WithMembers<string, string>
      for (const effect of [Topics.publish(make("bare"), "a"), Effect.scoped(Topics.join(make("bare"), "Ada"))]) {
        const exit = yield* Effect.exit(effect)
        assert.match(
          String(Exit.isFailure(exit) && Cause.squash(exit.cause)),
          /Topic\.make\(name, schema, { member: schema }\)/
        )
      }
    }))

  test("is told of a schema that waits or throws", () => {
    const publishBy = (getter: SchemaGetter.Getter<string, string>) =>
      Topics.publish(
        Topic.make("odd", Schema.String.pipe(Schema.decodeTo(Schema.String, { decode: getter, encode: getter }))),
        "a"
      )
    const waiting = SchemaGetter.transformEffect((text: string) => Effect.as(Effect.sleep(1), text))
    const throwing = SchemaGetter.transform((): string => {
      throw new Error("there is no such room")
    })
    return Effect.andThen(
      refused(publishBy(waiting), "InvalidTopicValue", "waits for something"),
      refused(publishBy(throwing), "InvalidTopicValue", "there is no such room")
    )
  })
})

describe("the metrics of topics", () => {
  it.effect("are in the registry of the program while a layer is in use, and do not go back", () =>
    Effect.gen(function* () {
      const registry: Metric.MetricRegistry = new Map()
      const values = () =>
        Object.fromEntries(
          take(registry).map((sample) => [
            [sample.id.replace("pagi.topics.", ""), sample.attributes["pagi.topics.reason"]].join(" ").trim(),
            sample.type === "Counter" ? sample.count : sample.type === "Gauge" ? sample.value : undefined
          ])
        )
      const use = Effect.gen(function* () {
        yield* open("dropNewest")
        yield* publish(1, 2, 3)
        return values()
      }).pipe(Effect.scoped)
      const both = Effect.gen(function* () {
        const one = yield* Effect.provide(use, Topics.layer, { local: true })
        assert.deepStrictEqual(values()["published"], 3)
        const two = yield* Effect.provide(use, Topics.layer, { local: true })
        return [one, two, values()]
      })
      const gaps = { "gaps disconnected": 0, "gaps overloaded": 0 }
      const first = {
        published: 3,
        delivered: 7,
        "dropped behind": 2,
        "dropped unreadable": 0,
        subscribers: 3,
        ...gaps
      }
      const second = { ...first, published: 6, delivered: 14, "dropped behind": 4 }
      const seen = yield* Effect.provide(both, Topics.layer, { local: true }).pipe(
        Effect.provideService(Metric.MetricRegistry, registry)
      )
      assert.deepStrictEqual(seen, [first, second, { ...second, subscribers: 0 }])
      assert.deepStrictEqual(values(), {})
    })
  )
})
