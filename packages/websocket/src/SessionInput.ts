import type { WebSocketExchange, WebSocketMessage } from "@pagi/core/exchange/WebSocket"
import type { Connection } from "./protocol/Connection.ts"
import type { Event } from "./protocol/Event.ts"
import { decodeText } from "./protocol/Utf8.ts"
import {
  inflatedTooLarge,
  invalidInflatedText,
  malformedCompression,
  queueOverflow,
  type Violation,
  violationOf
} from "./Violation.ts"
import type { MessageCompression } from "./WebSocketPlatform.ts"
import type { WebSocketSettings } from "./WebSocketSettings.ts"

/** Received bytes that may wait, as messages or not yet, before the transport is not read any more. */
const inputHighWatermark = 65_536

/** The session that is read for: it alone knows how far it has come, and is told of all that this depends on. */
export interface ReadSession {
  /**
   * What the peer may still have to say: messages and all else; `close` when its close frame is awaited, and messages before
   * it are dropped; nothing.
   */
  readonly wanted: "messages" | "close" | "nothing"
  /** Whether the peer is not read for a while. */
  readonly isPaused: boolean
  setPaused(paused: boolean): void
  onPing(bytes: Uint8Array): void
  onPong(): void
  /** The peer has sent its close frame; `code` is 1005 when it has none. */
  onCloseFrame(code: number, reason: string): void
  onViolation(violation: Violation): void
  /** The peer has closed its side of the connection without a close frame. */
  onEarlyEnd(): void
  /** Something was thrown, which is a mistake of our own. */
  onDefect(defect: unknown): void
}

/**
 * The way in of a session: what the peer has sent becomes messages for the application, which the peer has to wait for
 * when it sends faster than they are received.
 *
 * It goes through what has come until nothing further can be done with it. Then it waits for
 *
 * - more from the peer: `receive` and `receiveEnd`
 * - a message that is being inflated, which nothing may overtake
 * - the application, while much waits for it: `onTaken`
 *
 * or for nothing, when the session wants nothing any more.
 */
export class SessionInput {
  readonly #session: ReadSession
  readonly #settings: WebSocketSettings
  readonly #exchange: WebSocketExchange
  readonly #machine: Connection
  readonly #compression: MessageCompression | undefined
  #isAdvancing = false
  #isInflating = false
  #isPeerEnded = false

  constructor(
    session: ReadSession,
    settings: WebSocketSettings,
    exchange: WebSocketExchange,
    machine: Connection,
    compression: MessageCompression | undefined
  ) {
    this.#session = session
    this.#settings = settings
    this.#exchange = exchange
    this.#machine = machine
    this.#compression = compression
  }

  /** Whether a message is being inflated. */
  get isInflating(): boolean {
    return this.#isInflating
  }

  /** The peer has sent bytes; lent ones are not used any more when this returns. */
  receive(bytes: Uint8Array, isLent: boolean): void {
    this.#machine.receive(bytes, isLent)
    this.advance()
    this.#machine.keep()
  }

  /** The peer has closed its side of the connection. */
  receiveEnd(): void {
    this.#isPeerEnded = true
    this.advance()
  }

  /** Goes on until something has to be waited for. Not re-entrant: whoever calls from within leaves it to the loop. */
  advance(): void {
    if (this.#isAdvancing) return
    this.#isAdvancing = true
    try {
      while (this.#isReceiving && this.#react(this.#machine.next()));
      // An answer to its close frame may still be on the way.
      if (this.#isReceiving && this.#isPeerEnded && !this.#machine.isCloseReceived) this.#session.onEarlyEnd()
      this.#regulate()
    } catch (defect) {
      this.#session.onDefect(defect)
    } finally {
      this.#isAdvancing = false
    }
  }

  get #isReceiving(): boolean {
    if (this.#isInflating) return false
    const { wanted } = this.#session
    return wanted === "messages" ? !this.#isStalled : wanted === "close"
  }

  /** Whether what has come already has to wait too: inflated it could become a thousand times as much. */
  get #isStalled(): boolean {
    return this.#compression !== undefined && this.#exchange.queuedBytes > inputHighWatermark
  }

  /** Acts upon an event; answers whether there may be another. */
  #react(event: Event): boolean {
    switch (event.type) {
      case "text":
        this.#deliver(event.text)
        return true
      case "bytes":
        this.#deliver(event.bytes)
        return true
      case "compressed":
        // After our close frame it is for nobody.
        if (this.#session.wanted === "messages") this.#inflate(event.bytes, event.isText)
        return true
      case "ping":
        this.#session.onPing(event.bytes)
        return true
      case "pong":
        this.#session.onPong()
        return true
      case "close":
        this.#session.onCloseFrame(event.code, event.reason)
        return false
      case "error":
        this.#session.onViolation(violationOf(event))
        return false
      default:
        return false
    }
  }

  #deliver(message: WebSocketMessage): void {
    // After our close frame messages are for nobody (RFC 6455 §1.4).
    if (this.#session.wanted !== "messages") return
    this.#settings.server.observer?.webSocketMessage?.("receive")
    this.#exchange.deliver(message)
    const { maxReceiveQueue } = this.#settings.server.options
    if (this.#exchange.queuedMessages > maxReceiveQueue) this.#session.onViolation(queueOverflow)
  }

  #inflate(payload: Uint8Array, isText: boolean): void {
    this.#isInflating = true
    this.#compression?.decompress(payload, this.#settings.compressionRules.maxMessageSize, (result) => {
      this.#isInflating = false
      try {
        if (this.#session.wanted === "messages") this.#deliverInflated(result, isText)
      } catch (defect) {
        this.#session.onDefect(defect)
      }
      this.advance()
    })
  }

  #deliverInflated(result: Uint8Array | "too-large" | "invalid", isText: boolean): void {
    if (result === "too-large") return this.#session.onViolation(inflatedTooLarge)
    if (result === "invalid") return this.#session.onViolation(malformedCompression)
    if (!isText) return this.#deliver(result)
    const text = decodeText(result)
    if (text === undefined) this.#session.onViolation(invalidInflatedText)
    else this.#deliver(text)
  }

  /**
   * A message that waited is being received. What has come, be it the end, goes on in a later step, since nothing may
   * overtake it.
   */
  onTaken(): void {
    if (this.#isAdvancing) return
    const isWaiting = this.#machine.bufferedLength > 0 || this.#isPeerEnded
    if (isWaiting && this.#isReceiving) queueMicrotask(() => this.advance())
    else if (this.#session.isPaused) this.#regulate()
  }

  /** Pauses reading while much waits for the application, in time before too many messages do. */
  #regulate(): void {
    const session = this.#session
    const { queuedBytes, queuedMessages } = this.#exchange
    const { maxReceiveQueue } = this.#settings.server.options
    const backlog = this.#machine.bufferedLength + queuedBytes
    // When the session ends only a close frame is looked for, and messages are dropped.
    if (session.wanted !== "messages" && !this.#isInflating) session.setPaused(false)
    else if (queuedMessages * 2 > maxReceiveQueue || backlog > inputHighWatermark) session.setPaused(true)
    else if (queuedMessages * 4 <= maxReceiveQueue && backlog * 4 <= inputHighWatermark) session.setPaused(false)
  }
}
