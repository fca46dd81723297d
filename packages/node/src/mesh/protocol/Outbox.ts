import { ChunkQueue } from "./ChunkQueue.ts"
import * as Frames from "./Frames.ts"
import * as Groups from "./Groups.ts"
import { hardLimit, highMark, lowMark, maxGaps, maxText, window } from "./Limits.ts"
import { keyOf, type Local, topicOf, wishOf } from "./Local.ts"

/** Somebody who waits until the peer has answered a number. */
interface Confirmation {
  readonly number: number
  readonly done: () => void
}

/**
 * What is to be sent to a peer. What is wanted and who is here are not queued: what has changed is remembered, and put
 * into frames when the peer can take them, so that it needs no more memory than what there is. Messages wait in a queue,
 * and go as far as the peer has given credit.
 */
export class Outbox {
  readonly #local: Local
  readonly #wake: () => void
  #greeting: Buffer | undefined = undefined
  #isOpen = false

  /** Wishes that may have changed, and those that the peer is to answer anew. */
  readonly #changed = new Set<string>()
  readonly #again = new Set<string>()
  /** The wishes that the peer knows, with the number that follows the frame. */
  readonly #told = new Map<string, number>()
  #firstSync: number | undefined = undefined
  #nextSync = 1
  #synced = 0
  #confirmations: Array<Confirmation> = []

  /** Topics of which the peer was asked who is in them and has not answered, and of which it has asked; how often. */
  readonly #asked = new Map<string, number>()
  readonly #watched = new Map<string, number>()
  /** Members whose coming or going is to be told, by topic. */
  readonly #joined: Groups.Groups<string> = new Map()
  readonly #left: Groups.Groups<string> = new Map()
  #answer = 0
  #owed = 0

  readonly #messages = new ChunkQueue()
  #credit = window
  #gaps = new Set<string>()
  #isOverloaded = false
  readonly #waiting = new Set<() => void>()
  #says: "nothing" | "goodbye" | "said" = "nothing"

  constructor(local: Local, wake: () => void) {
    this.#local = local
    this.#wake = wake
  }

  /** What goes out before the connection is open, in order. */
  greet(frame: Buffer): void {
    this.#greeting = this.#greeting === undefined ? frame : Buffer.concat([this.#greeting, frame])
    this.#wake()
  }

  /** From now on the peer is told everything: what there is first. */
  open(isLate: boolean): void {
    this.#isOpen = true
    this.#firstSync = isLate ? Frames.kinds.syncLate : Frames.kinds.sync
    for (const key of this.#local.wants) this.#changed.add(key)
    this.#wake()
  }

  /** A wish is one now, or none any more. */
  wish(key: string): void {
    if (!this.#isOpen) return
    if (wishOf(key) === "members" && !this.#local.wants.has(key)) this.#again.add(key)
    this.#changed.add(key)
    this.#wake()
  }

  /** Runs `done` when the peer has answered what it was told of the wish; answers false when it has already. */
  whenConfirmed(key: string, done: () => void): boolean {
    if (!this.#isOpen) return false
    const told = this.#changed.has(key) ? undefined : this.#told.get(key)
    const number = told ?? this.#nextSync
    if (number <= this.#synced) return false
    this.#confirmations.push({ number, done })
    return true
  }

  confirmed(number: number): void {
    this.#synced = Math.max(number, this.#synced)
    const ready = this.#confirmations.filter((one) => one.number <= this.#synced)
    if (ready.length === 0) return
    this.#confirmations = this.#confirmations.filter((one) => one.number > this.#synced)
    for (const { done } of ready) done()
  }

  /** The peer wants an answer when it has been told everything that it has asked for. */
  answer(number: number): void {
    this.#answer = number
    this.#wake()
  }

  joined(topic: string, id: string): void {
    Groups.add(this.#joined, topic, id)
    this.#wake()
  }

  left(topic: string, id: string): void {
    // The peer need not hear of somebody of whom it has not heard.
    if (Groups.remove(this.#joined, topic, id)) return
    Groups.add(this.#left, topic, id)
    this.#wake()
  }

  /** The peer has asked who is in the topic, and is to be told from now on. */
  watched(topic: string): void {
    this.#watched.set(topic, (this.#watched.get(topic) ?? 0) + 1)
    this.#wake()
  }

  /** The peer has answered who is in the topic, as often as it was asked. */
  answered(topic: string): void {
    const left = (this.#asked.get(topic) ?? 0) - 1
    if (left > 0) this.#asked.set(topic, left)
    else this.#asked.delete(topic)
  }

  /**
   * Whether what the peer tells of who is in the topic is an answer to an earlier question: somebody may have left since,
   * of whom the peer did not tell when nobody wanted to know.
   */
  isAsking(topic: string): boolean {
    const key = keyOf("members", topic)
    return this.#asked.has(topic) || this.#again.has(key) || (this.#changed.has(key) && !this.#told.has(key))
  }

  /** So many bytes of the peer's messages were delivered since this was said last. */
  owe(bytes: number): void {
    this.#owed += bytes
    this.#wake()
  }

  credited(bytes: number): void {
    this.#credit += bytes
    this.#wake()
  }

  /** Makes room for a message, in the buffer that is answered at `offset`; none when it is dropped. */
  reserve(topic: string, size: Frames.MessageSize): Buffer | undefined {
    const { size: waiting } = this.#messages
    const isTooLong = size.text > maxText
    const fits = waiting === 0 || waiting + size.frame <= hardLimit
    if (this.#isOverloaded || !fits || isTooLong) {
      if (!isTooLong) this.#isOverloaded = true
      this.#drop(topic)
      return undefined
    }
    this.#wake()
    return this.#messages.reserve(size.frame)
  }

  get offset(): number {
    return this.#messages.offset
  }

  /** Whether publishers should wait. */
  get isBehind(): boolean {
    return !this.#isOverloaded && this.#messages.size > highMark
  }

  /** Runs `done` when publishers need not wait any more, unless it is cancelled by what is answered. */
  whenDrained(done: () => void): () => void {
    this.#waiting.add(done)
    return () => this.#waiting.delete(done)
  }

  /** Publishers have waited long enough: messages are dropped until the peer has read what waits. */
  giveUp(): void {
    if (!this.isBehind) return
    this.#isOverloaded = true
    this.#release()
  }

  /** Messages of all topics may be missing up to here. */
  tellMissed(): void {
    this.#push(Frames.empty(Frames.kinds.missed))
  }

  /** Says goodbye behind everything else. */
  sayGoodbye(): void {
    if (this.#says !== "nothing") return
    this.#says = "goodbye"
    this.#wake()
  }

  get hasSaidGoodbye(): boolean {
    return this.#says === "said"
  }

  /** Nothing is sent any more: whoever waits need not. */
  close(): void {
    this.#isOpen = false
    const confirmations = this.#confirmations
    this.#confirmations = []
    for (const { done } of confirmations) done()
    this.#release()
  }

  /** What is to be written next, when the system has everything that was taken before; nothing when there is nothing. */
  take(): Buffer | undefined {
    const parts: Array<Buffer> = []
    if (this.#greeting !== undefined) parts.push(this.#greeting)
    this.#greeting = undefined
    if (!this.#isOpen) return parts[0]
    if (this.#changed.size > 0 || this.#firstSync !== undefined) this.#takeWishes(parts)
    if (this.#watched.size > 0) this.#takeWatched(parts)
    if (this.#joined.size > 0) this.#takeJoined(parts)
    this.#takeMessages(parts)
    if (this.#left.size > 0) this.#takeLeft(parts)
    if (this.#answer > 0) parts.push(Frames.count(Frames.kinds.synced, this.#answer))
    if (this.#owed > 0) parts.push(Frames.count(Frames.kinds.credit, this.#owed))
    this.#answer = 0
    this.#owed = 0
    if (this.#says === "goodbye" && this.#messages.size === 0) {
      parts.push(Frames.empty(Frames.kinds.goodbye))
      this.#says = "said"
    }
    return parts.length > 1 ? Buffer.concat(parts) : parts[0]
  }

  #takeWishes(parts: Array<Buffer>): void {
    const number = this.#nextSync
    let isNew = this.#firstSync !== undefined
    for (const key of this.#changed) {
      const isMessages = wishOf(key) === "messages"
      const isWanted = this.#local.wants.has(key)
      const isTold = this.#told.has(key)
      if (isWanted && (!isTold || this.#again.has(key))) {
        parts.push(Frames.name(isMessages ? Frames.kinds.subscribe : Frames.kinds.watch, topicOf(key)))
        this.#told.set(key, number)
        if (!isMessages) this.#asked.set(topicOf(key), (this.#asked.get(topicOf(key)) ?? 0) + 1)
        isNew = true
      } else if (!isWanted && isTold) {
        parts.push(Frames.name(isMessages ? Frames.kinds.unsubscribe : Frames.kinds.unwatch, topicOf(key)))
        this.#told.delete(key)
      }
    }
    this.#changed.clear()
    this.#again.clear()
    if (!isNew && this.#confirmations.every((one) => one.number < number)) return
    parts.push(Frames.count(this.#firstSync ?? Frames.kinds.sync, number))
    this.#firstSync = undefined
    this.#nextSync += 1
  }

  #takeWatched(parts: Array<Buffer>): void {
    for (const [topic, times] of this.#watched)
      for (let time = 0; time < times; time++) parts.push(Frames.name(Frames.kinds.watched, topic))
    this.#watched.clear()
  }

  #takeJoined(parts: Array<Buffer>): void {
    for (const [topic, ids] of this.#joined) {
      const members = this.#local.members.get(topic)
      for (const id of ids) {
        const text = members?.get(id)
        if (text !== undefined) parts.push(Frames.member(Frames.kinds.joined, topic, id, text))
      }
    }
    this.#joined.clear()
  }

  #takeLeft(parts: Array<Buffer>): void {
    for (const [topic, ids] of this.#left)
      for (const id of ids) parts.push(Frames.member(Frames.kinds.left, topic, id, ""))
    this.#left.clear()
  }

  #takeMessages(parts: Array<Buffer>): void {
    // A piece may be longer than what is left of the credit; the receiver reckons with that.
    if (this.#credit <= 0) return
    const bytes = this.#messages.take()
    if (bytes === undefined) return
    this.#credit -= bytes.length
    parts.push(bytes)
    if (this.#messages.size <= lowMark && (this.#isOverloaded || this.#waiting.size > 0)) {
      this.#isOverloaded = false
      this.#gaps = new Set()
      this.#release()
    }
  }

  /** Says once, where it begins, that messages of the topic are missing. */
  #drop(topic: string): void {
    if (this.#gaps.has("") || this.#gaps.has(topic)) return
    const said = this.#gaps.size < maxGaps ? topic : ""
    // One that is too long for any peer is said of each time.
    if (this.#isOverloaded) this.#gaps.add(said)
    this.#push(Frames.name(Frames.kinds.gap, said))
  }

  #push(frame: Buffer): void {
    frame.copy(this.#messages.reserve(frame.length), this.#messages.offset)
    this.#wake()
  }

  #release(): void {
    const waiting = [...this.#waiting]
    this.#waiting.clear()
    for (const done of waiting) done()
  }
}
