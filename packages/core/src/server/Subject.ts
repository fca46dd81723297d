import type { HttpScope, LifespanScope, Scope, SseScope, WebSocketScope } from "../contract/Scope.ts"
import type { AnySpan } from "effect/Tracer"
import type { Address } from "../contract/Address.ts"
import type { ExchangeSpan } from "../contract/OwnSpan.ts"

type Told<Scope extends HttpScope | SseScope | WebSocketScope> = Pick<
  Scope,
  Extract<keyof Scope, "type" | "method" | "path" | "httpVersion">
> & { readonly client?: Address | undefined }

/** What a server may know of an exchange besides. */
interface Traced {
  readonly requestId?: string | undefined
  readonly span?: AnySpan | undefined
}

/** What messages for people say of an exchange. A scope has it all but the span, and much more. */
export type Subject = Pick<LifespanScope, "type"> | ((Told<HttpScope> | Told<SseScope> | Told<WebSocketScope>) & Traced)

/**
 * The subject of an exchange that may last for days: it keeps nothing of the request but what messages say, where the
 * scope would keep its header fields and the text that they came in.
 */
abstract class LastingSubject {
  readonly path: string
  readonly httpVersion: WebSocketScope["httpVersion"]
  readonly requestId: string | undefined
  readonly #host: Address[0] | undefined
  readonly #port: Address[1]

  constructor({ client, httpVersion, path, requestId }: SseScope | WebSocketScope) {
    this.path = path
    this.requestId = requestId
    this.httpVersion = httpVersion
    this.#host = client?.[0]
    this.#port = client?.[1] ?? null
  }

  get client(): Address | undefined {
    return this.#host === undefined ? undefined : [this.#host, this.#port]
  }
}

class WebSocketSubject extends LastingSubject implements Told<WebSocketScope> {
  get type(): "websocket" {
    return "websocket"
  }
}

class SseSubject extends LastingSubject implements Told<SseScope> {
  readonly method: SseScope["method"]

  constructor(scope: SseScope) {
    super(scope)
    this.method = scope.method
  }

  get type(): "sse" {
    return "sse"
  }
}

/** What to keep of a scope for as long as its exchange lasts. That of an ordinary request is not worth a second object. */
export const subjectOf = (scope: Scope): Subject => {
  switch (scope.type) {
    case "websocket":
      return new WebSocketSubject(scope)
    case "sse":
      return new SseSubject(scope)
    default:
      return scope
  }
}

/** A subject with its span. Most exchanges end without a message, so it makes nothing until one asks. */
class SpannedSubject {
  readonly #subject: Exclude<Subject, Pick<LifespanScope, "type">>
  readonly #trace: ExchangeSpan

  constructor(subject: Exclude<Subject, Pick<LifespanScope, "type">>, trace: ExchangeSpan) {
    this.#subject = subject
    this.#trace = trace
  }

  get span(): AnySpan | undefined {
    return this.#trace.span
  }

  get type(): "http" | "sse" | "websocket" {
    return this.#subject.type
  }

  get method(): string | undefined {
    return this.#subject.type === "websocket" ? undefined : this.#subject.method
  }

  get path(): string {
    return this.#subject.path
  }

  get httpVersion(): HttpScope["httpVersion"] {
    return this.#subject.httpVersion
  }

  get client(): Address | undefined {
    return this.#subject.client
  }

  get requestId(): string | undefined {
    return this.#subject.requestId
  }
}

/** A subject of which the span is known, or will be. */
export const withSpan = (subject: Subject, trace: ExchangeSpan | undefined): Subject =>
  trace === undefined || subject.type === "lifespan"
    ? subject
    : // It has the type of its subject, and the properties that go with that.
      (new SpannedSubject(subject, trace) as Subject)
