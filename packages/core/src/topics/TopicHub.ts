/** The topics of one process: who subscribes to them, and who is in them. All of it are plain calls. */
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import { Interests } from "./Interests.ts"
import type { LinkError } from "./LinkError.ts"
import type { TopicSubscriber } from "./Subscriber.ts"
import * as TopicCounts from "./TopicCounts.ts"
import { linkFailed, type TopicError } from "./TopicError.ts"
import type { LinkListener, TopicLink } from "./TopicLink.ts"
import { type MembersWatcher, type Present, TopicMembers } from "./TopicMembers.ts"
import { TopicMessage } from "./TopicMessage.ts"
import * as Wait from "./Wait.ts"

export interface TopicHubOptions {
  /** Starts what runs by itself. */
  readonly fork: <A, E>(effect: Effect.Effect<A, E>) => Fiber.Fiber<A, E>
  /** A message or a member is not what the schema of somebody here describes. */
  readonly onUnreadable: (topic: string, problem: string) => void
  /** Different from that of all other processes. */
  readonly id: string
}

export class TopicHub {
  readonly counts = TopicCounts.make()
  readonly fork: TopicHubOptions["fork"]
  readonly onUnreadable: TopicHubOptions["onUnreadable"]
  readonly #id: string
  #joined = 0
  readonly #subscribers = new Map<string, Set<TopicSubscriber>>()
  /** Subscribers, with their topics, that get nothing as long as the link does not tell everything. */
  readonly #pending = new Map<TopicSubscriber, string>()
  readonly #subscribed: Interests
  readonly #watched: Interests
  readonly #members = new TopicMembers()
  #link: TopicLink | undefined = undefined

  constructor({ fork, id, onUnreadable }: TopicHubOptions) {
    this.fork = fork
    this.onUnreadable = onUnreadable
    this.#id = id
    this.#subscribed = new Interests({
      fork,
      ask: (topic) => this.#linked(topic, (link) => link.subscribe(topic)),
      stop: (topic) => this.#link?.unsubscribe(topic)
    })
    this.#watched = new Interests({
      fork,
      ask: (topic) => {
        // What an earlier question has told late.
        this.#members.forgetOthers(topic)
        return this.#linked(topic, (link) => link.watch(topic))
      },
      stop: (topic) => this.#link?.unwatch(topic)
    })
  }

  /** Topics of which anything is kept. */
  get size(): number {
    return this.#pending.size + this.#subscribers.size + this.#members.size + this.#subscribed.size + this.#watched.size
  }

  /** Goes on with other processes. Nobody may have used it before. */
  connect(link: TopicLink): void {
    this.#link = link
  }

  /** Ends all subscribers and watchers. */
  close(): void {
    this.#link = undefined
    for (const [topic, subscribers] of this.#subscribers) {
      for (const subscriber of subscribers) this.unsubscribe(topic, subscriber)
    }
    for (const [subscriber, topic] of this.#pending) this.unsubscribe(topic, subscriber)
    for (const [topic, watcher] of this.#members.watchers()) {
      this.unwatch(topic, watcher)
      watcher.close()
    }
    this.#members.clear()
  }

  // messages ---------------------------------------------------------------------------------------------------------

  /**
   * Tells everybody who subscribes, before it returns: here into their buffers, elsewhere by the link. Answers what the
   * publisher is to wait for; nothing as a rule.
   */
  publish(topic: string, message: TopicMessage): Wait.Wait | undefined {
    this.counts.published++
    const wait = this.#deliver(topic, message)
    const linked = this.#link?.publish(topic, message.text)
    return linked === undefined ? wait : Wait.and(wait, Wait.waitFor(failingAs(topic, linked)))
  }

  /**
   * Adds a subscriber. What it yields completes when it is told of everything that is published from then on. Before that
   * it is told of nothing: one that has publishers wait for it could keep away the very answer that it waits for.
   */
  subscribe(topic: string, subscriber: TopicSubscriber): Effect.Effect<void, TopicError> {
    this.counts.subscribers++
    this.#pending.set(subscriber, topic)
    return Effect.map(this.#subscribed.enter(topic), () => this.#admit(topic, subscriber))
  }

  #admit(topic: string, subscriber: TopicSubscriber): void {
    if (!this.#pending.delete(subscriber)) return
    const subscribers = this.#subscribers.get(topic)
    if (subscribers === undefined) this.#subscribers.set(topic, new Set([subscriber]))
    else subscribers.add(subscriber)
  }

  /** Takes it away and closes it, unless it is not there any more. */
  unsubscribe(topic: string, subscriber: TopicSubscriber): void {
    const subscribers = this.#subscribers.get(topic)
    if (!this.#pending.delete(subscriber) && subscribers?.delete(subscriber) !== true) return
    this.counts.subscribers--
    if (subscribers?.size === 0) this.#subscribers.delete(topic)
    subscriber.close()
    this.#subscribed.leave(topic)
  }

  #deliver(topic: string, message: TopicMessage): Wait.Wait | undefined {
    const subscribers = this.#subscribers.get(topic)
    if (subscribers === undefined) return undefined
    let wait: Wait.Wait | undefined = undefined
    for (const subscriber of subscribers) {
      const one = subscriber.offer(message)
      if (one !== undefined) wait = Wait.and(wait, one)
    }
    return wait
  }

  // members ----------------------------------------------------------------------------------------------------------

  /** For a member: an id that no other has. */
  nextId(): string {
    return `${this.#id}-${(++this.#joined).toString(36)}`
  }

  /** Somebody comes. What it yields completes when others are told. */
  join(topic: string, member: Present): Effect.Effect<void, TopicError> {
    this.#members.join(topic, member)
    return this.#linked(topic, (link) => link.join(topic, { id: member.id, text: member.told.text }))
  }

  /** Somebody goes, who is not there any more at once. What it yields completes when others are told. */
  leave(topic: string, id: string): Effect.Effect<void> {
    const isGone = this.#members.leave(topic, id)
    return (isGone ? this.#link?.leave(topic, id) : undefined) ?? Effect.void
  }

  /** Tells of changes until `unwatch`. What it yields completes when all members are known. */
  watch(topic: string, watcher: MembersWatcher): Effect.Effect<void, TopicError> {
    this.#members.watch(topic, watcher)
    return this.#watched.enter(topic)
  }

  unwatch(topic: string, watcher: MembersWatcher): void {
    if (this.#members.unwatch(topic, watcher)) this.#watched.leave(topic)
  }

  /** Everybody in the topic who is known: those of other processes while it is watched. */
  members(topic: string): Array<Present> {
    return this.#members.list(topic)
  }

  // what the link tells ----------------------------------------------------------------------------------------------

  readonly listener: LinkListener = {
    onMessage: (topic, text) => {
      const wait = this.#deliver(topic, new TopicMessage(text))
      return wait && waitInPeace(wait)
    },
    onGap: (topic, reason) => {
      const gap = { type: "gap", reason } as const
      const all = topic === undefined ? this.#subscribers.values() : [this.#subscribers.get(topic)]
      for (const subscribers of all) {
        for (const subscriber of subscribers ?? []) {
          this.counts.gaps[reason]++
          subscriber.gap(gap)
        }
      }
    },
    onJoin: (topic, process, { id, text }) =>
      this.#members.onJoin(topic, process, { id, told: new TopicMessage(text) }),
    onLeave: (topic, process, id) => this.#members.onLeave(topic, process, id),
    onProcessGone: (process) => this.#members.onProcessGone(process)
  }

  #linked(topic: string, run: (link: TopicLink) => Effect.Effect<void, LinkError>): Effect.Effect<void, TopicError> {
    return this.#link === undefined ? Effect.void : failingAs(topic, run(this.#link))
  }
}

const failingAs = (topic: string, linked: Effect.Effect<void, LinkError>): Effect.Effect<void, TopicError> =>
  Effect.mapError(linked, (error) => linkFailed(topic, error))

/** Subscribers do not fail, and what is interrupted is not waited for any more. */
const waitInPeace = (wait: Wait.Wait): Effect.Effect<void> =>
  Effect.uninterruptibleMask((restore) => Effect.ignore(Wait.await_(wait, restore)))
