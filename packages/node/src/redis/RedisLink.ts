/**
 * The link between processes by Redis: what connects the parts, which do not know each other. It is plain calls; its
 * connections come from `RedisSession`, and go.
 */
import { LinkError } from "@pagi/core/topics/LinkError"
import type { LinkListener, TopicLink } from "@pagi/core/topics/TopicLink"
import * as Effect from "effect/Effect"
import { Confirmations } from "./Confirmations.ts"
import { Inbox } from "./Inbox.ts"
import { Outbox } from "./Outbox.ts"
import { OwnMembers } from "./OwnMembers.ts"
import { ProcessWatch } from "./ProcessWatch.ts"
import type { RedisConnection } from "./RedisConnection.ts"
import * as RedisMessage from "./RedisMessage.ts"
import * as RedisNames from "./RedisNames.ts"
import { advise, describe } from "./RedisTopicsError.ts"
import { Subscriptions } from "./Subscriptions.ts"
import { WatchedTopics } from "./WatchedTopics.ts"

/** Milliseconds between two ticks. */
export const tickInterval = 400

/** Ticks between two questions whether Redis is there; ticks without an answer after which it is not. */
const beatTicks = 4
const maxSilentTicks = 15

/** Ticks between two looks for what lost processes have left in Redis, and before the first. */
const sweepTicks = 25
const firstSweepTicks = 5

/** Ticks after which it is warned once more of what Redis still refuses: ten minutes. */
const forgetTicks = 1500

export interface RedisLinkOptions {
  readonly prefix: string
  /** What this process is called: `RedisMessage.idLength` characters that no other one has. */
  readonly process: string
  /** Milliseconds that subscribing, joining and publishing wait for Redis. */
  readonly timeout: number
  readonly listener: LinkListener
  /** Runs what a listener wants to be waited for; `onEnd` is called unless it is interrupted. */
  readonly run: (effect: Effect.Effect<void>, onEnd: () => void) => void
  readonly warn: (text: string) => void
}

export class RedisLink {
  readonly names: RedisNames.RedisNames
  readonly link: TopicLink
  private readonly options: RedisLinkOptions
  private readonly confirmations = new Confirmations()
  private readonly subscriptions: Subscriptions
  private readonly inbox: Inbox
  private readonly outbox: Outbox
  private readonly own: OwnMembers
  private readonly watched: WatchedTopics
  private readonly processes: ProcessWatch
  private connection: RedisConnection | undefined = undefined
  private ticks = 0
  private nextSweep = firstSweepTicks
  /** Ticks since Redis was asked whether it is there, without an answer yet. */
  private silentTicks: number | undefined = undefined
  private readonly warned = new Set<string>()

  constructor(options: RedisLinkOptions) {
    this.options = options
    const { listener, prefix, process, run, timeout } = options
    const names = RedisNames.make(prefix)
    this.names = names
    this.inbox = new Inbox(listener, run)
    this.subscriptions = new Subscriptions({
      onConfirmed: (channel, hasGap) => this.onConfirmed(channel, hasGap),
      onRefused: (channel, error) => this.onRefused(channel, error)
    })
    this.outbox = new Outbox({
      process,
      names,
      patience: Math.ceil(timeout / tickInterval),
      describe: (topic, problem) => this.unsent(topic, problem),
      onRefused: (error) => this.warnOnce("does not take messages", error)
    })
    this.own = new OwnMembers({
      process,
      names,
      timeout,
      refused: (what, error) => this.refused(what, error),
      onRefused: (error) => this.warnOnce("does not take the members of this process", error)
    })
    this.watched = new WatchedTopics({
      process,
      names,
      listener,
      onKnown: (topic) => this.confirmations.settle(names.changes(topic), Effect.void),
      onRefused: (topic, error) => this.onRefused(names.changes(topic), error),
      onSuspect: (suspect) => this.processes.suspect(suspect)
    })
    this.processes = new ProcessWatch({
      process,
      names,
      onUnseen: (error) => this.warnOnce("does not tell which processes are connected", error)
    })
    this.link = this.makeLink()
    this.subscriptions.add(names.all)
    this.subscriptions.add(names.process(process))
  }

  /** Goes on with a connection. */
  connected(connection: RedisConnection): void {
    this.connection = connection
    this.silentTicks = undefined
    this.watched.connected(connection)
    this.subscriptions.connected(connection)
    this.outbox.connected(connection)
  }

  disconnected(): void {
    this.connection = undefined
    this.subscriptions.disconnected()
    this.outbox.disconnected()
    this.own.disconnected()
    this.watched.disconnected()
    this.processes.disconnected()
  }

  /** Some time has gone by. Answers whether Redis has been silent for too long. */
  tick(): boolean {
    const { connection } = this
    this.ticks++
    this.outbox.tick()
    if (this.ticks % forgetTicks === 0) this.warned.clear()
    if (connection === undefined) return false
    if (this.silentTicks !== undefined && ++this.silentTicks > maxSilentTicks) return true
    if (this.ticks % beatTicks === 0) this.beat(connection)
    this.watched.tick()
    void this.processes.look(connection, this.watched.processes)
    if (this.ticks >= this.nextSweep && (this.watched.isUsed || this.own.isUsed)) {
      this.nextSweep = this.ticks + sweepTicks
      void this.processes.sweep(connection)
    }
    return false
  }

  /** Something has come by a channel. */
  onMessage(channel: string, text: string): void {
    const { names } = this
    if (!this.subscriptions.receives(channel)) return
    const topic = names.topicOf(channel)
    if (topic !== undefined) {
      this.onTopicText(topic, text)
      return
    }
    if (channel === names.all) {
      this.onTold(text)
      return
    }
    const watched = names.changesOf(channel)
    const change = watched === undefined ? undefined : RedisMessage.readMemberChange(text)
    if (watched !== undefined && change !== undefined) this.watched.change(watched, change)
  }

  /** Brings what is under way to Redis, and says that this process is gone. */
  async end(): Promise<void> {
    // One question after the other, as there may be more than goes without waiting for answers.
    while (this.connection !== undefined && !this.outbox.isEmpty) await this.connection.send(["PING"])
    await this.own.end()
  }

  /** What fails when Redis has refused something. */
  refused(what: string, error: unknown): LinkError {
    return new LinkError({
      message: `Redis refuses ${what} (${describe(error)}). ${advise(error, this.names.root)}`,
      cause: error
    })
  }

  private makeLink(): TopicLink {
    const { names } = this
    return {
      subscribe: (topic) => this.wait(names.topic(topic), `to tell of topic ${JSON.stringify(topic)}`, () => {}),
      unsubscribe: (topic) => {
        this.subscriptions.remove(names.topic(topic))
        this.inbox.forget(topic)
      },
      publish: (topic, text) => this.outbox.publish(topic, text),
      watch: (topic) =>
        Effect.suspend(() => {
          this.watched.watch(topic)
          const what = `to tell who is in topic ${JSON.stringify(topic)}`
          return this.wait(names.changes(topic), what, () => this.watched.unwatch(topic))
        }),
      unwatch: (topic) => {
        this.subscriptions.remove(names.changes(topic))
        this.watched.unwatch(topic)
      },
      join: (topic, member) => this.own.join(topic, member),
      leave: (topic, id) => Effect.sync(() => this.own.leave(topic, id))
    }
  }

  /** Listens to a channel, and waits until that is confirmed. */
  private wait(channel: string, what: string, undo: () => void): Effect.Effect<void, LinkError> {
    return this.confirmations
      .wait(channel, () => this.subscriptions.add(channel))
      .pipe(
        Effect.timeoutOrElse({
          duration: this.options.timeout,
          orElse: () => Effect.fail(new LinkError({ message: `${this.late(what)} Try again when it is there.` }))
        }),
        Effect.onError(() =>
          Effect.sync(() => {
            this.subscriptions.remove(channel)
            undo()
          })
        )
      )
  }

  private onConfirmed(channel: string, hasGap: boolean): void {
    const { names } = this
    if (channel === names.process(this.options.process)) {
      // Others can see this process from now on, so that none takes it for lost.
      if (this.connection !== undefined) this.own.connected(this.connection)
      return
    }
    const topic = names.topicOf(channel)
    if (topic !== undefined) {
      if (hasGap) this.inbox.gap(topic, "disconnected")
      this.confirmations.settle(channel, Effect.void)
      return
    }
    const watched = names.changesOf(channel)
    if (watched !== undefined) this.watched.read(watched)
  }

  private onRefused(channel: string, error: unknown): void {
    this.warnOnce("refuses what topics need", error)
    this.confirmations.settle(channel, Effect.fail(this.refused("a subscription", error)))
  }

  private onTopicText(topic: string, text: string): void {
    if (text.startsWith(this.options.process, 1)) return
    const read = RedisMessage.readTopicText(text)
    if (read === undefined) return
    if (read.type === "message") this.inbox.message(topic, read.text)
    else this.inbox.gap(topic, read.reason)
  }

  /** All processes are told something. */
  private onTold(text: string): void {
    const { process } = this.options
    const gone = RedisMessage.readGone(text)
    if (gone?.process === process) {
      this.own.tellAgain(gone.wasUnseen)
    } else if (gone !== undefined) {
      this.processes.gone(gone.process)
      this.watched.gone(gone.process)
    } else if (!text.startsWith(process, 1)) {
      const read = RedisMessage.readTopicText(text)
      if (read?.type === "gap") this.inbox.gap(undefined, read.reason)
    }
  }

  private beat(connection: RedisConnection): void {
    this.own.beat()
    if (this.silentTicks !== undefined) return
    this.silentTicks = 0
    const answered = () => {
      if (this.connection === connection) this.silentTicks = undefined
    }
    connection.send(["PING"]).then(answered, answered)
  }

  private unsent(topic: string, problem: "late" | "full"): LinkError {
    const what = `a message to topic ${JSON.stringify(topic)}`
    const others =
      "The subscribers of this process have it, those of others do not and are told that something is missing."
    const problemText =
      problem === "late"
        ? this.late(`to take ${what}`)
        : `${what} cannot be sent by Redis: too many others wait already. Publish less, or wait until publishing completes.`
    return new LinkError({ message: `${problemText} ${others}` })
  }

  private late(what: string): string {
    const seconds = this.options.timeout / 1000
    return this.connection === undefined
      ? `Redis cannot be reached, for ${seconds} s and more, ${what}. Look whether redis-server runs; it is tried again and again.`
      : `Redis has not answered for ${seconds} s ${what}. It may be busy, or there is more for it than it can do.`
  }

  /** Warns of what Redis refuses, once in a while for each text. */
  private warnOnce(what: string, error: unknown): void {
    const text = `Redis ${what} (${describe(error)}). ${advise(error, this.names.root)}`
    if (this.warned.size >= 20 || this.warned.has(text)) return
    this.warned.add(text)
    this.options.warn(text)
  }
}
