/**
 * A WebSocket session as the application sees it, or the response that refuses it: the order of their events as a
 * table, turned into calls on the driver and then on the session.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { Deadline, Deadlines } from "../server/Deadlines.ts"
import type { DirectSend, Offered, SharedMessage } from "../contract/DirectSend.ts"
import type { DisconnectReason } from "../contract/DisconnectReason.ts"
import type { WebSocketReceiveEvent, WebSocketSendEvent } from "../contract/Event.ts"
import { checkWebSocket } from "./EventGuard.ts"
import { Fifo } from "../bytes/Fifo.ts"
import type { HeaderBlock } from "../http/HeaderBlock.ts"
import { type HttpRequestHead, makeWebSocketScope, type ScopeConnection } from "./RequestScope.ts"
import { isWithoutContent } from "../http/ResponseStatus.ts"
import type { ResponseSink } from "./ResponseSink.ts"
import type { WebSocketScope } from "../contract/Scope.ts"
import { outOfOrder, refused, type SendError } from "../contract/SendError.ts"
import type { ServerContext } from "../server/ServerContext.ts"
import { type Ending, Exchange, type ExchangeOptions } from "./Exchange.ts"

/** A whole message: text or bytes. */
export type WebSocketMessage = string | Uint8Array

/** What an exchange needs of the driver that made it, until the handshake is complete or refused. */
export interface WebSocketHost {
  /** The way of a response in place of a session. */
  readonly response: ResponseSink
  readonly bufferedAmount: number
  /** Completes the handshake; answers the session, or why the protocol cannot carry it. */
  acceptWebSocket(subprotocol: string | undefined, headers: HeaderBlock): WebSocketChannel | string
  onApplicationEnd(ending: Ending): void
}

/** What an exchange needs of an open session. */
export interface WebSocketChannel {
  /** Bytes that wait for the peer, also those that are still to be compressed. */
  readonly bufferedAmount: number
  /** The exchange is ready for messages; called once. */
  begin(): void
  send(message: WebSocketMessage): void
  /** Sends the same as to others, of an event that was checked. */
  sendShared(message: SharedMessage): void
  /**
   * Begins the closing handshake (RFC 6455 §7.1.2); answers why a close frame cannot say that. `outcome` is for the access
   * log, when it was no ordinary end.
   */
  close(code: number, reason: string, outcome?: DisconnectReason): string | undefined
  /**
   * Pings whenever so many ticks have passed, and awaits each pong for so many; 0 for no pings, and for no such limit.
   * Answers why the session has no pings, if it has none.
   */
  keepAlive(intervalTicks: number, timeoutTicks: number): string | undefined
  /** The application is about to get a message; nothing may be delivered from within. */
  onTaken(): void
  /** The application has ended, and has closed the session if it was open. */
  onApplicationEnd(): void
}

/** How far the session has come, or the response in its place. */
type Phase = "connecting" | "open" | "closed" | "denying" | "denied"

type Step = "accept" | "message" | "keepalive" | "close" | "responseStart" | "body" | "lastBody"

/**
 * Which step may follow in which phase, and the phase after it. A response comes too late for an open session, and is
 * then ignored.
 *
 *     connecting ─┬─accept────────► open (message, keepalive)* ─close─► closed
 *                 ├─responseStart─► denying (body)* ─lastBody─► denied
 *                 └─close─────────► denied
 */
const order: Readonly<Record<Phase, Partial<Readonly<Record<Step, Phase>>>>> = {
  connecting: { accept: "open", close: "denied", responseStart: "denying" },
  open: {
    message: "open",
    keepalive: "open",
    close: "closed",
    responseStart: "open",
    body: "open",
    lastBody: "open"
  },
  closed: {},
  denying: { body: "denying", lastBody: "denied" },
  denied: {}
}

const expectation: Readonly<Record<Phase, string>> = {
  connecting: "neither websocket.accept nor websocket.http.response.start has been sent",
  open: "the session is open; only messages, websocket.keepalive and websocket.close may follow",
  closed: "the application has closed the session",
  denying: "the handshake is being refused; only websocket.http.response.body may follow",
  denied: "the handshake was refused"
}

const stepOf = (event: WebSocketSendEvent): Step => {
  switch (event.type) {
    case "websocket.send":
      return "message"
    case "websocket.accept":
      return "accept"
    case "websocket.keepalive":
      return "keepalive"
    case "websocket.close":
      return "close"
    case "websocket.http.response.start":
      return "responseStart"
    case "websocket.http.response.body":
      return event.more === true ? "body" : "lastBody"
  }
}

const noHeaders: HeaderBlock = []

/** Fields by which the handshake is agreed, and the length of a body, which its answer has not (RFC 9110 §8.6). */
const serverFields: ReadonlySet<string> = new Set([
  "connection",
  "upgrade",
  "sec-websocket-accept",
  "sec-websocket-extensions",
  "sec-websocket-protocol",
  "content-length"
])

const connectEvent: WebSocketReceiveEvent = { type: "websocket.connect" }

/** There was no close frame (RFC 6455 §7.1.5). */
const abnormalCode = 1006

/** What is received behind the end when no session came to be. */
const closedEvent: WebSocketReceiveEvent = { type: "websocket.disconnect", code: abnormalCode, reason: "closed" }

const isSoundMessage = (message: SharedMessage): boolean => {
  message.isSound ||= checkWebSocket(message.event) === undefined
  return message.isSound && message.event.type === "websocket.send"
}

const incomplete: Readonly<Record<Ending, string>> = {
  unanswered: "the application returned without accepting or refusing the WebSocket",
  truncated: "the application returned before its response was complete",
  complete: "",
  disconnected: ""
}

/** A WebSocket session, from the handshake, which may be refused by an ordinary response, to its end. */
export class WebSocketExchange extends Exchange<WebSocketReceiveEvent, WebSocketSendEvent> implements DirectSend {
  readonly subprotocols: ReadonlyArray<string>
  /** Until the session opens; then the driver that it came from is not needed any more. */
  #host: WebSocketHost | undefined
  #channel: WebSocketChannel | undefined = undefined
  #phase: Phase = "connecting"
  #isConnectTaken = false
  #isPeerGone = false
  /** The handshake is refused by a response without content. */
  #isHeadOnly = false
  #disconnectEvent = closedEvent
  /** From the first message to a peer that has gone. */
  #patience: Deadline | "over" | undefined = undefined
  /** Made when a message first has to wait. */
  #queue: Fifo<WebSocketReceiveEvent> | undefined = undefined
  /** Bytes of the messages that wait for the application; of text, its length. */
  queuedBytes = 0

  constructor(host: WebSocketHost, options: ExchangeOptions, subprotocols: ReadonlyArray<string>) {
    super(options)
    this.#host = host
    this.subprotocols = subprotocols
  }

  /** A client whose handshake is being looked at has nothing to send. */
  get mayStall(): boolean {
    return true
  }

  get bufferedAmount(): number {
    return this.#channel?.bufferedAmount ?? this.#host?.bufferedAmount ?? 0
  }

  makeScope(server: ServerContext, connection: ScopeConnection, head: HttpRequestHead): WebSocketScope {
    return makeWebSocketScope(server, connection, head, this)
  }

  // from the session -------------------------------------------------------------------------------------------------

  /** Messages that wait for the application. */
  get queuedMessages(): number {
    return this.#queue?.length ?? 0
  }

  /** A message has arrived. */
  deliver(message: WebSocketMessage): void {
    const event: WebSocketReceiveEvent =
      typeof message === "string"
        ? { type: "websocket.receive", text: message }
        : { type: "websocket.receive", bytes: message }
    // Whoever waits has taken everything that came before.
    if (this.isAwaited) return this.hand(event)
    this.queuedBytes += message.length
    ;(this.#queue ??= new Fifo()).push(event)
  }

  /** The session has ended by a closing handshake; messages that came before are still received. */
  finish(code: number, reason: string): void {
    if (this.hasEnded) return
    this.#leave(code, reason)
    this.complete()
  }

  /** The server has ended the session with this close code, or the peer is gone. */
  override disconnect(reason: DisconnectReason, code: number = abnormalCode): void {
    if (!this.hasEnded) this.#leave(code, reason)
    super.disconnect(reason)
  }

  #leave(code: number, reason: string): void {
    this.#isPeerGone = true
    this.#disconnectEvent = { type: "websocket.disconnect", code, reason }
  }

  // from the application ---------------------------------------------------------------------------------------------

  protected takeNext(): WebSocketReceiveEvent | undefined {
    if (!this.#isConnectTaken) {
      this.#isConnectTaken = true
      return connectEvent
    }
    const event = this.#queue?.shift()
    if (event === undefined) return this.hasEnded ? this.#disconnectEvent : undefined
    if (event.type === "websocket.receive") this.queuedBytes -= (event.text ?? event.bytes).length
    this.#channel?.onTaken()
    return event
  }

  perform(event: WebSocketSendEvent): Effect.Effect<void, SendError> {
    const phase = this.#phase
    if (this.#isPeerGone && phase !== "closed" && phase !== "denied") return this.#sendInVain()
    const invalid = checkWebSocket(event)
    if (invalid !== undefined) return Effect.fail(invalid)
    const next = order[phase][stepOf(event)]
    if (next === undefined) return Effect.fail(outOfOrder(event.type, expectation[phase]))
    if (phase === "denying" && this.isComplete) {
      this.#phase = next
      return this.sendNowhere()
    }
    // Whatever is sent may wake somebody who sends at once: the phase has to be the next one by then.
    this.#phase = next
    const problem = this.#dispatch(event, phase)
    if (problem !== undefined) {
      this.#phase = phase
      return Effect.fail(refused(event.type, problem))
    }
    if (next === "denied" || this.#isHeadOnly) this.complete()
    // Who closes has nothing more to send, and need not wait for a peer that is behind.
    return next === "denied" || next === "closed" ? Effect.void : this.awaitDrain()
  }

  offer(message: SharedMessage): Offered {
    if (this.#isPeerGone || this.isComplete) return "gone"
    if (this.#phase !== "open" || !isSoundMessage(message)) return "ordinary"
    if (this.writeBuffer.isFull) return "later"
    this.#channel?.sendShared(message)
    this.noteWritten()
    return "sent"
  }

  /** Whether messages go to a peer that has gone, for as long as an application has to end. */
  get isUnattended(): boolean {
    return this.#patience === "over"
  }

  #sendInVain(): Effect.Effect<void> {
    if (this.#patience === undefined) {
      const patience = new Deadline(this.options.deadlines, { onDeadline: () => this.#losePatience(patience) })
      this.#patience = patience
      patience.start(this.options.graceTicks)
    }
    return this.sendNowhere()
  }

  #losePatience(patience: Deadline): void {
    patience.release()
    this.#patience = "over"
  }

  protected override release(): void {
    super.release()
    if (this.#patience instanceof Deadline) this.#patience.release()
  }

  #dispatch(event: WebSocketSendEvent, phase: Phase): string | undefined {
    const channel = this.#channel
    switch (event.type) {
      case "websocket.send":
        channel?.send(event.text ?? event.bytes)
        return undefined
      case "websocket.accept":
        return this.#accept(event.subprotocol, event.headers ?? noHeaders)
      case "websocket.keepalive":
        return channel?.keepAlive(
          Deadlines.ticks(Duration.seconds(event.interval)),
          Deadlines.ticks(Duration.seconds(event.timeout ?? 0))
        )
      case "websocket.close":
        return channel === undefined ? this.#refuse() : channel.close(event.code ?? 1000, event.reason ?? "")
      case "websocket.http.response.start":
        return phase === "open" ? undefined : this.#startResponse(event.status, event.headers ?? noHeaders)
      case "websocket.http.response.body":
        return phase === "open" ? undefined : this.#host?.response.body(event.body ?? "", event.more !== true)
    }
  }

  #accept(subprotocol: string | undefined, headers: HeaderBlock): string | undefined {
    if (subprotocol !== undefined && !this.subprotocols.includes(subprotocol)) {
      return `the client did not offer the subprotocol ${JSON.stringify(subprotocol)}`
    }
    const own = headers.find(([name]) => serverFields.has(name.toLowerCase()))
    if (own !== undefined) return `the header ${JSON.stringify(own[0])} is the server's to write`
    const channel = this.#host?.acceptWebSocket(subprotocol, headers)
    if (typeof channel === "string") return channel
    this.#channel = channel
    this.#host = undefined
    channel?.begin()
    return undefined
  }

  /** Closing before accepting refuses the handshake. */
  #refuse(): string | undefined {
    return this.#startResponse(403, noHeaders) ?? this.#host?.response.body("", true)
  }

  /** A response without content is complete with its head. */
  #startResponse(status: number, headers: HeaderBlock): string | undefined {
    const problem = this.#host?.response.start(status, headers, false)
    if (problem !== undefined || !isWithoutContent(status)) return problem
    const bodyProblem = this.#host?.response.body("", true)
    this.#isHeadOnly = bodyProblem === undefined
    return bodyProblem
  }

  // the end of the application ---------------------------------------------------------------------------------------

  /** A session ends with its application; one that failed says so in its close code (RFC 6455 §7.4.1). */
  onApplicationExit(exit: Exit.Exit<unknown, unknown>): void {
    const channel = this.#channel
    if (channel === undefined) return this.#endHandshake(exit)
    if (this.#phase === "closed") {
      if (this.state.isConnected) this.report(exit, true, "")
    } else if (!this.#isPeerGone) {
      this.report(exit, Exit.isSuccess(exit), "")
      this.#phase = "closed"
      if (Exit.isSuccess(exit)) channel.close(1000, "")
      else channel.close(1011, "internal error", "server_error")
    }
    channel.onApplicationEnd()
    this.release()
  }

  #endHandshake(exit: Exit.Exit<unknown, unknown>): void {
    const ending: Ending = this.#isPeerGone
      ? "disconnected"
      : this.#phase === "denied" || this.isComplete
        ? "complete"
        : this.#phase === "denying"
          ? "truncated"
          : "unanswered"
    if (ending !== "disconnected") this.report(exit, ending === "complete", incomplete[ending])
    this.#host?.onApplicationEnd(ending)
    this.release()
  }
}
