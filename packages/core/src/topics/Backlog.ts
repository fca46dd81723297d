/**
 * What one subscriber has still to be told: messages in the order in which they came, and between them where some are
 * missing. It is bounded: gaps beside each other are one, whatever their number.
 */
import type { GapReason } from "./TopicLink.ts"
import type { TopicMessage } from "./TopicMessage.ts"

/** Why a subscriber did not get messages. */
export type MissedReason =
  | GapReason
  /** They came while its buffer was full. */
  | "behind"
  /** They are not what its schema describes: another version of the program has published them. */
  | "unreadable"

/** Messages are missing here. */
export interface Gap {
  readonly type: "gap"
  readonly reason: MissedReason
  /** How many, where that is known. */
  readonly missed?: number
}

/** Gaps beside each other: at most one for each reason. */
export type Gaps = ReadonlyArray<Gap>

/** Both, with those of the same reason as one. */
const join = (before: Gaps | undefined, after: Gaps | undefined): Gaps | undefined => {
  if (before === undefined || after === undefined) return before ?? after
  const [one] = before
  const [other] = after
  // Of somebody who never reads, with every message.
  if (before.length + after.length === 2 && one && other && one.reason === other.reason) return [sum(one, other)]
  const joined = [...before]
  for (const gap of after) {
    const at = joined.findIndex(({ reason }) => reason === gap.reason)
    const same = joined[at]
    if (same === undefined) joined.push(gap)
    else joined[at] = sum(same, gap)
  }
  return joined
}

const sum = ({ missed: one, reason }: Gap, { missed: other }: Gap): Gap =>
  one === undefined || other === undefined ? { type: "gap", reason } : { type: "gap", reason, missed: one + other }

const missedOne: Gaps = [{ type: "gap", reason: "behind", missed: 1 }]

/** A message in its place. */
export interface Waiting {
  readonly message: TopicMessage
  /** What is missing before it. */
  gaps: Gaps | undefined
  previous: Waiting | undefined
  next: Waiting | undefined
  /** Whether it is here beyond the capacity. */
  isBeyond: boolean
  /** Called once it is not, because there is room for it or it is not kept any more. */
  onRoom: (() => void) | undefined
}

/** What is next to be told. */
export type Told = Gap | TopicMessage

export class Backlog {
  #first: Waiting | undefined = undefined
  #last: Waiting | undefined = undefined
  /** What is missing after the last message. */
  #gaps: Gaps | undefined = undefined
  #size = 0
  /** The first of the messages that are beyond the capacity. */
  #beyond: Waiting | undefined = undefined
  /** How many are within the capacity. */
  #within = 0
  readonly capacity: number

  constructor(capacity: number) {
    this.capacity = capacity
  }

  /** Messages, including those beyond the capacity. */
  get size(): number {
    return this.#size
  }

  get isFull(): boolean {
    return this.#size >= this.capacity
  }

  get isEmpty(): boolean {
    return this.#first === undefined && this.#gaps === undefined
  }

  /** Adds a message at the end, beyond the capacity when it is full. */
  push(message: TopicMessage): Waiting {
    const isBeyond = this.#within >= this.capacity
    const entry: Waiting = {
      message,
      gaps: this.#gaps,
      previous: this.#last,
      next: undefined,
      isBeyond,
      onRoom: undefined
    }
    this.#gaps = undefined
    if (this.#last === undefined) this.#first = entry
    else this.#last.next = entry
    this.#last = entry
    this.#size++
    if (isBeyond) this.#beyond ??= entry
    else this.#within++
    return entry
  }

  /** Something is missing after all that is here. */
  miss(gap: Gap): void {
    this.#gaps = join(this.#gaps, [gap])
  }

  /** One message is not told, at the end. */
  missOne(): void {
    this.#gaps = join(this.#gaps, missedOne)
  }

  /** Gives up the oldest message. */
  dropFirst(): void {
    if (this.#first !== undefined) this.#drop(this.#first)
  }

  /** Gives up a message that came beyond the capacity, and still is: it is missing where it was. */
  giveUp(entry: Waiting): void {
    if (entry.isBeyond) this.#drop(entry)
  }

  #drop(entry: Waiting): void {
    const missed = join(entry.gaps, missedOne)
    this.#unlink(entry)
    if (entry.next === undefined) this.#gaps = join(missed, this.#gaps)
    else entry.next.gaps = join(missed, entry.next.gaps)
    this.#admit()
  }

  /** Takes everything that is within the capacity. */
  takeAll(): Array<Told> {
    const told: Array<Told> = []
    let entry = this.#first
    for (let rest = this.#within; rest > 0 && entry !== undefined; rest--) {
      if (entry.gaps !== undefined) told.push(...entry.gaps)
      told.push(entry.message)
      this.#unlink(entry)
      entry = entry.next
    }
    if (this.#first === undefined && this.#gaps !== undefined) {
      told.push(...this.#gaps)
      this.#gaps = undefined
    }
    this.#admit()
    return told
  }

  /** Takes what is next; nothing when there is nothing. */
  take(): Told | undefined {
    const entry = this.#first
    const gaps = entry === undefined ? this.#gaps : entry.gaps
    if (gaps !== undefined) {
      const [gap, ...others] = gaps
      const rest = others.length === 0 ? undefined : others
      if (entry === undefined) this.#gaps = rest
      else entry.gaps = rest
      return gap
    }
    if (entry === undefined) return undefined
    this.#unlink(entry)
    this.#admit()
    return entry.message
  }

  /** Forgets everything; who waits for room need not wait any more. */
  clear(): void {
    let entry = this.#beyond
    this.#first = this.#last = this.#beyond = this.#gaps = undefined
    this.#size = this.#within = 0
    while (entry !== undefined) {
      const { next } = entry
      settle(entry)
      entry = next
    }
  }

  #unlink(entry: Waiting): void {
    const { next, previous } = entry
    if (previous === undefined) this.#first = next
    else previous.next = next
    if (next === undefined) this.#last = previous
    else next.previous = previous
    this.#size--
    if (!entry.isBeyond) this.#within--
    else if (this.#beyond === entry) this.#beyond = next
    entry.isBeyond = false
  }

  /** Has those within the capacity for which there is room by now. Whoever is told may come with the next message. */
  #admit(): void {
    while (this.#beyond !== undefined && this.#within < this.capacity) {
      const entry: Waiting = this.#beyond
      this.#beyond = entry.next
      this.#within++
      settle(entry)
    }
  }
}

const settle = (entry: Waiting): void => {
  const { onRoom } = entry
  entry.isBeyond = false
  entry.onRoom = undefined
  onRoom?.()
}
