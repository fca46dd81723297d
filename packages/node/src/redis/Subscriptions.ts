/**
 * Which channels this process wants to listen to, and which of them Redis has confirmed.
 *
 * | a channel is | becomes                                                   | wanted no more: unknown, with |
 * | ------------ | --------------------------------------------------------- | ----------------------------- |
 * | unknown      | wanted                                                    |                               |
 * | wanted       | asked at the end of the turn, if connected: SUBSCRIBE     | nothing                       |
 * | asked        | confirmed when Redis has answered, or unknown: refused    | UNSUBSCRIBE                   |
 * | confirmed    |                                                           | UNSUBSCRIBE                   |
 *
 * When the connection is lost, all are wanted, and asked for on the next one. Those that were confirmed have a gap, which
 * is told before the first message that comes then: whoever looks up what is missing when it is told misses nothing.
 */
import * as Arr from "effect/Array"
import type { RedisConnection } from "./RedisConnection.ts"

/** What becomes of channels. */
export interface SubscriptionListener {
  /** All that is published from now on comes. With a gap, something may have been missed before. */
  readonly onConfirmed: (channel: string, hasGap: boolean) => void
  /** Redis has refused the channel, which is wanted no more. */
  readonly onRefused: (channel: string, error: unknown) => void
}

interface Channel {
  /** Whether SUBSCRIBE was sent for it on this connection. */
  isAsked: boolean
  isConfirmed: boolean
  /** Whether messages may be missing and nobody was told yet. */
  hasGap: boolean
}

/** So many channels are named in one command: Redis does nothing else while it reads them. */
const chunk = 500

export class Subscriptions {
  /** Those that are wanted. A channel that is wanted anew is another one: an answer to an earlier command is not its. */
  private readonly channels = new Map<string, Channel>()
  /** What to send at the end of the turn: for channels that were asked for and are wanted no more, and then for new ones. */
  private dropped = new Set<string>()
  private added = new Set<string>()
  private connection: RedisConnection | undefined = undefined
  private readonly listener: SubscriptionListener

  constructor(listener: SubscriptionListener) {
    this.listener = listener
  }

  /** Wants a channel; tells at once if it is confirmed already. */
  add(name: string): void {
    const known = this.channels.get(name)
    if (known !== undefined) {
      if (known.isConfirmed) this.listener.onConfirmed(name, false)
      return
    }
    this.channels.set(name, { isAsked: false, isConfirmed: false, hasGap: false })
    this.schedule()
    this.added.add(name)
  }

  remove(name: string): void {
    const known = this.channels.get(name)
    if (known === undefined) return
    this.channels.delete(name)
    this.added.delete(name)
    if (!known.isAsked) return
    this.schedule()
    this.dropped.add(name)
  }

  /** Whether what comes by this channel is for somebody; then it is told first what may be missing before. */
  receives(name: string): boolean {
    const known = this.channels.get(name)
    if (known === undefined) return false
    if (known.hasGap) this.confirm(name, known)
    return true
  }

  connected(connection: RedisConnection): void {
    this.connection = connection
    this.added = new Set(this.channels.keys())
    this.flush()
  }

  disconnected(): void {
    this.connection = undefined
    this.dropped.clear()
    for (const channel of this.channels.values()) {
      channel.hasGap ||= channel.isConfirmed
      channel.isAsked = false
      channel.isConfirmed = false
    }
  }

  private schedule(): void {
    if (this.connection !== undefined && this.added.size + this.dropped.size === 0) queueMicrotask(() => this.flush())
  }

  private flush(): void {
    const { added, connection, dropped } = this
    if (connection === undefined) return
    this.dropped = new Set()
    this.added = new Set()
    for (const names of Arr.chunksOf(dropped, chunk)) {
      // It fails when the connection is lost, and then nothing is subscribed to.
      connection.unsubscribe(names).catch(() => {})
    }
    for (const names of Arr.chunksOf(added, chunk)) this.ask(connection, names)
  }

  private ask(connection: RedisConnection, names: ReadonlyArray<string>): void {
    const asked = new Map<string, Channel>()
    for (const name of names) {
      const channel = this.channels.get(name)
      if (channel === undefined) continue
      channel.isAsked = true
      asked.set(name, channel)
    }
    const current = () =>
      [...asked].filter(([name, channel]) => this.connection === connection && this.channels.get(name) === channel)
    connection.subscribe([...asked.keys()]).then(
      () => {
        for (const [name, channel] of current()) if (!channel.isConfirmed) this.confirm(name, channel)
      },
      (error: unknown) => {
        // Redis refuses all of a command when it refuses one of its channels.
        for (const [name] of current()) {
          if (asked.size > 1) this.ask(connection, [name])
          else this.refuse(name, error)
        }
      }
    )
  }

  private confirm(name: string, channel: Channel): void {
    const { hasGap } = channel
    channel.isConfirmed = true
    channel.hasGap = false
    this.listener.onConfirmed(name, hasGap)
  }

  private refuse(name: string, error: unknown): void {
    this.channels.delete(name)
    this.listener.onRefused(name, error)
  }
}
