import type { Deadline } from "@pagi/core/server/Deadlines"
import type { DisconnectReason } from "@pagi/core/contract/DisconnectReason"
import type { HttpRequestEvent } from "@pagi/core/contract/Event"
import type { HttpExchange } from "@pagi/core/exchange/Http"
import type { SseExchange } from "@pagi/core/exchange/Sse"
import type { WebSocketExchange } from "@pagi/core/exchange/WebSocket"
import type { HeaderBlock } from "@pagi/core/http/HeaderBlock"
import { type Limit, tellProblem } from "@pagi/core/observe/Observer"
import { isBodyLimited } from "@pagi/core/server/ServerContext"
import type { Transport } from "@pagi/core/transport/Transport"
import { TransportInput } from "@pagi/core/server/TransportInput"
import type { WebSocketHandshake } from "@pagi/core/exchange/WebSocketUpgrade"
import * as Effect from "effect/Effect"
import { admit } from "./Admission.ts"
import type { Http1Settings } from "./Http1Settings.ts"
import { Connection } from "./protocol/Connection.ts"
import type { ErrorReason } from "./protocol/ProtocolError.ts"
import type { RequestHead } from "./protocol/RequestHead.ts"
import { RequestBody } from "./RequestBody.ts"
import type { ResponseWriter } from "./ResponseWriter.ts"

/**
 * What the connection is waiting for:
 *
 *     fresh ──┬─► head ─► exchange ─► finishing ─┬─► idle ─► head …
 *             │              │ (broken input,    │     │ (drain)
 *             └──────────────┴──  no keep-alive) ┴─────┴─► lingering ─► closed
 *
 * - `fresh`: the first byte · `idle`: the first byte of a later request, and room for its response · `head`: the rest
 *   of a head · `exchange`: the application · `finishing`: the response is complete, the rest of an unread request body
 *   is skipped, as when lingering
 * - `lingering`: our side is closed; what the peer still sends is discarded, so that no reset destroys the response
 * - `closed`: the applications that have not ended
 * - `upgraded`, from `exchange`: nothing; the connection is a WebSocket session and has another driver
 */
type Phase = "fresh" | "idle" | "head" | "exchange" | "finishing" | "lingering" | "closed" | "upgraded"

/** Received bytes that may wait for the application before the socket is not read any more. */
const inputHighWatermark = 65_536

/**
 * Applications of a connection that may run on after their responses: as many as one of HTTP/2 has by default. The next
 * request waits until one of them has ended.
 */
export const maxRunning = 200

/** Broken rules that are about a limit. */
const limits: { readonly [Reason in ErrorReason]?: Limit } = {
  "body-too-large": "maxBodySize",
  "chunk-extensions-too-large": "maxHeaderSize",
  "headers-too-large": "maxHeaderSize",
  "request-line-too-long": "maxHeaderSize",
  "too-many-headers": "maxHeaderCount"
}

/**
 * The way in of a connection: what the peer has sent becomes requests, one at a time, and their bodies. A base class
 * rather than an object of its own, because an idle connection should cost little.
 */
export abstract class Http1Input extends TransportInput {
  protected readonly settings: Http1Settings
  protected readonly machine: Connection
  private readonly body: RequestBody
  /** Where the exchanges send their responses. */
  abstract readonly response: ResponseWriter
  /** Limits how long the peer may be silent, whatever it is waited for. */
  protected abstract readonly readDeadline: Deadline
  protected phase: Phase = "fresh"
  protected exchange: HttpExchange | SseExchange | WebSocketExchange | undefined = undefined
  /** The exchange before, when its response had no content and its application may go on to send some. */
  private previous: HttpExchange | SseExchange | WebSocketExchange | undefined = undefined
  protected isAdvancing = false
  /** Whether the application has asked for a piece of the body, and nothing has come since. */
  protected isBodyAwaited = false

  constructor(settings: Http1Settings, transport: Transport) {
    super(transport)
    this.settings = settings
    this.machine = new Connection(settings.server.options)
    this.body = new RequestBody(this.machine)
  }

  /** Begins an exchange; `handshake` is the WebSocket handshake that it answers, if that is what the request is. */
  protected abstract begin(head: RequestHead, handshake: WebSocketHandshake | undefined): void
  /** Ends the exchange with the server's own answer. */
  protected abstract answer(status: number, message: string, reason: DisconnectReason, headers?: HeaderBlock): void
  /** Ends the connection now. */
  protected abstract drop(reason: DisconnectReason): void
  /** Closes our side, when everything has been sent. */
  protected abstract close(): void

  /** Goes on until something has to be waited for. Not re-entrant: whoever calls from within leaves it to the loop. */
  protected advance(): void {
    if (this.isAdvancing) return
    this.isAdvancing = true
    try {
      let goesOn = true
      while (goesOn) goesOn = this.step()
    } catch (defect) {
      // A mistake in here, or a getter in the application's state that throws, must cost one connection only.
      this.settings.exchange.log(Effect.logError("a connection failed", defect))
      this.drop("server_error")
    } finally {
      this.isAdvancing = false
    }
  }

  /** Takes one step; answers whether another may follow at once. */
  private step(): boolean {
    switch (this.phase) {
      case "fresh":
      case "idle":
      case "head":
        return this.readHead()
      case "exchange":
        return this.continueExchange()
      case "finishing":
        return this.skipBody()
      case "lingering":
      case "closed":
      case "upgraded":
        return false
    }
  }

  private readHead(): boolean {
    if (this.phase === "idle" && (this.isOverMark || this.isCrowded)) {
      // Answers to pipelined requests would gather without end for a peer that does not read them.
      this.setPaused(true)
      return false
    }
    const event = this.machine.next()
    switch (event.type) {
      case "request":
        return this.beginOrRefuse(event)
      case "error":
        this.tellProblem(event.reason)
        this.answer(event.status, event.message, "protocol_error")
        return false
      case "need-data":
        this.awaitHead()
        return false
      default:
        this.close()
        return false
    }
  }

  private awaitHead(): void {
    this.setPaused(false)
    if (this.phase === "head" || this.machine.bufferedLength === 0) return
    // The time of a fresh connection's first head runs since the connection was accepted.
    if (this.phase === "idle") this.readDeadline.start(this.settings.server.limits.headers)
    this.phase = "head"
  }

  private beginOrRefuse(head: RequestHead): boolean {
    // The client is done with that response, and waits for the next.
    this.previous?.stopSendingInVain()
    this.previous = undefined
    const admission = admit(this.settings, this.transport, head)
    if (admission?.type === "error") {
      this.response.begin(head)
      this.settings.server.observer?.protocolError?.("request-refused", this.transport)
      this.answer(admission.status, admission.message, "protocol_error", admission.headers)
      return false
    }
    // Frames that come before the answer must never be taken for a request, should the answer be a refusal.
    if (admission !== undefined) this.machine.closeAfterResponse()
    this.body.restart()
    this.isBodyAwaited = false
    this.begin(head, admission)
    return true
  }

  private continueExchange(): boolean {
    const exchange = this.exchange
    if (this.isAnswering) {
      exchange?.readable()
      if (this.isAnswering) {
        if (this.machine.bufferedLength > inputHighWatermark) this.setPaused(true)
        return false
      }
    }
    // Reading on may have ended the exchange by a protocol error.
    if (this.phase !== "exchange") return false
    this.phase = "finishing"
    this.exchange = undefined
    if (exchange?.maySendInVain === true) this.previous = exchange
    this.response.end("complete")
    if (!this.machine.keepAlive) {
      this.close()
      return false
    }
    if (!this.machine.bodyIsComplete) {
      this.machine.skipBody()
      this.beginLinger(this.readDeadline)
    }
    return true
  }

  private skipBody(): boolean {
    if (!this.machine.bodyIsComplete) {
      const event = this.machine.next()
      switch (event.type) {
        case "end":
          return true
        case "need-data":
          return false
        default:
          if (event.type === "error") this.tellProblem(event.reason)
          this.close()
          return false
      }
    }
    this.machine.nextCycle()
    this.endLinger()
    this.phase = "idle"
    this.readDeadline.start(this.settings.server.limits.idle)
    return true
  }

  pullBody(): HttpRequestEvent | undefined {
    this.machine.sendContinue(this.transport)
    const event = this.body.next()
    const isAwaited = event === undefined && !this.machine.bodyIsComplete
    if (isAwaited) this.setPaused(false)
    if (isAwaited || this.isBodyAwaited) {
      this.isBodyAwaited = isAwaited
      this.readDeadline.start(this.stallTicks)
    }
    if (event?.type === "error") {
      this.tellProblem(event.reason)
      this.answer(event.status, event.message, event.status === 413 ? "body_too_large" : "protocol_error")
      return undefined
    }
    return event
  }

  private tellProblem(reason: ErrorReason): void {
    tellProblem(this.settings.server.observer, this.transport, reason, limits[reason])
  }

  /** Whether the application has still to complete its response. */
  protected get isAnswering(): boolean {
    return this.phase === "exchange" && this.exchange?.isComplete === false
  }

  /** Ticks that the exchange may go on without a byte in either direction; 0 means no limit. */
  protected get stallTicks(): number {
    if (this.exchange?.mayStall !== true) return 0
    const { body, request } = this.settings.server.limits
    return this.isBodyTimed ? body : request
  }

  /** Whether of the limits for silence the one for bodies is the one that counts. */
  protected get isBodyTimed(): boolean {
    return this.isBodyAwaited && isBodyLimited(this.settings.server.limits)
  }

  /** Applications of this connection that have not ended; more than one when some run on after their response. */
  protected abstract readonly running: number

  /** Whether a request waits that would make too many of them. */
  private get isCrowded(): boolean {
    return this.running >= maxRunning && this.machine.bufferedLength > 0
  }

  protected get isOverMark(): boolean {
    return this.transport.bufferedAmount > this.settings.exchange.highWaterMark
  }
}
