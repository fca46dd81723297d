/**
 * Who of other processes is in the topics that somebody here watches. What Redis knows is read, and what is told meanwhile
 * counts more: it may be newer, and what is read may be older.
 */
import type { LinkListener } from "@pagi/core/topics/TopicLink"
import type { MemberChange } from "./RedisMessage.ts"
import * as PresenceScripts from "./PresenceScripts.ts"
import { stringsIn, type RedisConnection } from "./RedisConnection.ts"
import type { RedisNames } from "./RedisNames.ts"

/** Topics that are read at the same time. */
const maxReading = 32

interface Watched {
  /** Processes, and the ids of their members. */
  readonly members: Map<string, Set<string>>
  /** Members and processes of which something was told while Redis was read. */
  told: Set<string> | undefined
  /** Whether Redis is to be read again. */
  isStale: boolean
}

/** What one process has in a topic, as Redis knows it. */
interface Entry {
  /** What the process's key says, if it is there. */
  readonly life: PresenceScripts.Life | undefined
  readonly members: ReadonlyMap<string, string>
}

export interface WatchedTopicsOptions {
  readonly process: string
  readonly names: RedisNames
  readonly listener: Pick<LinkListener, "onJoin" | "onLeave" | "onProcessGone">
  /** All of the topic's members are known. */
  readonly onKnown: (topic: string) => void
  readonly onRefused: (topic: string, error: unknown) => void
  /** A process may be lost: its members are in Redis, but its key is not. */
  readonly onSuspect: (process: string) => void
}

export class WatchedTopics {
  private readonly options: WatchedTopicsOptions
  private readonly topics = new Map<string, Watched>()
  /** Processes with members in these topics: in how many. */
  private readonly counts = new Map<string, number>()
  private readonly queue = new Set<string>()
  private reading = 0
  private connection: RedisConnection | undefined = undefined

  constructor(options: WatchedTopicsOptions) {
    this.options = options
  }

  get isUsed(): boolean {
    return this.topics.size > 0
  }

  /** Processes that have members in these topics. */
  get processes(): Iterable<string> {
    return this.counts.keys()
  }

  watch(topic: string): void {
    this.topics.set(topic, { members: new Map(), told: undefined, isStale: false })
  }

  unwatch(topic: string): void {
    const watched = this.topics.get(topic)
    if (watched === undefined) return
    this.topics.delete(topic)
    this.queue.delete(topic)
    for (const process of watched.members.keys()) this.count(process, -1)
  }

  connected(connection: RedisConnection): void {
    this.connection = connection
  }

  disconnected(): void {
    this.connection = undefined
    this.queue.clear()
    this.reading = 0
    for (const watched of this.topics.values()) {
      watched.told = undefined
      watched.isStale = false
    }
  }

  /** Everything that is told of the topic comes from now on; what Redis knows has to be read. */
  read(topic: string): void {
    if (!this.topics.has(topic)) return
    this.queue.add(topic)
    this.next()
  }

  /** Some time has gone by: what could not be read as a whole is read again. */
  tick(): void {
    for (const [topic, watched] of this.topics) {
      if (!watched.isStale || watched.told !== undefined) continue
      watched.isStale = false
      this.read(topic)
    }
  }

  /** Something was told by the channel of a topic's changes. */
  change(topic: string, change: MemberChange): void {
    const watched = this.topics.get(topic)
    const [type, process, id, text] = change
    if (watched === undefined || process === this.options.process) return
    if (type === "anew") {
      if (watched.told === undefined) this.read(topic)
      else watched.isStale = true
      return
    }
    watched.told?.add(id)
    if (type === "join") this.add(topic, watched, process, id, text)
    else this.remove(topic, watched, process, id)
  }

  /** A process is gone with all of its members. */
  gone(process: string): void {
    for (const watched of this.topics.values()) {
      watched.told?.add(process)
      watched.members.delete(process)
    }
    this.counts.delete(process)
    this.options.listener.onProcessGone(process)
  }

  private count(process: string, by: number): void {
    const count = (this.counts.get(process) ?? 0) + by
    if (count > 0) this.counts.set(process, count)
    else this.counts.delete(process)
  }

  private add(topic: string, watched: Watched, process: string, id: string, text: string): void {
    let ids = watched.members.get(process)
    if (ids === undefined) {
      ids = new Set()
      watched.members.set(process, ids)
      this.count(process, 1)
    }
    if (ids.has(id)) return
    ids.add(id)
    this.options.listener.onJoin(topic, process, { id, text })
  }

  private remove(topic: string, watched: Watched, process: string, id: string): void {
    const ids = watched.members.get(process)
    if (ids?.delete(id) !== true) return
    if (ids.size === 0) {
      watched.members.delete(process)
      this.count(process, -1)
    }
    this.options.listener.onLeave(topic, process, id)
  }

  private next(): void {
    const { connection } = this
    if (connection === undefined) return
    for (const topic of this.queue) {
      if (this.reading >= maxReading) return
      const watched = this.topics.get(topic)
      if (watched?.told !== undefined) continue
      this.queue.delete(topic)
      if (watched === undefined) continue
      watched.told = new Set()
      this.reading++
      void this.readNow(connection, topic, watched)
    }
  }

  private async readNow(connection: RedisConnection, topic: string, watched: Watched): Promise<void> {
    const { onKnown, onRefused } = this.options
    const isCurrent = () => this.connection === connection
    const isWatched = () => isCurrent() && this.topics.get(topic) === watched
    try {
      const entries = await this.entriesOf(connection, topic, watched)
      if (isWatched()) {
        this.apply(topic, watched, entries)
        onKnown(topic)
      }
    } catch (error) {
      if (isWatched()) {
        // Tried again at the next tick, unless nobody watches any more because of this.
        watched.isStale = true
        onRefused(topic, error)
      }
    }
    if (!isCurrent()) return
    watched.told = undefined
    this.reading--
    this.next()
  }

  private async entriesOf(connection: RedisConnection, topic: string, watched: Watched) {
    const { names, process: own } = this.options
    const inRedis = stringsIn(await connection.send(["SMEMBERS", names.processesIn(topic)]))
    const processes = new Set([...inRedis, ...watched.members.keys()])
    processes.delete(own)
    return Promise.all(
      [...processes].map(async (process): Promise<readonly [string, Entry]> => {
        const answer = await connection.send(PresenceScripts.read(names, process, topic))
        return [process, entryIn(answer)]
      })
    )
  }

  private apply(topic: string, watched: Watched, entries: ReadonlyArray<readonly [string, Entry]>): void {
    const told = watched.told ?? new Set()
    for (const [process, { life, members }] of entries) {
      if (told.has(process)) continue
      if (life === undefined) {
        // It is lost, or back in a moment: `ProcessWatch` finds out.
        if (watched.members.has(process)) watched.isStale = true
        this.options.onSuspect(process)
        continue
      }
      for (const [id, text] of members) if (!told.has(id)) this.add(topic, watched, process, id, text)
      if (!life.isComplete) {
        watched.isStale = true
        continue
      }
      for (const id of watched.members.get(process) ?? []) {
        if (!members.has(id) && !told.has(id)) this.remove(topic, watched, process, id)
      }
    }
  }
}

const entryIn = (answer: unknown): Entry => {
  const [life, flat]: ReadonlyArray<unknown> = Array.isArray(answer) ? answer : []
  const members = new Map<string, string>()
  const texts = stringsIn(flat)
  for (let at = 0; at + 1 < texts.length; at += 2) members.set(texts[at] ?? "", texts[at + 1] ?? "")
  return { life: PresenceScripts.readLife(life), members }
}
