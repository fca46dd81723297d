/**
 * An event stream, or an ordinary response in its place: the order of their events as a table, turned into calls on the
 * driver.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { Deadline, type DeadlineOwner, Deadlines } from "../server/Deadlines.ts"
import type { DirectSend, Offered, SharedMessage } from "../contract/DirectSend.ts"
import type { HttpRequestEvent, SseReceiveEvent, SseSendEvent } from "../contract/Event.ts"
import { encodeText } from "../bytes/ByteString.ts"
import { checkSse } from "./EventGuard.ts"
import * as EventStream from "../http/EventStream.ts"
import type { HeaderBlock } from "../http/HeaderBlock.ts"
import { type HttpRequestHead, makeSseScope, type ScopeConnection } from "./RequestScope.ts"
import type { Send } from "../contract/ReceiveSend.ts"
import type { SseScope } from "../contract/Scope.ts"
import { outOfOrder, refused, type SendError } from "../contract/SendError.ts"
import type { ServerContext } from "../server/ServerContext.ts"
import { drainTicks } from "./Exchange.ts"
import { RequestExchange } from "./RequestExchange.ts"
import { SendStep } from "./SendStep.ts"

/** How far the response has come, of either kind. */
type Phase = "awaitingStart" | "streaming" | "closed" | "declining" | "declined"

type Step = "start" | "event" | "close" | "responseStart" | "body" | "lastBody"

/**
 * Which step may follow in which phase, and the phase after it.
 *
 *     awaitingStart ─┬─start─────────► streaming (event)* ─close─► closed (close)*
 *                    └─responseStart─► declining (body)* ─lastBody─► declined
 */
const order: Readonly<Record<Phase, Partial<Readonly<Record<Step, Phase>>>>> = {
  awaitingStart: { start: "streaming", responseStart: "declining" },
  streaming: { event: "streaming", close: "closed" },
  closed: { close: "closed" },
  declining: { body: "declining", lastBody: "declined" },
  declined: {}
}

const expectation: Readonly<Record<Phase, string>> = {
  awaitingStart: "neither sse.start nor sse.http.response.start has been sent",
  streaming: "the event stream has started; only its events may follow",
  closed: "the event stream is closed",
  declining: "an ordinary response has started; only sse.http.response.body may follow",
  declined: "the response is complete"
}

const stepOf = (event: SseSendEvent): Step => {
  switch (event.type) {
    case "sse.start":
      return "start"
    case "sse.send":
    case "sse.comment":
    case "sse.keepalive":
      return "event"
    case "sse.close":
      return "close"
    case "sse.http.response.start":
      return "responseStart"
    case "sse.http.response.body":
      return event.more === true ? "body" : "lastBody"
  }
}

const noHeaders: HeaderBlock = []

/** What an event stream needs, unless the application has said it already. */
const streamFields: HeaderBlock = [
  ["content-type", "text/event-stream"],
  ["cache-control", "no-cache"]
]

const completeFields = (headers: HeaderBlock): HeaderBlock => {
  const names = new Set(headers.map(([name]) => name.toLowerCase()))
  return [...headers, ...streamFields.filter(([name]) => !names.has(name))]
}

/** The event as it goes over the wire, the same for all streams; nothing if there is something wrong with it. */
const encodingOf = (message: SharedMessage): string | Uint8Array | undefined => {
  const { event } = message
  message.isSound ||= checkSse(event) === undefined
  if (!message.isSound || event.type !== "sse.send") return undefined
  if (message.encoding === undefined) {
    const bytes = encodeText(EventStream.encodeEvent(event))
    message.encoding = { bytes, length: bytes.length }
  }
  return message.encoding.bytes
}

/** A request for an event stream, which may be answered by one or by an ordinary response. */
export class SseExchange extends RequestExchange<SseReceiveEvent, SseSendEvent> implements DeadlineOwner, DirectSend {
  #phase: Phase = "awaitingStart"
  #isDraining = false
  #idle: Deadline | undefined = undefined
  #drain: Deadline | undefined = undefined
  #keepalive: Deadline | undefined = undefined
  #keepaliveTicks = 0
  #keepaliveText = ""

  makeScope(server: ServerContext, connection: ScopeConnection, head: HttpRequestHead): SseScope {
    this.isHead = head.method === "HEAD"
    this.#isDraining = server.registry.isDraining
    return makeSseScope(server, connection, head, this)
  }

  override get hasStarted(): boolean {
    return this.#phase !== "awaitingStart"
  }

  protected get isAnswered(): boolean {
    return this.#phase === "closed" || this.#phase === "declined"
  }

  protected get endsWithTrailers(): boolean {
    return false
  }

  /** A stream has its own limit; until it has started, a client that trickles its request is like any other. */
  get mayStall(): boolean {
    return this.#phase !== "streaming"
  }

  protected bodyEvent({ body, more }: HttpRequestEvent): SseReceiveEvent {
    return { type: "sse.request", body, more }
  }

  protected endEvent(): SseReceiveEvent {
    return { type: "sse.disconnect", reason: this.state.disconnectReason ?? "closed" }
  }

  /** Ends the stream, so that the client connects again, to a server that stays. */
  override drain(): void {
    this.#isDraining = true
    if (this.#phase === "streaming") this.#endSoon()
  }

  #endSoon(): void {
    this.#drain ??= new Deadline(this.options.deadlines, this)
    this.#drain.start(drainTicks)
  }

  protected override onEnd(): void {
    this.#idle?.release()
    this.#drain?.release()
    this.#keepalive?.release()
  }

  onDeadline(deadline: Deadline): void {
    const isIdle = deadline === this.#idle
    if (deadline === this.#drain) this.host.endResponse("server_shutdown")
    // A peer that is behind keeps the application from sending, and will not get less behind by more to read.
    else if (this.writeBuffer.isFull) deadline.start(isIdle ? this.options.sseIdleTicks : this.#keepaliveTicks)
    else if (isIdle) this.host.endResponse("idle_timeout")
    else {
      this.#write(this.#keepaliveText)
      this.writeBuffer.update()
    }
  }

  /** A stream ends with its application; only one that failed is broken off. */
  override onApplicationExit(exit: Exit.Exit<unknown, unknown>): void {
    if (Exit.isSuccess(exit) && this.#phase === "streaming") {
      this.#close()
      this.#goOn("closed")
    }
    super.onApplicationExit(exit)
  }

  /** A stream lasts, so that its `send` may take longer to make; a bound one has the direct way. */
  override get send(): Send<SseSendEvent> {
    return SendStep.of.bind(this)
  }

  offer(message: SharedMessage): Offered {
    if (this.state.disconnectReason !== undefined) return "gone"
    if (this.#phase !== "streaming" || this.headOnly !== undefined) return "ordinary"
    if (this.writeBuffer.isFull) return "later"
    const encoded = encodingOf(message)
    if (encoded === undefined || this.#write(encoded) !== undefined) return "ordinary"
    this.noteWritten()
    return "sent"
  }

  perform(event: SseSendEvent): Effect.Effect<void, SendError> {
    if (this.state.disconnectReason !== undefined) return this.sendNowhere()
    const invalid = checkSse(event)
    if (invalid !== undefined) return Effect.fail(invalid)
    const next = order[this.#phase][stepOf(event)]
    if (next === undefined) return Effect.fail(outOfOrder(event.type, expectation[this.#phase]))
    const problem = this.#dispatch(event)
    if (problem !== undefined) return Effect.fail(refused(event.type, problem))
    return this.#goOn(next)
  }

  /** Completing wakes receivers, who may send at once: the phase has to be the next one by then. */
  #goOn(next: Phase): Effect.Effect<void> {
    this.#phase = next
    if (this.hasEnded) return this.sendInVain()
    if (!this.isAnswered && this.headOnly !== "written") return this.awaitDrain()
    this.complete()
    return Effect.void
  }

  #dispatch(event: SseSendEvent): string | undefined {
    switch (event.type) {
      case "sse.start":
        return this.#start(event.status ?? 200, event.headers ?? noHeaders)
      case "sse.send":
        return this.#write(EventStream.encodeEvent(event))
      case "sse.comment":
        return this.#write(EventStream.encodeComment(event.comment))
      case "sse.keepalive":
        return this.#keepAlive(event.interval, event.comment ?? "")
      case "sse.close":
        return this.#close(event.reason)
      case "sse.http.response.start":
        return this.startResponse(event.status, event.headers ?? noHeaders, false)
      case "sse.http.response.body":
        return this.sendBody(event.body ?? "", event.more !== true)
    }
  }

  #start(status: number, headers: HeaderBlock): string | undefined {
    if (headers.some(([name]) => name.toLowerCase() === "content-length"))
      return "an event stream has no content-length"
    const problem = this.startResponse(status, completeFields(headers), false)
    if (problem !== undefined) return problem
    if (this.headOnly !== undefined) return this.sendHeadOnly("")
    if (this.options.sseIdleTicks > 0) this.#idle = new Deadline(this.options.deadlines, this)
    this.#idle?.start(this.options.sseIdleTicks)
    if (this.#isDraining) this.#endSoon()
    return undefined
  }

  #write(text: string | Uint8Array): string | undefined {
    this.#idle?.start(this.options.sseIdleTicks)
    this.#keepalive?.start(this.#keepaliveTicks)
    return this.sendBody(text, false)
  }

  #keepAlive(interval: number, comment: string): undefined {
    this.#keepaliveTicks = Deadlines.ticks(Duration.seconds(interval))
    this.#keepaliveText = EventStream.encodeComment(comment)
    if (this.headOnly !== undefined) return
    this.#keepalive ??= new Deadline(this.options.deadlines, this)
    this.#keepalive.start(this.#keepaliveTicks)
  }

  #close(reason?: string): undefined {
    if (this.hasEnded) return
    if (reason !== undefined) this.options.log(Effect.logDebug(`an event stream was closed: ${reason}`))
    this.host.response.body("", true)
  }
}
