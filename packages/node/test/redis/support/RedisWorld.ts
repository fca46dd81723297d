/** Processes with topics by a Redis in memory, and what must be so of what they have told. */
import { assert } from "@effect/vitest"
import type { LinkListener, TopicLink } from "@pagi/core/topics/TopicLink"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import { tickInterval } from "../../../src/redis/RedisLink.ts"
import * as RedisSession from "../../../src/redis/RedisSession.ts"
import { FakeRedis, turn } from "./FakeRedis.ts"

/** What a subscriber was told: a message of a process with its number, or a gap. */
type Entry = { readonly process: string; readonly number: number } | "gap"

interface Subscription {
  isConfirmed: boolean
  readonly log: Array<Entry>
  /** How much each process had published when it was confirmed. */
  readonly before: Map<string, number>
}

export interface Process {
  readonly id: string
  readonly scope: Scope.Closeable
  readonly link: TopicLink
  readonly subscriptions: Map<string, Subscription>
  /** Members of others in topics that are watched: by process, by id. */
  readonly watches: Map<string, Map<string, Set<string>>>
  readonly members: Map<string, Set<string>>
  readonly published: Map<string, number>
}

const mapIn = <K, V>(map: Map<K, V>, key: K, make: () => V): V => {
  const known = map.get(key)
  if (known !== undefined) return known
  const made = make()
  map.set(key, made)
  return made
}

export class RedisWorld {
  readonly redis: FakeRedis
  readonly processes: Array<Process> = []
  #joined = 0
  #started = 0

  constructor(redis: FakeRedis) {
    this.redis = redis
  }

  static make(processes: number): Effect.Effect<RedisWorld> {
    return Effect.gen(function* () {
      const clock = yield* Clock.Clock
      const world = new RedisWorld(new FakeRedis(() => clock.currentTimeMillisUnsafe()))
      for (let count = 0; count < processes; count++) yield* world.start
      return world
    })
  }

  readonly start: Effect.Effect<void> = Effect.gen({ self: this }, function* () {
    const id = `process${String(++this.#started).padStart(9, "0")}`
    const scope = yield* Scope.make()
    const subscriptions: Process["subscriptions"] = new Map()
    const watches: Process["watches"] = new Map()
    const listener: LinkListener = {
      onMessage: (topic, text) => {
        const [process = "", number] = text.split(" ")
        subscriptions.get(topic)?.log.push({ process, number: Number(number) })
        return undefined
      },
      onGap: (topic, _reason) => {
        const all = topic === undefined ? subscriptions.values() : [subscriptions.get(topic)]
        for (const one of all) one?.log.push("gap")
      },
      onJoin: (topic, process, member) => {
        const watch = watches.get(topic)
        if (watch !== undefined) mapIn(watch, process, () => new Set()).add(member.id)
      },
      onLeave: (topic, process, member) => void watches.get(topic)?.get(process)?.delete(member),
      onProcessGone: (process) => {
        for (const watch of watches.values()) watch.delete(process)
      }
    }
    const options = { connect: this.redis.connect(id), prefix: "t", process: id, timeout: 5000 }
    const making = yield* RedisSession.make(options, listener).pipe(
      Effect.provideService(Scope.Scope, scope),
      Effect.orDie,
      Effect.forkIn(scope, { startImmediately: true })
    )
    yield* this.redis.settle
    const link = yield* Fiber.join(making)
    this.processes.push({ id, scope, link, subscriptions, watches, members: new Map(), published: new Map() })
  })

  publish({ id, link, published, scope }: Process, topic: string): Effect.Effect<void> {
    return Effect.suspend(() => {
      const number = (published.get(topic) ?? 0) + 1
      published.set(topic, number)
      const wait = link.publish(topic, `${id} ${number}`)
      return wait === undefined ? Effect.void : Effect.asVoid(Effect.forkIn(Effect.ignore(wait), scope))
    })
  }

  subscribe(process: Process, topic: string): Effect.Effect<void> {
    const { link, scope, subscriptions } = process
    if (subscriptions.has(topic)) return Effect.void
    const subscription: Subscription = { isConfirmed: false, log: [], before: new Map() }
    subscriptions.set(topic, subscription)
    return link.subscribe(topic).pipe(
      Effect.matchEffect({
        onSuccess: () =>
          Effect.sync(() => {
            subscription.isConfirmed = true
            for (const { id, published } of this.processes) subscription.before.set(id, published.get(topic) ?? 0)
          }),
        onFailure: () => Effect.sync(() => subscriptions.delete(topic))
      }),
      Effect.forkIn(scope, { startImmediately: true }),
      Effect.asVoid
    )
  }

  unsubscribe({ link, subscriptions }: Process, topic: string): void {
    if (subscriptions.get(topic)?.isConfirmed !== true) return
    subscriptions.delete(topic)
    link.unsubscribe(topic)
  }

  watch({ link, scope, watches }: Process, topic: string): Effect.Effect<void> {
    if (watches.has(topic)) return Effect.void
    watches.set(topic, new Map())
    return link.watch(topic).pipe(
      Effect.catch(() => Effect.sync(() => watches.delete(topic))),
      Effect.forkIn(scope, { startImmediately: true }),
      Effect.asVoid
    )
  }

  unwatch({ link, watches }: Process, topic: string): void {
    if (watches.delete(topic)) link.unwatch(topic)
  }

  join({ link, members, scope }: Process, topic: string): Effect.Effect<void> {
    const id = `member ${++this.#joined}`
    mapIn(members, topic, () => new Set()).add(id)
    return link
      .join(topic, { id, text: "{}" })
      .pipe(Effect.orDie, Effect.forkIn(scope, { startImmediately: true }), Effect.asVoid)
  }

  leave({ link, members }: Process, topic: string): Effect.Effect<void> {
    const [id] = members.get(topic) ?? []
    if (id === undefined) return Effect.void
    members.get(topic)?.delete(id)
    return link.leave(topic, id)
  }

  /** Time for a tick of all processes. */
  readonly tick: Effect.Effect<void> = Effect.andThen(TestClock.adjust(tickInterval), turn)

  /** The process ends in the middle of what it does, without a word. */
  crash(process: Process): Effect.Effect<void> {
    return Effect.gen({ self: this }, function* () {
      this.redis.shutOut.add(process.id)
      for (const connection of this.redis.openConnections) {
        if (connection.owner === process.id) this.redis.lose(connection)
      }
      this.processes.splice(this.processes.indexOf(process), 1)
      yield* Scope.close(process.scope, Exit.void)
    })
  }

  /** Everything comes to rest: all connections are back, and who is lost is known to be. */
  readonly settle: Effect.Effect<void> = Effect.gen({ self: this }, function* () {
    this.redis.isUp = true
    for (let ticks = 0; ticks < 45; ticks++) {
      yield* this.redis.settle
      yield* this.tick
    }
    yield* this.redis.settle
  })

  /** Publishes once more everywhere, when all is at rest: that has to come, and before it every gap. */
  readonly finish: Effect.Effect<void> = Effect.gen({ self: this }, function* () {
    yield* this.settle
    for (const topic of topics) for (const process of this.processes) yield* this.publish(process, topic)
    yield* this.redis.settle
  })

  check(mayHaveGaps: boolean): void {
    for (const { id, subscriptions, watches } of this.processes) {
      for (const [topic, subscription] of subscriptions) {
        assert.isTrue(subscription.isConfirmed, `${id} has subscribed to ${topic}`)
        for (const other of this.processes) {
          if (other.id !== id) this.#checkMessages(topic, subscription, other)
        }
        if (!mayHaveGaps) assert.notInclude(subscription.log, "gap")
        assert.notInclude(JSON.stringify(subscription.log), id, "its own messages do not come back")
      }
      for (const [topic, watch] of watches) {
        const seen: Array<string> = []
        for (const ids of watch.values()) seen.push(...ids)
        const there: Array<string> = []
        for (const other of this.processes) if (other.id !== id) there.push(...(other.members.get(topic) ?? []))
        assert.deepStrictEqual(seen.toSorted(), there.toSorted(), `who is in ${topic}, as ${id} knows`)
      }
    }
  }

  /** Each at most once and in order; and between two that come, all do, or a gap is told. */
  #checkMessages(topic: string, { before, log }: Subscription, { id, published }: Process): void {
    let last = before.get(id) ?? 0
    let hasGap = false
    let highest = 0
    for (const entry of log) {
      if (entry === "gap") hasGap = true
      else if (entry.process === id) {
        assert.isAbove(entry.number, highest, `${topic}: messages of ${id} come once and in order`)
        highest = entry.number
        if (entry.number <= last) continue
        assert.isTrue(hasGap || entry.number === last + 1, `${topic}: ${id} ${last + 1} is missing, and no gap is told`)
        last = entry.number
        hasGap = false
      }
    }
    assert.strictEqual(last, published.get(topic) ?? 0, `${topic}: the last message of ${id} has come`)
  }

  /** All processes end in order. */
  readonly close: Effect.Effect<void> = Effect.gen({ self: this }, function* () {
    const closing = yield* Effect.forEach(this.processes, ({ scope }) =>
      Effect.forkChild(Scope.close(scope, Exit.void))
    )
    for (let count = 0; count < 10; count++) yield* this.redis.settle
    for (const fiber of closing) yield* Fiber.join(fiber)
  })
}

export const topics: ReadonlyArray<string> = ["t", "u"]
