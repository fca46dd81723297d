/** Who is in which topic, here and, of topics that somebody here watches, in other processes. */
import type { TopicMessage } from "./TopicMessage.ts"

/** Why somebody is not in a topic any more. */
export type LeaveReason =
  /** Its scope has closed. */
  | "left"
  /** Its process has ended or is lost. */
  | "lost"

/** Somebody in a topic. */
export interface Present {
  readonly id: string
  /** What is told of it. */
  readonly told: TopicMessage
}

export type MembersChange =
  | { readonly type: "joined"; readonly member: Present }
  | { readonly type: "left"; readonly member: Present; readonly reason: LeaveReason }

/** Who is told of changes, by a plain call. */
export interface MembersWatcher {
  readonly onChange: (change: MembersChange) => void
  /** There are no changes any more. */
  readonly close: () => void
}

/** The members of one process, by their ids. */
type Members = Map<string, Present>

interface TopicEntry {
  readonly own: Members
  readonly others: Map<string, Members>
  readonly watchers: Set<MembersWatcher>
}

export class TopicMembers {
  readonly #topics = new Map<string, TopicEntry>()

  /** Topics that have members here, or watchers. */
  get size(): number {
    return this.#topics.size
  }

  // from this process ------------------------------------------------------------------------------------------------

  join(topic: string, member: Present): void {
    const entry = this.#entryOf(topic)
    entry.own.set(member.id, member)
    tell(entry, { type: "joined", member })
  }

  /** Whether it was there. */
  leave(topic: string, id: string): boolean {
    const entry = this.#topics.get(topic)
    const member = entry?.own.get(id)
    if (entry === undefined || member === undefined) return false
    entry.own.delete(id)
    tell(entry, { type: "left", member, reason: "left" })
    this.#forgetUnused(topic, entry)
    return true
  }

  /** Tells of changes from now on. */
  watch(topic: string, watcher: MembersWatcher): void {
    this.#entryOf(topic).watchers.add(watcher)
  }

  /** Whether it was told of changes. */
  unwatch(topic: string, watcher: MembersWatcher): boolean {
    const entry = this.#topics.get(topic)
    if (entry?.watchers.delete(watcher) !== true) return false
    // Nobody tells of them from here on.
    if (entry.watchers.size === 0) entry.others.clear()
    this.#forgetUnused(topic, entry)
    return true
  }

  /** Those of other processes are told anew, to watchers who do not know anybody yet. */
  forgetOthers(topic: string): void {
    this.#topics.get(topic)?.others.clear()
  }

  /** Everybody in the topic who is known. */
  list(topic: string): Array<Present> {
    const entry = this.#topics.get(topic)
    if (entry === undefined) return []
    const all = [...entry.own.values()]
    for (const members of entry.others.values()) all.push(...members.values())
    return all
  }

  /** All who are told of changes, with their topics. */
  *watchers(): Generator<readonly [string, MembersWatcher]> {
    for (const [topic, { watchers }] of this.#topics) {
      for (const watcher of watchers) yield [topic, watcher]
    }
  }

  clear(): void {
    this.#topics.clear()
  }

  // from the link ----------------------------------------------------------------------------------------------------

  onJoin(topic: string, process: string, member: Present): void {
    const entry = this.#topics.get(topic)
    // What was sent before the link has heard that nobody watches.
    if (entry === undefined || entry.watchers.size === 0) return
    let members = entry.others.get(process)
    if (members === undefined) {
      members = new Map()
      entry.others.set(process, members)
    }
    if (members.get(member.id)?.told.text === member.told.text) return
    members.set(member.id, member)
    tell(entry, { type: "joined", member })
  }

  onLeave(topic: string, process: string, id: string): void {
    const entry = this.#topics.get(topic)
    const members = entry?.others.get(process)
    const member = members?.get(id)
    if (entry === undefined || members === undefined || member === undefined) return
    members.delete(id)
    if (members.size === 0) entry.others.delete(process)
    tell(entry, { type: "left", member, reason: "left" })
  }

  onProcessGone(process: string): void {
    for (const entry of this.#topics.values()) {
      const members = entry.others.get(process)
      if (members === undefined) continue
      entry.others.delete(process)
      for (const member of members.values()) tell(entry, { type: "left", member, reason: "lost" })
    }
  }

  // ------------------------------------------------------------------------------------------------------------------

  #entryOf(topic: string): TopicEntry {
    let entry = this.#topics.get(topic)
    if (entry === undefined) {
      entry = { own: new Map(), others: new Map(), watchers: new Set() }
      this.#topics.set(topic, entry)
    }
    return entry
  }

  #forgetUnused(topic: string, entry: TopicEntry): void {
    if (entry.own.size === 0 && entry.watchers.size === 0) this.#topics.delete(topic)
  }
}

const tell = ({ watchers }: TopicEntry, change: MembersChange): void => {
  for (const watcher of watchers) watcher.onChange(change)
}
