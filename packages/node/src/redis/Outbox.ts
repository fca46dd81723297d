/**
 * Messages on their way to Redis, in order: so many are sent without waiting for answers, and behind them publishers wait.
 *
 * | a message is | becomes                                                                                |
 * | ------------ | -------------------------------------------------------------------------------------- |
 * | waiting      | sent when there is room; failed when its time is over, or too much waits               |
 * | sent         | taken when Redis answers; lost when it refuses, or the connection is lost before       |
 *
 * Nothing is sent twice. Of what is failed or lost the others are told that something may be missing, in front of the next
 * messages of this process; of what Redis has refused, with the next message to that topic, as it may refuse that as well.
 */
import { Fifo } from "@pagi/core/bytes/Fifo"
import type { LinkError } from "@pagi/core/topics/LinkError"
import type { GapReason } from "@pagi/core/topics/TopicLink"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import type { RedisConnection } from "./RedisConnection.ts"
import * as RedisMessage from "./RedisMessage.ts"
import type { RedisNames } from "./RedisNames.ts"

/** What may be under way without an answer: messages, and characters of them. */
const windowMessages = 1000
const windowLength = 1024 * 1024

/** Characters that may wait, with as many for each message besides; a message that comes then fails at once. */
const maxWaitingLength = 16 * 1024 * 1024
const messageLength = 256

/** Topics of which others are told that messages may be missing, each by itself; with more, all topics are. */
const maxGaps = 1000

interface Waiting {
  readonly topic: string
  readonly text: string
  /** The tick at which it fails. */
  readonly until: number
  /** What its publisher waits for. */
  readonly done: Deferred.Deferred<void, LinkError>
}

interface Sent {
  /** No topic for what tells all of a gap. */
  readonly topic: string | undefined
  readonly length: number
}

export interface OutboxOptions {
  readonly process: string
  readonly names: RedisNames
  /** How many ticks a message may wait. */
  readonly patience: number
  /** What a publisher is told of whose message could not be carried. */
  readonly describe: (topic: string, problem: "late" | "full") => LinkError
  /** Redis has refused a message. */
  readonly onRefused: (error: unknown) => void
}

export class Outbox {
  private readonly options: OutboxOptions
  private connection: RedisConnection | undefined = undefined
  private sent = new Fifo<Sent>()
  private sentLength = 0
  private readonly waiting = new Fifo<Waiting>()
  private waitingLength = 0
  /** Topics that others are to be told of, and why; none for all of them, when there were too many. */
  private gaps = new Map<string | undefined, GapReason>()
  /** Topics with messages that Redis has refused; none for all of them. */
  private readonly refused = new Set<string | undefined>()
  private now = 0
  private onTaken: () => void = () => {}
  private onFailed: (error: unknown) => void = () => {}

  constructor(options: OutboxOptions) {
    this.options = options
  }

  /** Messages that wait for room. */
  get waitingCount(): number {
    return this.waiting.length
  }

  /** Whether Redis has all messages. */
  get isEmpty(): boolean {
    return this.sent.length === 0 && this.waiting.length === 0
  }

  /** Hands over a message. Answers what its publisher has to wait for, if anything. */
  publish(topic: string, text: string): Effect.Effect<void, LinkError> | undefined {
    if (this.connection !== undefined && this.waiting.length === 0 && this.hasRoom()) {
      this.send(this.connection, topic, text)
      return undefined
    }
    if (this.waitingLength + lengthOf(text) > maxWaitingLength) {
      this.noteGap(topic, "overloaded")
      return Effect.fail(this.options.describe(topic, "full"))
    }
    const until = this.now + this.options.patience
    const done = Deferred.makeUnsafe<void, LinkError>()
    this.waiting.push({ topic, text, until, done })
    this.waitingLength += lengthOf(text)
    // It stays where it is when the publisher does not wait any more: subscribers of this process have it already.
    return Deferred.await(done)
  }

  connected(connection: RedisConnection): void {
    this.connection = connection
    this.onTaken = () => {
      if (this.connection === connection) this.take()
    }
    this.onFailed = (error) => {
      if (this.connection === connection) this.refuse(error)
    }
    this.flush()
  }

  disconnected(): void {
    this.connection = undefined
    for (let lost = this.sent.shift(); lost !== undefined; lost = this.sent.shift()) {
      this.noteGap(lost.topic, "disconnected")
    }
    this.sentLength = 0
  }

  /** Some time has gone by: what has waited for too long fails. */
  tick(): void {
    this.now++
    for (let { head } = this.waiting; head !== undefined && head.until < this.now; head = this.waiting.head) {
      this.takeWaiting()
      this.noteGap(head.topic, this.connection === undefined ? "disconnected" : "overloaded")
      Deferred.doneUnsafe(head.done, Effect.fail(this.options.describe(head.topic, "late")))
    }
  }

  private hasRoom(): boolean {
    const isBehind = this.sent.length >= windowMessages || this.sentLength >= windowLength
    return !isBehind && this.gaps.size === 0
  }

  private send(connection: RedisConnection, topic: string, text: string): void {
    const { names, process } = this.options
    if (this.refused.size > 0) this.tellRefused(connection, topic)
    this.put(connection, topic, names.topic(topic), RedisMessage.message(process, text))
  }

  private tellRefused(connection: RedisConnection, topic: string): void {
    for (const one of [undefined, topic]) if (this.refused.delete(one)) this.tellGap(connection, one, "disconnected")
  }

  private tellGap(connection: RedisConnection, topic: string | undefined, reason: GapReason): void {
    const { names, process } = this.options
    const channel = topic === undefined ? names.all : names.topic(topic)
    this.put(connection, topic, channel, RedisMessage.gap(process, reason))
  }

  private put(connection: RedisConnection, topic: string | undefined, channel: string, text: string): void {
    this.sent.push({ topic, length: text.length })
    this.sentLength += text.length
    connection.send(["PUBLISH", channel, text]).then(this.onTaken, this.onFailed)
  }

  private take(): void {
    this.sentLength -= this.sent.shift()?.length ?? 0
    if (this.waiting.length > 0 || this.gaps.size > 0) this.flush()
  }

  private refuse(error: unknown): void {
    this.options.onRefused(error)
    const topic = this.sent.head?.topic
    this.refused.add(this.refused.size < maxGaps ? topic : undefined)
    this.take()
  }

  private noteGap(topic: string | undefined, reason: GapReason): void {
    this.gaps.set(this.gaps.size < maxGaps || this.gaps.has(topic) ? topic : undefined, reason)
  }

  private flush(): void {
    const { connection } = this
    if (connection === undefined) return
    this.tellGaps(connection)
    while (this.hasRoom()) {
      const message = this.takeWaiting()
      if (message === undefined) return
      this.send(connection, message.topic, message.text)
      Deferred.doneUnsafe(message.done, Effect.void)
    }
  }

  /** Tells of gaps before any message that comes after them. */
  private tellGaps(connection: RedisConnection): void {
    const { gaps } = this
    if (gaps.size === 0) return
    this.gaps = new Map()
    const ofAll = gaps.get(undefined)
    if (ofAll === undefined) for (const [topic, reason] of gaps) this.tellGap(connection, topic, reason)
    else this.tellGap(connection, undefined, ofAll)
  }

  private takeWaiting(): Waiting | undefined {
    const message = this.waiting.shift()
    if (message !== undefined) this.waitingLength -= lengthOf(message.text)
    return message
  }
}

const lengthOf = (text: string): number => messageLength + text.length
