import * as Frames from "./Frames.ts"
import { Inbox } from "./Inbox.ts"
import type { Local, Wish } from "./Local.ts"
import { Outbox } from "./Outbox.ts"

/** What a connection wants of the socket that carries it. */
export interface ConnectionPort {
  /** There is something to take. */
  readonly wake: () => void
  /** Nothing more is to be read: what there is to take is to be written, and then the socket closed. */
  readonly end: () => void
}

/** Who is told about a connection. */
export interface ConnectionOwner {
  /** The first frame has come. */
  readonly onGreeting: (connection: Connection, kind: number, greeting: Frames.Greeting) => void
  /** The peer has told all that it wants, for the first time; `isLate` when it may have missed messages. */
  readonly onReady: (connection: Connection, isLate: boolean) => void
  readonly onWish: (connection: Connection, wish: Wish, topic: string, isWanted: boolean) => void
  readonly onJoined: (connection: Connection, topic: string, id: string, text: string) => void
  readonly onLeft: (connection: Connection, topic: string, id: string) => void
  /** Answers whether the peer's messages are to wait until `resume`. */
  readonly onMessage: (connection: Connection, topic: string, text: string) => boolean
  readonly onGap: (connection: Connection, topic: string | undefined, reason: "overloaded" | "disconnected") => void
  /** It was open and is closed. */
  readonly onClosed: (connection: Connection) => void
  /** Everything has been handled that had come before it closed; `isComplete` when the peer had said goodbye. */
  readonly onDrained: (connection: Connection, isComplete: boolean) => void
  /** It was never open, and is closed. */
  readonly onUnopened: (connection: Connection) => void
}

/**
 * One connection with another process: bytes in and out. It begins with greetings, is open when both have agreed that
 * this is the one, and is closed once.
 */
export class Connection {
  readonly outbox: Outbox
  readonly #inbox: Inbox
  readonly #owner: ConnectionOwner
  readonly #port: ConnectionPort
  /** Whose other end this is: known from the beginning where this process has connected. */
  peer: string | undefined
  readonly isOutgoing: boolean
  /** Messages may have been lost since the two were connected before, or began without each other. */
  isLate = false
  /** What the peer wants, until it has told all of it: it takes effect at once. */
  readonly early: Array<{ readonly wish: Wish; readonly topic: string }> = []
  #phase: "greeting" | "open" | "closed" = "greeting"
  #isReady = false
  #hasGoodbye = false
  #hasDrained = false

  constructor(local: Local, owner: ConnectionOwner, port: ConnectionPort, peer?: string) {
    this.#owner = owner
    this.#port = port
    this.peer = peer
    this.isOutgoing = peer !== undefined
    this.outbox = new Outbox(local, port.wake)
    this.#inbox = new Inbox({
      onControl: (kind, buffer, start, end) => this.#control(kind, buffer, start, end),
      onMessageFrame: (kind, buffer, start, end) => this.#messageFrame(kind, buffer, start, end),
      onConsumed: (bytes) => this.outbox.owe(bytes)
    })
  }

  get isOpen(): boolean {
    return this.#phase === "open"
  }

  /** Whether the peer's wishes are known. */
  get isReady(): boolean {
    return this.#isReady
  }

  open(): void {
    this.#phase = "open"
    this.#inbox.open()
    this.outbox.open(this.isLate)
  }

  /** What is to be written next. */
  take(): Buffer | undefined {
    const bytes = this.outbox.take()
    if (this.outbox.hasSaidGoodbye) this.#port.end()
    return bytes
  }

  /** What has come. */
  receive(bytes: Buffer): void {
    if (this.#phase !== "closed" && !this.#inbox.read(bytes)) this.fail()
  }

  /** A subscriber need not be waited for any more. */
  resume(): void {
    this.#inbox.resume()
    this.#drain()
  }

  /** It is closed, and another connection has taken its place: what was held back is given up, so that nothing comes out of order. */
  supersede(): void {
    this.#inbox.discard()
    this.#drain()
  }

  /** Ends it from this side, without a goodbye. */
  fail(): void {
    if (this.#phase === "closed") return
    this.#port.end()
    this.closed()
  }

  /** The socket is closed, or will be. */
  closed(): void {
    if (this.#phase === "closed") return
    const wasOpen = this.#phase === "open"
    this.#phase = "closed"
    this.outbox.close()
    if (!wasOpen) return this.#owner.onUnopened(this)
    this.#owner.onClosed(this)
    this.#drain()
  }

  #drain(): void {
    if (this.#phase !== "closed" || this.#inbox.isHolding || this.#hasDrained) return
    this.#hasDrained = true
    this.#owner.onDrained(this, this.#hasGoodbye)
  }

  #control(kind: number, buffer: Buffer, start: number, end: number): void {
    if (this.#phase === "greeting") return this.#greeted(kind, buffer, start, end)
    if (this.#phase === "closed") return
    switch (kind) {
      case Frames.kinds.subscribe:
      case Frames.kinds.unsubscribe:
        return this.#owner.onWish(
          this,
          "messages",
          buffer.toString("utf8", start, end),
          kind === Frames.kinds.subscribe
        )
      case Frames.kinds.watch:
      case Frames.kinds.unwatch:
        return this.#owner.onWish(this, "members", buffer.toString("utf8", start, end), kind === Frames.kinds.watch)
      case Frames.kinds.watched:
        return this.outbox.answered(buffer.toString("utf8", start, end))
      case Frames.kinds.joined:
      case Frames.kinds.left:
        return this.#member(kind, buffer, start, end)
      case Frames.kinds.sync:
      case Frames.kinds.syncLate:
      case Frames.kinds.synced:
      case Frames.kinds.credit:
        return end - start === 4 ? this.#number(kind, buffer.readUInt32BE(start)) : this.fail()
      default:
        return this.fail()
    }
  }

  #greeted(kind: number, buffer: Buffer, start: number, end: number): void {
    const isExpected = this.isOutgoing
      ? kind === Frames.kinds.welcome || kind === Frames.kinds.refuse
      : kind === Frames.kinds.hello
    const greeting = isExpected ? Frames.readGreeting(buffer, start, end) : undefined
    if (greeting === undefined) this.fail()
    else this.#owner.onGreeting(this, kind, greeting)
  }

  #number(kind: number, number: number): void {
    if (kind === Frames.kinds.credit) return this.outbox.credited(number)
    if (kind === Frames.kinds.synced) return this.outbox.confirmed(number)
    this.outbox.answer(number)
    if (this.#isReady) return
    this.#isReady = true
    this.#owner.onReady(this, kind === Frames.kinds.syncLate)
  }

  #member(kind: number, buffer: Buffer, start: number, end: number): void {
    const topicEnd = Frames.endOfName(buffer, start, end)
    const idEnd = topicEnd === undefined ? undefined : Frames.endOfName(buffer, topicEnd, end)
    if (topicEnd === undefined || idEnd === undefined) return this.fail()
    const topic = buffer.toString("utf8", start + 1, topicEnd)
    if (this.outbox.isAsking(topic)) return
    const id = buffer.toString("utf8", topicEnd + 1, idEnd)
    if (kind === Frames.kinds.left) this.#owner.onLeft(this, topic, id)
    else this.#owner.onJoined(this, topic, id, buffer.toString("utf8", idEnd, end))
  }

  #messageFrame(kind: number, buffer: Buffer, start: number, end: number): boolean {
    if (this.#phase === "greeting") {
      this.fail()
      return false
    }
    switch (kind) {
      case Frames.kinds.message: {
        const after = Frames.endOfName(buffer, start, end)
        if (after !== undefined)
          return this.#owner.onMessage(
            this,
            buffer.toString("utf8", start + 1, after),
            buffer.toString("utf8", after, end)
          )
        break
      }
      case Frames.kinds.gap:
        this.#owner.onGap(this, start === end ? undefined : buffer.toString("utf8", start, end), "overloaded")
        return false
      case Frames.kinds.missed:
        this.#owner.onGap(this, undefined, "disconnected")
        return false
      case Frames.kinds.goodbye:
        this.#hasGoodbye = true
        return false
    }
    this.fail()
    return false
  }
}
