import { assert } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Queue from "effect/Queue"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as Topic from "../../../src/topics/Topic.ts"
import * as Topics from "../../../src/topics/Topics.ts"
import { MemoryMesh, type Process } from "./MemoryMesh.ts"

/** What is published: who has, and which of its messages to the topic it is. */
const Numbered = Schema.Struct({ from: Schema.String, number: Schema.Int })
type Numbered = typeof Numbered.Type

export const topicOf = (name: string) => Topic.make(name, Numbered, { member: Schema.String })

type Context_ = Context.Context<Topics.Topics>

interface Published {
  readonly value: Numbered
  /** When, in moves. */
  readonly at: number
  /** Whether the publisher was interrupted while it waited. */
  isCancelled: boolean
}

interface Publisher {
  readonly fiber: Fiber.Fiber<void, Topics.TopicError>
  readonly published: Published
}

interface Subscription {
  readonly host: Host
  readonly topic: string
  readonly capacity: number
  readonly whenFull: Topics.WhenFull
  readonly kind: "events" | "queue"
  readonly scope: Scope.Closeable
  readonly received: Array<Topics.TopicEvent<Numbered>>
  /** From when on everything is to come, in moves. */
  readyAt: number | undefined
  endedAt: number | undefined
  /** Takes what is there; adds it to `received`. */
  take: (() => void) | undefined
  failure: unknown
  hasFailed: boolean
}

interface Watch {
  readonly host: Host
  readonly topic: string
  readonly scope: Scope.Closeable
  readonly view: Map<string, string>
  readonly lost: Set<string>
  take: (() => void) | undefined
  isClosed: boolean
}

interface Joined {
  readonly host: Host
  readonly topic: string
  readonly name: string
  readonly scope: Scope.Closeable
  id: string | undefined
}

interface Host {
  readonly process: Process
  readonly scope: Scope.Closeable
  readonly context: Context_
}

/** Two or three processes, everything that happens in them, and what must be true of it. */
export class TopicWorld {
  readonly mesh: MemoryMesh
  readonly hosts: Array<Host>
  readonly publishers: Array<Publisher> = []
  readonly published = new Map<string, Array<Published>>()
  readonly subscriptions: Array<Subscription> = []
  readonly watches: Array<Watch> = []
  readonly members: Array<Joined> = []
  /** Moves so far. */
  now = 0

  private constructor(mesh: MemoryMesh, hosts: Array<Host>) {
    this.mesh = mesh
    this.hosts = hosts
  }

  static readonly make = (count: number): Effect.Effect<TopicWorld> =>
    Effect.gen(function* () {
      const run = Effect.runForkWith(yield* Effect.context<never>())
      const ids = ["A", "B", "C"].slice(0, count)
      const mesh = new MemoryMesh(ids, (effect) => void run(effect))
      const hosts: Array<Host> = []
      for (const process of mesh.processes) {
        const scope = yield* Scope.make()
        const context = yield* Layer.buildWithScope(Topics.layerLink(process.makeLink), scope)
        hosts.push({ process, scope, context })
      }
      return new TopicWorld(mesh, hosts)
    })

  alive(): ReadonlyArray<Host> {
    return this.hosts.filter(({ process }) => process.isAlive)
  }

  // moves ------------------------------------------------------------------------------------------------------------

  publish(host: Host, topic: string): void {
    const from = host.process.id
    const key = `${topic} ${from}`
    let all = this.published.get(key)
    if (all === undefined) this.published.set(key, (all = []))
    const published = { value: { from, number: all.length }, at: this.now, isCancelled: false }
    all.push(published)
    const mayWait =
      this.subscriptions.some(
        (one) => one.host === host && one.topic === topic && one.whenFull === "wait" && one.endedAt === undefined
      ) || this.mesh.channels.some(({ from, frames }) => from === host.process && frames.length > 4)
    const fiber = Effect.runForkWith(host.context)(Topics.publish(topicOf(topic), published.value))
    if (fiber.pollUnsafe() === undefined) {
      assert.isTrue(mayWait, "a publisher waits for nobody who has asked for it")
      this.publishers.push({ fiber, published })
    }
  }

  /** A publisher does not wait any more. */
  cancel({ fiber, published }: Publisher): void {
    if (fiber.pollUnsafe() === undefined) published.isCancelled = true
    fiber.interruptUnsafe()
  }

  subscribe(
    host: Host,
    topic: string,
    capacity: number,
    whenFull: Topics.WhenFull,
    kind: Subscription["kind"]
  ): Subscription {
    const scope = Scope.makeUnsafe()
    const subscription: Subscription = {
      host,
      topic,
      capacity,
      whenFull,
      kind,
      scope,
      received: [],
      readyAt: undefined,
      endedAt: undefined,
      take: undefined,
      failure: undefined,
      hasFailed: false
    }
    this.subscriptions.push(subscription)
    const options = { capacity, whenFull }
    const fork = Effect.runForkWith(Context.add(host.context, Scope.Scope, scope))
    const begin = kind === "queue" ? this.#openQueue(subscription, options) : this.#openEvents(subscription, options)
    fork(
      Effect.map(begin, (take) => {
        subscription.readyAt = this.now
        subscription.take = take
      })
    )
    return subscription
  }

  #openQueue(subscription: Subscription, options: Topics.SubscribeOptions) {
    return Effect.map(Topics.subscribe(topicOf(subscription.topic), options), (queue) => () => {
      for (;;) {
        const exit = Queue.takeUnsafe(queue)
        if (exit === undefined) return
        if (Exit.isFailure(exit)) return fail(subscription, Option.getOrUndefined(Exit.findErrorOption(exit)))
        subscription.received.push({ type: "message", value: exit.value })
      }
    })
  }

  #openEvents(subscription: Subscription, options: Topics.SubscribeOptions) {
    const { host, topic } = subscription
    return Effect.gen(function* () {
      const pull = yield* Stream.toPull(yield* Topics.subscribeEvents(topicOf(topic), options))
      let pulling: Fiber.Fiber<unknown, unknown> | undefined = undefined
      const start = (): void => {
        if (pulling !== undefined) return
        pulling = Effect.runForkWith(host.context)(pull)
        pulling.addObserver((exit) => {
          pulling = undefined
          if (Exit.isSuccess(exit)) {
            // What a pull of the stream gives.
            subscription.received.push(...(exit.value as ReadonlyArray<Topics.TopicEvent<Numbered>>))
          } else fail(subscription, Option.getOrUndefined(Exit.findErrorOption(exit)))
        })
      }
      return start
    })
  }

  unsubscribe(subscription: Subscription): void {
    if (subscription.endedAt !== undefined) return
    subscription.endedAt = this.now
    Effect.runFork(Scope.close(subscription.scope, Exit.void))
  }

  watch(host: Host, topic: string): void {
    const scope = Scope.makeUnsafe()
    const watch: Watch = { host, topic, scope, view: new Map(), lost: new Set(), take: undefined, isClosed: false }
    this.watches.push(watch)
    const fork = Effect.runForkWith(Context.add(host.context, Scope.Scope, scope))
    fork(
      Effect.map(Stream.toPull(Topics.presence(topicOf(topic))), (pull) => {
        let pulling: Fiber.Fiber<unknown, unknown> | undefined = undefined
        watch.take = () => {
          if (pulling !== undefined) return
          pulling = Effect.runForkWith(host.context)(pull)
          pulling.addObserver((exit) => {
            pulling = undefined
            if (Exit.isFailure(exit)) return
            // What a pull of the stream gives.
            for (const event of exit.value as ReadonlyArray<Topics.PresenceEvent<string>>) this.#see(watch, event)
          })
        }
      })
    )
  }

  #see({ lost, view }: Watch, event: Topics.PresenceEvent<string>): void {
    if (event.type === "present") {
      view.clear()
      for (const { id, value } of event.members) view.set(id, value)
    } else if (event.type === "joined") {
      assert.isFalse(view.has(event.member.id), "nobody comes who is there")
      view.set(event.member.id, event.member.value)
    } else {
      assert.isTrue(view.delete(event.member.id), "nobody goes who is not there")
      if (event.reason === "lost") lost.add(event.member.value)
    }
  }

  unwatch(watch: Watch): void {
    watch.isClosed = true
    Effect.runFork(Scope.close(watch.scope, Exit.void))
  }

  join(host: Host, topic: string): void {
    const scope = Scope.makeUnsafe()
    const member: Joined = { host, topic, name: `${host.process.id}${this.members.length}`, scope, id: undefined }
    this.members.push(member)
    Effect.runForkWith(Context.add(host.context, Scope.Scope, scope))(
      Effect.map(Topics.join(topicOf(topic), member.name), (id) => {
        member.id = id
      })
    )
  }

  leave(member: Joined): void {
    member.id = undefined
    Effect.runFork(Scope.close(member.scope, Exit.void))
  }

  crash(host: Host, survivors: number): void {
    this.mesh.crash(host.process, survivors)
    for (const one of this.subscriptions) if (one.host === host) this.unsubscribe(one)
    for (const one of this.watches) if (one.host === host) this.unwatch(one)
    for (const one of this.members) if (one.host === host) this.leave(one)
    Effect.runFork(Scope.close(host.scope, Exit.void))
  }

  // the end ----------------------------------------------------------------------------------------------------------

  /** Has everything happen that can still happen. */
  readonly settle: Effect.Effect<void> = Effect.gen({ self: this }, function* () {
    for (let quiet = 0; quiet < 4;) {
      const before = this.#progress()
      this.mesh.deliverAll()
      for (let turn = 0; turn < 4; turn++) yield* Effect.yieldNow
      for (const one of this.subscriptions) if (one.endedAt === undefined) one.take?.()
      for (const one of this.watches) if (!one.isClosed) one.take?.()
      for (let turn = 0; turn < 4; turn++) yield* Effect.yieldNow
      quiet = before === this.#progress() ? quiet + 1 : 0
    }
  })

  #progress(): string {
    const received = this.subscriptions.map((one) => `${one.received.length} ${one.readyAt} ${one.hasFailed}`)
    const waiting = this.publishers.filter(({ fiber }) => fiber.pollUnsafe() === undefined).length
    return JSON.stringify([received, waiting, this.mesh.channels.map(({ frames }) => frames.length)])
  }

  check(): void {
    for (const { fiber } of this.publishers) assert.isDefined(fiber.pollUnsafe(), "nobody waits for ever")
    for (const one of this.subscriptions) this.#checkSubscription(one)
    for (const one of this.watches) this.#checkWatch(one)
  }

  /** Ends what is left, after which nothing is kept anywhere. */
  readonly close: Effect.Effect<void> = Effect.gen({ self: this }, function* () {
    for (const one of this.subscriptions) this.unsubscribe(one)
    for (const one of this.watches) this.unwatch(one)
    for (const one of this.members) this.leave(one)
    yield* this.settle
    for (const { context, process } of this.alive()) {
      const { hub } = Context.get(context, Topics.Topics)
      assert.strictEqual(hub.size, 0, "topics that nobody uses are forgotten")
      assert.strictEqual(hub.counts.subscribers, 0)
      assert.isTrue(process.isClean, "the link has been told of the end of everything")
    }
    for (const { scope } of this.hosts) yield* Scope.close(scope, Exit.void)
  })

  #checkSubscription(one: Subscription): void {
    const { host, received, topic, whenFull } = one
    if (one.hasFailed) {
      assert.strictEqual(whenFull, "end")
      assert.instanceOf(one.failure, Topics.TopicError)
      assert.strictEqual(one.failure.reason._tag, "SubscriberBehind")
    }
    if (one.endedAt === undefined) assert.isDefined(one.readyAt, "every subscription is confirmed")
    for (const { process } of this.hosts) {
      const published = this.published.get(`${topic} ${process.id}`) ?? []
      const numbers = received.flatMap((event) =>
        event.type === "message" && event.value.from === process.id ? [event.value.number] : []
      )
      numbers.reduce((last, number) => {
        assert.isAbove(number, last, "every message comes once, and in the order of its publisher")
        return number
      }, -1)
      for (const event of received) {
        if (event.type !== "message" || event.value.from !== process.id) continue
        const original = published[event.value.number]?.value
        assert.deepStrictEqual(event.value, original)
        if (host.process === process)
          assert.strictEqual(event.value, original, "no value is read again where it was made")
      }
      if (process.isAlive && one.endedAt === undefined) this.#checkLosses(one, process, published, new Set(numbers))
    }
  }

  /** Whatever is missing of what should have come is told, where it is missing. */
  #checkLosses(one: Subscription, process: Process, published: ReadonlyArray<Published>, numbers: Set<number>): void {
    const { hasFailed, kind, readyAt, received } = one
    if (readyAt === undefined) return
    for (const { at, value } of published) {
      if (at <= readyAt || numbers.has(value.number)) continue
      if (kind === "queue") continue
      const isOf = (event: Topics.TopicEvent<Numbered>) => event.type === "message" && event.value.from === process.id
      const before = received.findLastIndex(
        (event) => isOf(event) && event.type === "message" && event.value.number < value.number
      )
      const after = received.findIndex(
        (event) => isOf(event) && event.type === "message" && event.value.number > value.number
      )
      const between = received.slice(before + 1, after === -1 ? undefined : after)
      const isTold = between.some(({ type }) => type === "gap") || (hasFailed && after === -1)
      assert.isTrue(isTold, "what is missing is told where it is missing")
    }
  }

  #checkWatch({ host, isClosed, lost, topic, view }: Watch): void {
    if (isClosed || !host.process.isAlive) return
    const there = this.members.flatMap((one) =>
      one.topic === topic && one.id !== undefined ? [[one.id, one.name] as const] : []
    )
    assert.deepStrictEqual(new Map([...view].toSorted()), new Map(there.toSorted()), "everybody is seen who is there")
    for (const name of lost) {
      const member = this.members.find((one) => one.name === name)
      assert.isFalse(member?.host.process.isAlive, "only who has crashed is lost")
    }
  }
}

const fail = (subscription: Subscription, failure: unknown): void => {
  if (subscription.endedAt !== undefined) return
  subscription.hasFailed = true
  subscription.failure = failure
}
