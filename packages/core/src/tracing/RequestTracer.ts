/** Begins the spans of a server that has a tracer. */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import { CurrentRedactedNames } from "effect/http/UrlParams"
import * as Option from "effect/Option"
import { TracerTimingEnabled } from "effect/References"
import { type AnySpan, ParentSpan, type Span } from "effect/Tracer"
import type { HeaderBlock } from "../http/HeaderBlock.ts"
import type { TraceReader } from "../observe/ExchangeRecorder.ts"
import * as RemoteParent from "./RemoteParent.ts"
import { RequestTrace, type TraceOwner } from "./RequestTrace.ts"
import * as SpanAttributes from "./SpanAttributes.ts"
import { SpanClock } from "./SpanClock.ts"
import type { SpanRules } from "./SpanRules.ts"
import * as SpanSettings from "./SpanSettings.ts"

/** References of Effect's `HttpMiddleware` by which programs say what spans there are, and what is in them. */
const ruleKeys = [
  "effect/http/HttpMiddleware/TracerDisabledWhen",
  "@effect/platform/HttpMiddleware/SpanNameGenerator",
  "effect/http/HttpMiddleware/TracerHeaderFilter"
] as const

const noParent = Option.none<AnySpan>()
const noAnnotations = Context.empty()

/** Makes the spans of a server, with the tracer and the settings in the services of its application. */
export class RequestTracer implements TraceOwner, TraceReader {
  readonly #context: Context.Context<never>
  readonly #clock: SpanClock | undefined
  readonly #settings: SpanSettings.SpanSettings
  readonly #attributes: SpanAttributes.RequestAttributes
  readonly #ownSpans: ReadonlySet<string>
  readonly #rules: SpanRules | undefined

  /** Exchanges of the types in `ownSpans` have their spans from the application itself. */
  constructor(context: Context.Context<never>, ownSpans: ReadonlySet<string>, rules: SpanRules | undefined) {
    // A request is no part of what its server was started in.
    this.#context = Context.omit(ParentSpan)(context) as Context.Context<never> // It never required one.
    this.#clock = Context.get(context, TracerTimingEnabled)
      ? new SpanClock(Context.get(context, Clock.Clock))
      : undefined
    this.#settings = SpanSettings.of(this.#context)
    this.#attributes = new SpanAttributes.RequestAttributes(Context.get(context, CurrentRedactedNames))
    this.#ownSpans = ownSpans
    this.#rules = rules
  }

  /** Begins the span of an exchange, below that of the caller if it tells one; nothing when it shall have none. */
  begin(
    type: "http" | "sse" | "websocket",
    request: SpanAttributes.TracedRequest,
    connection: SpanAttributes.TracedConnection
  ): RequestTrace | undefined {
    if (this.#ownSpans.has(type)) return undefined
    try {
      const view = this.#rules?.view(request, connection)
      if (view?.isDisabled === true) return undefined
      const parent = RemoteParent.fromBlock(request.headers)
      const span = this.#makeSpan(view?.spanName ?? SpanAttributes.nameOf(request), parent)
      if (span.sampled) {
        this.#attributes.setRequest(span, request, connection)
        this.#rules?.setFields(span, "request", request.headers)
      }
      return new RequestTrace(this, span)
    } catch (defect) {
      this.onDefect(defect)
      return undefined
    }
  }

  /** The trace that a request is a part of for its client. */
  traceOf(headers: HeaderBlock): string | undefined {
    return RemoteParent.fromBlock(headers)?.traceId
  }

  /** As `Effect.makeSpan` does. */
  #makeSpan(name: string, parent: AnySpan | undefined): Span {
    const { attributes, links, sampled, tracer } = this.#settings
    const span = tracer.span({
      name,
      parent: parent === undefined ? noParent : Option.some(parent),
      annotations: noAnnotations,
      links: [...links],
      startTime: this.now(),
      kind: "server",
      root: parent === undefined,
      sampled: sampled && parent?.sampled !== false
    })
    for (const [attribute, value] of attributes) span.attribute(attribute, value)
    return span
  }

  now(): bigint {
    return this.#clock?.now() ?? 0n
  }

  setResponse(span: Span, headers: HeaderBlock): void {
    this.#rules?.setFields(span, "response", headers)
  }

  onDefect(defect: unknown): void {
    Effect.runForkWith(this.#context)(Effect.logError("the tracer failed", Cause.die(defect)))
  }
}

/** Makes the tracer of a server; `ownSpans` are the types of exchanges whose spans the application makes itself. */
export const make = (
  context: Context.Context<never>,
  ownSpans: ReadonlySet<string> = new Set()
): Effect.Effect<RequestTracer> => {
  const hasRules = ruleKeys.some((key) => context.mapUnsafe.has(key))
  // A program that sets none of them has not loaded Effect's HTTP server, maybe.
  const rules = hasRules
    ? Effect.map(
        Effect.promise(() => import("./SpanRules.ts")),
        ({ SpanRules }) => new SpanRules(context)
      )
    : Effect.undefined
  return Effect.map(rules, (rules) => new RequestTracer(context, ownSpans, rules))
}
