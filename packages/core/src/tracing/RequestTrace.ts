/** The span of an exchange: its driver tells it how the exchange goes on, and it ends when the application has ended too. */
import type * as Exit from "effect/Exit"
import type { Span } from "effect/Tracer"
import type { HeaderBlock } from "../http/HeaderBlock.ts"
import type { ExchangeFollower } from "../observe/ExchangeRecorder.ts"
import type { ExchangeKind, ExchangeOutcome } from "../observe/Observer.ts"
import * as SpanEnd from "./SpanEnd.ts"

/** What the spans of a server have in common. */
export interface TraceOwner {
  /** The time of day, in nanoseconds. */
  now(): bigint
  /** Sets attributes of what the application sends with the status, if the program asks for any. */
  setResponse(span: Span, headers: HeaderBlock): void
  /** The tracer of the program has thrown something. */
  onDefect(defect: unknown): void
}

/** Who is told how the application has ended. */
interface ApplicationObserver {
  onApplicationExit(exit: Exit.Exit<unknown, unknown>): void
}

/** What the events of a span are called, after those of the contract. */
interface SessionEvents {
  readonly started: string
  readonly sent: string
  readonly ended: string
}

const eventsOf: Readonly<Record<ExchangeKind, SessionEvents | undefined>> = {
  http: undefined,
  sse: { started: "sse.start", sent: "sse.send", ended: "sse.close" },
  websocket: { started: "websocket.accept", sent: "websocket.send", ended: "websocket.close" }
}

/**
 * The span of one exchange. What goes on for long, an event stream or a session, has events of its own in it: that it was
 * accepted, the first thing that was sent, and the end.
 */
export class RequestTrace implements ExchangeFollower, ApplicationObserver {
  readonly span: Span
  readonly #owner: TraceOwner
  #status: number | undefined = undefined
  #session: SessionEvents | undefined = undefined
  #hasSent = false
  #outcome: ExchangeOutcome | undefined = undefined
  #first: ApplicationObserver | undefined = undefined
  #exit: Exit.Exit<unknown, unknown> | undefined = undefined

  constructor(owner: TraceOwner, span: Span) {
    this.#owner = owner
    this.span = span
  }

  // from the driver ----------------------------------------------------------------------------------------------------

  started(status: number, headers: HeaderBlock | undefined, kind: ExchangeKind): void {
    this.#status = status
    if (!this.span.sampled) return
    try {
      if (headers !== undefined) this.#owner.setResponse(this.span, headers)
      this.#session = eventsOf[kind]
      if (this.#session !== undefined) this.#note(this.#session.started)
    } catch (defect) {
      this.#owner.onDefect(defect)
    }
  }

  revoked(): void {
    this.#status = undefined
    this.#session = undefined
  }

  sent(length: number): void {
    if (this.#hasSent || length === 0) return
    this.#hasSent = true
    if (this.#session !== undefined) this.#tell(this.#session.sent)
  }

  ended(outcome: ExchangeOutcome): void {
    this.#outcome = outcome
    if (this.#session !== undefined) this.#tell(this.#session.ended, { outcome })
    this.#end()
  }

  // from the runner ----------------------------------------------------------------------------------------------------

  /** Has the end of the application told to somebody else first; answers who is told of it. */
  after(observer: ApplicationObserver): ApplicationObserver {
    this.#first = observer
    return this
  }

  onApplicationExit(exit: Exit.Exit<unknown, unknown>): void {
    this.#first?.onApplicationExit(exit)
    this.#exit = exit
    this.#end()
  }

  /** Ends the span when nothing of the exchange goes on. */
  #end(): void {
    const exit = this.#exit
    const outcome = this.#outcome
    if (exit === undefined || outcome === undefined) return
    try {
      this.#endSpan(exit, outcome)
    } catch (defect) {
      this.#owner.onDefect(defect)
    }
  }

  #endSpan(exit: Exit.Exit<unknown, unknown>, outcome: ExchangeOutcome): void {
    const { span } = this
    const status = this.#status
    const end = SpanEnd.of({ exit, outcome, status, isSession: this.#session !== undefined })
    if (span.sampled) {
      if (status !== undefined) span.attribute("http.response.status_code", status)
      if (end.errorType !== undefined) span.attribute("error.type", end.errorType)
    }
    span.end(this.#owner.now(), end.exit)
  }

  #note(name: string, attributes?: Record<string, unknown>): void {
    this.span.event(name, this.#owner.now(), attributes)
  }

  /** A tracer that throws must not cost the connection. */
  #tell(name: string, attributes?: Record<string, unknown>): void {
    try {
      this.#note(name, attributes)
    } catch (defect) {
      this.#owner.onDefect(defect)
    }
  }
}
