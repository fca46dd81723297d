import { assert, describe, it } from "@effect/vitest"
import * as Topics from "@pagi/core/Topics"
import type { LinkListener } from "@pagi/core/topics/TopicLink"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Latch from "effect/Latch"
import * as Layer from "effect/Layer"
import * as TestClock from "effect/testing/TestClock"
import { History, HistoryUnreachable, isAfter, type Message } from "../../examples/cluster-chat/History.ts"
import { openRoom } from "../../examples/cluster-chat/Room.ts"

const topic = "room/lobby"

const textOf = (json: string): string => JSON.parse(json).text

/** A room with a history in memory, and another process that can be made to say anything. */
const setUp = Effect.gen(function* () {
  const written: Array<Message> = []
  const published: Array<string> = []
  const mayRead = yield* Latch.make(true)
  let failures = 0
  const write = (text: string, from = "Bo") => {
    const id = `${1000 + written.length}-0`
    const previous = written.at(-1)?.id ?? "0-0"
    const message: Message = { type: "said", id, from, text, at: 0 }
    written.push(message)
    return { message, previous }
  }
  const history = History.of({
    append: (_room, { from, text }) => Effect.sync(() => write(text, from)),
    since: (_room, id) =>
      Effect.suspend(() => {
        if (failures > 0) {
          failures--
          return Effect.fail(new HistoryUnreachable({ message: "away" }))
        }
        return Effect.map(mayRead.await, () =>
          id === undefined ? written.slice(-50) : written.filter((message) => isAfter(message.id, id))
        )
      }),
    last: () => Effect.sync(() => written.at(-1)?.id ?? "0-0")
  })
  let listener: LinkListener | undefined
  const link = Topics.layerLink((ofHub) => {
    listener = ofHub
    return Effect.succeed({
      subscribe: () => Effect.void,
      unsubscribe: () => {},
      publish: (_topic: string, text: string) => {
        published.push(text)
        return undefined
      },
      watch: () => Effect.void,
      unwatch: () => {},
      join: () => Effect.void,
      leave: () => Effect.void
    })
  })
  const services = yield* Layer.build(Layer.merge(link, Layer.succeed(History, history)))
  const other = listener ?? (yield* Effect.die("the link was not made"))
  return {
    write,
    published,
    mayRead,
    /** The next ones who read the history fail. */
    fail: (times: number) => {
      failures = times
    },
    /** What another process has written comes from there. */
    hear: (told: ReturnType<typeof write>) => other.onMessage(topic, JSON.stringify(told)),
    other,
    open: Effect.provideContext(openRoom("lobby"), services)
  }
})

/** So many messages for a member, who has no more. */
const take = Effect.fnUntraced(function* (member: { readonly next: Effect.Effect<string> }, count: number) {
  const texts = yield* Effect.replicateEffect(Effect.map(member.next, textOf), count)
  const more = yield* Effect.forkChild(member.next)
  for (let turn = 0; turn < 20; turn++) yield* Effect.yieldNow
  assert.isUndefined(more.pollUnsafe(), "there is no more")
  more.interruptUnsafe()
  return texts
})

describe("a room of examples/cluster-chat", () => {
  it.effect("tells in the order of the history what comes in another order", () =>
    Effect.gen(function* () {
      const { hear, open, write } = yield* setUp
      const room = yield* open
      const ada = yield* room.join("Ada", undefined)
      const [one, two, three] = [write("one"), write("two"), write("three")]
      for (const told of [two, one, three, two]) hear(told)
      assert.deepStrictEqual(yield* take(ada, 3), ["one", "two", "three"])
    })
  )

  it.effect("reads in the history what was lost on the way", () =>
    Effect.gen(function* () {
      const { fail, open, other, write } = yield* setUp
      const room = yield* open
      const ada = yield* room.join("Ada", undefined)
      write("lost")
      // The history was away too, and is there again after two seconds.
      fail(2)
      other.onGap(undefined, "disconnected")
      assert.deepStrictEqual(yield* take(ada, 0), [])
      yield* TestClock.adjust("2 seconds")
      assert.deepStrictEqual(yield* take(ada, 1), ["lost"])
    })
  )

  it.effect("reads in the history what a process has written that was lost before it could tell", () =>
    Effect.gen(function* () {
      const { open, other, write } = yield* setUp
      const room = yield* open
      const ada = yield* room.join("Ada", undefined)
      other.onJoin(topic, "other", { id: "other-1", text: JSON.stringify({ name: "Bo" }) })
      write("last words")
      other.onProcessGone("other")
      assert.deepStrictEqual(yield* take(ada, 1), ["last words"])
    })
  )

  it.effect("writes down what is said here, and tells others which message was before", () =>
    Effect.gen(function* () {
      const { open, published, write } = yield* setUp
      const before = write("before")
      const room = yield* open
      const ada = yield* room.join("Ada", undefined)
      yield* room.say({ from: "Ada", text: "Hello" })
      assert.deepStrictEqual(yield* take(ada, 2), ["before", "Hello"])
      assert.deepStrictEqual(
        published.map((text) => JSON.parse(text).previous),
        [before.message.id]
      )
    })
  )

  it.effect("tells once what is both in the history and heard meanwhile", () =>
    Effect.gen(function* () {
      const { hear, mayRead, open, write } = yield* setUp
      const known = write("known")
      write("missed")
      const room = yield* open
      yield* mayRead.close
      const joining = yield* Effect.forkChild(room.join("Ada", known.message.id))
      for (let turn = 0; turn < 20; turn++) yield* Effect.yieldNow
      hear(write("both"))
      yield* mayRead.open
      const ada = yield* Fiber.join(joining)
      hear(write("later"))
      assert.deepStrictEqual(yield* take(ada, 3), ["missed", "both", "later"])
    })
  )
})
