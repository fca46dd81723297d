import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Metric from "effect/Metric"
import * as Queue from "effect/Queue"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import { take } from "../../src/metrics/MetricSamples.ts"
import { LinkError } from "../../src/topics/LinkError.ts"
import * as Topic from "../../src/topics/Topic.ts"
import type { LinkListener, TopicLink } from "../../src/topics/TopicLink.ts"
import * as Topics from "../../src/topics/Topics.ts"

/** Counts how often it reads something. */
let decoded = 0

const Said = Schema.Struct({
  text: Schema.String.check(
    Schema.makeFilter(() => {
      decoded++
      return true
    })
  ),
  at: Schema.optionalKey(Schema.Date)
})
const room = Topic.make("room", Said, { member: Schema.Struct({ name: Schema.String }) })

/** The other end of a link: what it was told, and what it tells. */
const withLink = <A, E>(
  run: (link: {
    readonly told: Array<string>
    readonly listener: LinkListener
    /** Confirms subscriptions; open from the beginning. */
    readonly confirmed: { gate: Effect.Effect<void, LinkError> }
    readonly published: { wait: Effect.Effect<void, LinkError> | undefined }
  }) => Effect.Effect<A, E, Topics.Topics | Scope.Scope>
) =>
  Effect.suspend(() => {
    const told: Array<string> = []
    const confirmed: { gate: Effect.Effect<void, LinkError> } = { gate: Effect.void }
    const published: { wait: Effect.Effect<void, LinkError> | undefined } = { wait: undefined }
    let listener: LinkListener | undefined = undefined
    const tell = (line: string) => Effect.sync(() => void told.push(line))
    const link: TopicLink = {
      subscribe: (topic) => {
        told.push(`subscribe ${topic}`)
        return Effect.suspend(() => confirmed.gate)
      },
      unsubscribe: (topic) => void told.push(`unsubscribe ${topic}`),
      publish: (topic, text) => {
        told.push(`publish ${topic} ${text}`)
        return published.wait
      },
      watch: (topic) => {
        told.push(`watch ${topic}`)
        return Effect.suspend(() => confirmed.gate)
      },
      unwatch: (topic) => void told.push(`unwatch ${topic}`),
      join: (topic, { text }) => Effect.andThen(tell(`join ${topic} ${text}`), () => confirmed.gate),
      leave: (topic) => tell(`leave ${topic}`)
    }
    const layer = Topics.layerLink((given) =>
      Effect.sync(() => {
        listener = given
        return link
      })
    )
    return Effect.gen(function* () {
      const context = yield* Layer.build(layer)
      if (listener === undefined) return yield* Effect.die("the link was not made")
      return yield* Effect.provideContext(run({ told, listener, confirmed, published }), context)
    }).pipe(Effect.scoped)
  })

const start = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.forkChild(effect, { startImmediately: true })

const sizes = Effect.map(Topics.Topics, ({ hub }) => hub.size)

describe("Topics over a link", () => {
  it.effect("hand over what is published here, and tell here what others publish", () =>
    withLink(({ listener, told }) =>
      Effect.gen(function* () {
        const messages = yield* Topics.subscribe(room)
        yield* Topics.publish(room, { text: "here", at: new Date(0) })
        listener.onMessage("room", '{"text":"there","at":"1970-01-01T00:00:00.001Z"}')
        listener.onMessage("elsewhere", '{"text":"there"}')
        assert.deepStrictEqual(yield* Queue.takeAll(messages), [
          { text: "here", at: new Date(0) },
          { text: "there", at: new Date(1) }
        ])
        assert.deepStrictEqual(told, ["subscribe room", 'publish room {"text":"here","at":"1970-01-01T00:00:00.000Z"}'])
      })
    )
  )

  it.effect("read a message once for all who have the same schema, and not at all for those who do not want it", () =>
    withLink(({ listener }) =>
      Effect.gen(function* () {
        const queues = yield* Effect.forEach([1, 2, 3], () => Topics.subscribe(room))
        const other = yield* Topics.subscribe(Topic.make("room", Schema.Struct({ text: Schema.String })))
        yield* Topics.subscribeEvents(room)
        decoded = 0
        listener.onMessage("room", '{"text":"once"}')
        assert.strictEqual(decoded, 1)
        const values = yield* Effect.forEach(queues, Queue.take)
        assert.strictEqual(values[0], values[2])
        assert.deepStrictEqual(yield* Queue.take(other), { text: "once" })
        yield* Topics.publish(room, { text: "mine" })
        decoded = 0
        yield* Effect.forEach(queues, Queue.take)
        assert.strictEqual(decoded, 0)
      })
    )
  )

  it.effect("leave out what cannot be read, tell it where gaps are told, and go on", () => {
    const logged: Array<unknown> = []
    const logger = Logger.make(({ logLevel, message }) => logLevel === "Warn" && logged.push(message))
    return withLink(({ listener }) =>
      Effect.gen(function* () {
        const messages = yield* Topics.subscribe(room)
        const events = yield* Topics.subscribeEvents(room)
        for (const text of ['{"text":"a"}', '{"word":"secret"}', "no JSON", '{"text":"b"}']) {
          listener.onMessage("room", text)
        }
        assert.deepStrictEqual(
          (yield* Queue.takeAll(messages)).map(({ text }) => text),
          ["a", "b"]
        )
        assert.deepStrictEqual(yield* Stream.runCollect(Stream.take(events, 4)), [
          { type: "message", value: { text: "a" } },
          { type: "gap", reason: "unreadable", missed: 1 },
          { type: "gap", reason: "unreadable", missed: 1 },
          { type: "message", value: { text: "b" } }
        ])
        const { hub } = yield* Topics.Topics
        assert.strictEqual(hub.counts.dropped.unreadable, 4)
        assert.strictEqual(logged.length, 1)
        assert.notInclude(String(logged[0]), "secret")
        yield* TestClock.adjust("10 seconds")
        listener.onMessage("room", "{}")
        assert.strictEqual(logged.length, 2)
        assert.include(String(logged[1]), "skipped 4 messages")
        assert.include(String(logged[1]), '"room"')
      })
    ).pipe(Effect.provide(Logger.layer([logger])))
  })

  it.effect("tell gaps of one topic or of all, in their places", () =>
    withLink(({ listener }) =>
      Effect.gen(function* () {
        const events = yield* Topics.subscribeEvents(room)
        listener.onMessage("room", '{"text":"a"}')
        listener.onGap("other", "overloaded")
        listener.onGap("room", "overloaded")
        listener.onMessage("room", '{"text":"b"}')
        listener.onGap(undefined, "disconnected")
        assert.deepStrictEqual(yield* Stream.runCollect(Stream.take(events, 4)), [
          { type: "message", value: { text: "a" } },
          { type: "gap", reason: "overloaded" },
          { type: "message", value: { text: "b" } },
          { type: "gap", reason: "disconnected" }
        ])
      })
    )
  )

  it.effect("count gaps for each subscriber that was told of one, also when the link is not there any more", () =>
    Effect.gen(function* () {
      const registry: Metric.MetricRegistry = new Map()
      const counted = () =>
        Object.fromEntries(
          take(registry).flatMap((sample) =>
            sample.id === "pagi.topics.gaps" && sample.type === "Counter"
              ? [[sample.attributes["pagi.topics.reason"], sample.count]]
              : []
          )
        )
      const use = withLink(({ listener }) =>
        Effect.gen(function* () {
          for (let count = 0; count < 2; count++) yield* Topics.subscribe(room)
          yield* Topics.subscribe(Topic.make("other", Schema.String))
          listener.onGap("room", "overloaded")
          listener.onGap("nobody's", "overloaded")
          listener.onGap(undefined, "disconnected")
        })
      )
      // As long as something of the same registry is in use.
      const seen = yield* Effect.andThen(use, Effect.sync(counted)).pipe(
        Effect.provide(Topics.layer),
        Effect.provideService(Metric.MetricRegistry, registry)
      )
      assert.deepStrictEqual(seen, { overloaded: 2, disconnected: 3 })
    })
  )

  it.effect("succeed in subscribing only when the link has confirmed it, and keep nothing of who leaves before", () =>
    withLink(({ confirmed, listener, told }) =>
      Effect.gen(function* () {
        const gate = yield* Deferred.make<void, LinkError>()
        confirmed.gate = Deferred.await(gate)
        const interrupted = yield* start(Effect.scoped(Topics.subscribe(room)))
        const scope = yield* Scope.make()
        const closed = yield* start(Scope.provide(Topics.subscribe(room), scope))
        const events = yield* start(Topics.subscribeEvents(room))
        listener.onMessage("room", '{"text":"too early"}')
        yield* Fiber.interrupt(interrupted)
        yield* Scope.close(scope, Exit.void)
        assert.isUndefined(events.pollUnsafe())
        Deferred.doneUnsafe(gate, Exit.void)
        const stream = yield* Fiber.join(events)
        // Its queue is shut down like the scope.
        const queue = yield* Fiber.join(closed)
        assert.isTrue(Exit.hasInterrupts(yield* Effect.exit(Queue.take(queue))))
        const { hub } = yield* Topics.Topics
        assert.strictEqual(hub.counts.subscribers, 1)
        yield* Topics.publish(room, { text: "now" })
        assert.deepStrictEqual(yield* Stream.runCollect(Stream.take(stream, 1)), [
          { type: "message", value: { text: "now" } }
        ])
        assert.strictEqual(told[0], "subscribe room")
      })
    )
  )

  it.effect("interrupt who waits for the link when the scope of the last subscriber closes", () =>
    withLink(({ confirmed, told }) =>
      Effect.gen(function* () {
        confirmed.gate = Effect.never
        const scope = yield* Scope.make()
        const waiting = yield* start(Scope.provide(Topics.subscribe(room), scope))
        yield* Scope.close(scope, Exit.void)
        assert.isTrue(Exit.hasInterrupts(yield* Fiber.await(waiting)))
        assert.strictEqual(yield* sizes, 0)
        assert.deepStrictEqual(told, ["subscribe room"])
      })
    )
  )

  it.effect("fail as the link does, with nothing left, and can be tried again in the same scope", () =>
    withLink(({ confirmed, published, told }) =>
      Effect.gen(function* () {
        const failing = Effect.fail(new LinkError({ message: "Redis does not answer; start it" }))
        confirmed.gate = failing
        const problem = (effect: Effect.Effect<unknown, Topics.TopicError, Topics.Topics | Scope.Scope>) =>
          Effect.map(Effect.flip(effect), ({ message }) =>
            assert.strictEqual(message, 'topic "room": Redis does not answer; start it')
          )
        yield* problem(Topics.subscribe(room))
        yield* problem(Topics.members(room))
        yield* problem(Topics.join(room, { name: "Ada" }))
        yield* problem(Stream.runDrain(Topics.stream(room)))
        yield* problem(Stream.runDrain(Topics.presence(room)))
        assert.strictEqual(yield* sizes, 0)
        assert.deepStrictEqual(told, [
          "subscribe room",
          "watch room",
          'join room {"name":"Ada"}',
          "leave room",
          "subscribe room",
          "watch room"
        ])
        confirmed.gate = Effect.void
        const messages = yield* Topics.subscribe(room)
        published.wait = failing
        yield* problem(Topics.publish(room, { text: "here alone" }))
        assert.deepStrictEqual(yield* Queue.take(messages), { text: "here alone" })
      })
    )
  )

  it.effect("have the link wait for who has asked for it, and for nobody else", () =>
    withLink(({ listener }) =>
      Effect.gen(function* () {
        const slow = yield* Topics.subscribe(room, { capacity: 1, whenFull: "wait" })
        const events = yield* Topics.subscribeEvents(room, { capacity: 1, whenFull: "wait" })
        const never = yield* Topics.subscribe(room, { capacity: 1 })
        assert.isUndefined(listener.onMessage("room", '{"text":"a"}'))
        const wait = listener.onMessage("room", '{"text":"b"}')
        const waiting = yield* start(wait ?? Effect.die("nobody is waited for"))
        assert.deepStrictEqual(yield* Queue.take(slow), { text: "a" })
        yield* Effect.yieldNow
        assert.isUndefined(waiting.pollUnsafe())
        assert.deepStrictEqual(yield* Stream.runCollect(Stream.take(events, 1)), [
          { type: "message", value: { text: "a" } }
        ])
        yield* Fiber.join(waiting)
        assert.deepStrictEqual(yield* Queue.take(slow), { text: "b" })
        assert.deepStrictEqual(yield* Queue.take(never), { text: "b" })
      })
    )
  )

  it.effect("know the members of other processes while somebody watches", () =>
    withLink(({ confirmed, listener, told }) =>
      Effect.gen(function* () {
        confirmed.gate = Effect.sync(() => {
          listener.onJoin("room", "P", { id: "p1", text: '{"name":"Ben"}' })
          listener.onJoin("room", "P", { id: "p2", text: '{"nobody":"knows"}' })
        })
        assert.deepStrictEqual(yield* Topics.members(room), [{ id: "p1", value: { name: "Ben" } }])
        assert.deepStrictEqual(told, ["watch room", "unwatch room"])
        const events: Array<Topics.PresenceEvent<{ readonly name: string }>> = []
        yield* start(Stream.runForEach(Topics.presence(room), (event) => Effect.sync(() => events.push(event))))
        yield* Effect.yieldNow
        listener.onJoin("room", "P", { id: "p3", text: "[]" })
        listener.onLeave("room", "P", "p3")
        listener.onProcessGone("P")
        yield* Effect.yieldNow
        assert.deepStrictEqual(events, [
          { type: "present", members: [{ id: "p1", value: { name: "Ben" } }] },
          { type: "left", member: { id: "p1", value: { name: "Ben" } }, reason: "lost" }
        ])
      })
    )
  )

  it.effect("ask a link again only when it has got over an earlier question, and believe it from then on", () =>
    withLink(({ confirmed, listener, told }) =>
      Effect.gen(function* () {
        const isOver = yield* Deferred.make<void>()
        confirmed.gate = Effect.never.pipe(Effect.onInterrupt(() => Deferred.await(isOver)))
        const early = yield* start(Topics.members(room))
        yield* start(Fiber.interrupt(early))
        confirmed.gate = Effect.sync(() => listener.onJoin("room", "P", { id: "p2", text: '{"name":"Cleo"}' }))
        const late = yield* start(Topics.members(room))
        // Of the first question; that this one has left is told to nobody any more.
        listener.onJoin("room", "P", { id: "p1", text: '{"name":"Ben"}' })
        assert.deepStrictEqual(told, ["watch room"])
        yield* Deferred.succeed(isOver, undefined)
        assert.deepStrictEqual(yield* Fiber.join(late), [{ id: "p2", value: { name: "Cleo" } }])
        assert.deepStrictEqual(told, ["watch room", "watch room", "unwatch room"])
      })
    )
  )

  it.effect("end everything with the layer", () =>
    Effect.gen(function* () {
      const scope = yield* Scope.make()
      const context = yield* Layer.buildWithScope(Topics.layer, scope)
      const { hub } = Context.get(context, Topics.Topics)
      yield* Effect.gen(function* () {
        const messages = yield* Topics.subscribe(room)
        const taking = yield* start(Queue.take(messages))
        const events = yield* start(Stream.runCollect(Topics.events(room)))
        const presence = yield* start(Stream.runCollect(Topics.presence(room)))
        yield* Topics.join(room, { name: "Ada" })
        yield* Scope.close(scope, Exit.void)
        assert.isTrue(Exit.hasInterrupts(yield* Fiber.await(taking)))
        assert.deepStrictEqual(yield* Fiber.join(events), [])
        yield* Fiber.join(presence)
        assert.deepStrictEqual([hub.size, hub.counts.subscribers], [0, 0])
      }).pipe(Effect.scoped, Effect.provideContext(context))
    })
  )
})
