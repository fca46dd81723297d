import type { DisconnectReason } from "@pagi/core/contract/DisconnectReason"
import type { WebSocketExchange, WebSocketMessage } from "@pagi/core/exchange/WebSocket"
import { type Limit, tellProblem } from "@pagi/core/observe/Observer"
import { TransportInput } from "@pagi/core/server/TransportInput"
import type { UpgradedConnection } from "@pagi/core/exchange/WebSocketUpgrade"
import * as Effect from "effect/Effect"
import { Connection } from "./protocol/Connection.ts"
import type { Event } from "./protocol/Event.ts"
import type { ErrorReason } from "./protocol/ProtocolError.ts"
import { decodeText } from "./protocol/Utf8.ts"
import type { MessageCompression } from "./WebSocketPlatform.ts"
import type { WebSocketSettings } from "./WebSocketSettings.ts"

/**
 * How far the session has come:
 *
 *     open ─┬─(we close)────────► closing ─┬─(the peer's close frame, or too late)─► lingering ─► closed
 *           └─(the peer closes, or breaks a rule: answered by our close frame)──────────┘
 *
 * - `closing`: our close frame is sent or waits behind messages; the peer's is awaited, and what comes before it dropped
 * - `lingering`: our side is closed; what the peer still sends is discarded, so that no reset destroys the close frame
 * - `closed`: the applications that have not ended
 */
export type Phase = "open" | "closing" | "lingering" | "closed"

/** Received bytes that may wait, as messages or not yet, before the transport is not read any more. */
const inputHighWatermark = 65_536

/** Broken rules that are about a limit. */
const limits: { readonly [Reason in ErrorReason]?: Limit } = {
  "frame-too-large": "maxWsFrameSize",
  "message-too-large": "maxWsMessageSize",
  "too-many-fragments": "maxWsFragments"
}

/**
 * The way in of a session: what the peer has sent becomes messages for the application, which the peer has to wait for
 * when it sends faster than they are received. A base class rather than an object of its own, because an idle session
 * should cost little.
 */
export abstract class SessionInput extends TransportInput {
  protected readonly settings: WebSocketSettings
  protected readonly exchange: WebSocketExchange
  protected readonly machine: Connection
  protected readonly compression: MessageCompression | undefined
  protected phase: Phase = "open"
  protected isAdvancing = false
  protected isInflating = false
  protected isPeerEnded = false

  constructor(
    settings: WebSocketSettings,
    { exchange, transport }: Pick<UpgradedConnection, "exchange" | "transport">,
    compression: MessageCompression | undefined
  ) {
    super(transport)
    this.settings = settings
    this.exchange = exchange
    this.machine = new Connection(compression === undefined ? settings.rules : settings.compressionRules)
    this.compression = compression
  }

  protected abstract onPing(bytes: Uint8Array): void
  protected abstract onPong(): void
  /** The peer has sent its close frame. */
  protected abstract answerClose(code: number, reason: string): void
  /** The peer broke a rule. */
  protected abstract fail(code: number, message: string, reason: DisconnectReason): void
  /** Ends the connection now. */
  protected abstract drop(reason: DisconnectReason): void

  /** Goes on until something has to be waited for. Not re-entrant: whoever calls from within leaves it to the loop. */
  protected advance(): void {
    if (this.isAdvancing) return
    this.isAdvancing = true
    try {
      while (this.isReceiving && this.react(this.machine.next()));
      // An answer to its close frame may still be on the way.
      if (this.isReceiving && this.isPeerEnded && !this.machine.isCloseReceived) this.drop("client_closed")
      this.regulate()
    } catch (defect) {
      this.onDefect(defect)
    } finally {
      this.isAdvancing = false
    }
  }

  /** A mistake in here must cost one connection only. */
  private onDefect(defect: unknown): void {
    this.settings.server.runner.background(Effect.logError("a WebSocket session failed", defect))
    this.drop("server_error")
  }

  private get isReceiving(): boolean {
    return this.phase === "open" ? !this.isInflating && !this.isStalled : this.phase === "closing" && !this.isInflating
  }

  /** Whether what has come already has to wait too: inflated it could become a thousand times as much. */
  private get isStalled(): boolean {
    return this.compression !== undefined && this.exchange.queuedBytes > inputHighWatermark
  }

  /** Acts upon an event; answers whether there may be another. */
  private react(event: Event): boolean {
    switch (event.type) {
      case "text":
        this.deliver(event.text)
        return true
      case "bytes":
        this.deliver(event.bytes)
        return true
      case "compressed":
        // After our close frame it is for nobody.
        if (this.phase === "open") this.inflate(event.bytes, event.isText)
        return true
      case "ping":
        this.onPing(event.bytes)
        return true
      case "pong":
        this.onPong()
        return true
      case "close":
        this.answerClose(event.code, event.reason)
        return false
      case "error":
        tellProblem(this.settings.server.observer, this.transport, event.reason, limits[event.reason])
        this.fail(event.code, event.message, event.code === 1009 ? "body_too_large" : "protocol_error")
        return false
      default:
        return false
    }
  }

  private deliver(message: WebSocketMessage): void {
    // After our close frame messages are for nobody (RFC 6455 §1.4).
    if (this.phase !== "open") return
    this.exchange.deliver(message)
    if (this.exchange.queuedMessages > this.settings.server.options.maxReceiveQueue) {
      this.tellLimit("maxReceiveQueue")
      this.fail(1008, "message queue overflow", "queue_overflow")
    }
  }

  private inflate(payload: Uint8Array, isText: boolean): void {
    this.isInflating = true
    this.compression?.decompress(payload, this.settings.compressionRules.maxMessageSize, (result) => {
      this.isInflating = false
      try {
        if (this.phase === "open") this.deliverInflated(result, isText)
      } catch (defect) {
        this.onDefect(defect)
      }
      this.advance()
    })
  }

  private deliverInflated(result: Uint8Array | "too-large" | "invalid", isText: boolean): void {
    const { observer } = this.settings.server
    if (result === "too-large") {
      this.tellLimit("maxWsMessageSize")
      return this.fail(1009, "the inflated message is too large", "body_too_large")
    }
    if (result === "invalid") {
      observer?.protocolError?.("malformed-compression", this.transport)
      return this.fail(1007, "the compressed message is malformed", "protocol_error")
    }
    if (!isText) return this.deliver(result)
    const text = decodeText(result)
    if (text !== undefined) return this.deliver(text)
    observer?.protocolError?.("invalid-text", this.transport)
    this.fail(1007, "text is not valid UTF-8", "protocol_error")
  }

  /**
   * A message that waited is being received. What has come, be it the end, goes on in a later step, since nothing may
   * overtake it.
   */
  onTaken(): void {
    if (this.isAdvancing) return
    const isWaiting = this.machine.bufferedLength > 0 || this.isPeerEnded
    if (isWaiting && this.isReceiving) queueMicrotask(() => this.advance())
    else if (this.isPaused) this.regulate()
  }

  /** Pauses reading while much waits for the application, in time before too many messages do. */
  protected regulate(): void {
    const { queuedBytes, queuedMessages } = this.exchange
    const { maxReceiveQueue } = this.settings.server.options
    const backlog = this.machine.bufferedLength + queuedBytes
    // When the session ends only a close frame is looked for, and messages are dropped.
    if (this.phase !== "open" && !this.isInflating) this.setPaused(false)
    else if (queuedMessages * 2 > maxReceiveQueue || backlog > inputHighWatermark) this.setPaused(true)
    else if (queuedMessages * 4 <= maxReceiveQueue && backlog * 4 <= inputHighWatermark) this.setPaused(false)
  }
}
