/** What a program says of spans by the references of Effect's `HttpMiddleware`: they hold for all requests of a server. */
import * as Context from "effect/Context"
import * as EffectHeaders from "effect/http/Headers"
import * as HttpMiddleware from "effect/http/HttpMiddleware"
import type { Span } from "effect/Tracer"
import { joinFields } from "../http/FieldRecord.ts"
import type { HeaderBlock } from "../http/HeaderBlock.ts"
import { RequestView } from "./RequestView.ts"
import type { TracedConnection, TracedRequest } from "./SpanAttributes.ts"

/** What the rules make of a request. */
export interface RuledRequest {
  readonly isDisabled: boolean
  /** Absent when the program does not name spans. */
  readonly spanName: string | undefined
}

/** The rules of a program; it has set at least one. */
export class SpanRules {
  readonly #isDisabled: (request: RequestView) => boolean
  readonly #spanName: ((request: RequestView) => string) | undefined
  /** Absent when the program asks for no fields. */
  readonly #hasField: ((name: string, phase: "request" | "response") => boolean) | undefined
  readonly #redactedNames: ReadonlyArray<string | RegExp>

  constructor(context: Context.Context<never>) {
    const { SpanNameGenerator, TracerDisabledWhen, TracerHeaderFilter } = HttpMiddleware
    const isSet = ({ key }: { readonly key: string }): boolean => context.mapUnsafe.has(key)
    this.#isDisabled = Context.get(context, TracerDisabledWhen)
    this.#spanName = isSet(SpanNameGenerator) ? Context.get(context, SpanNameGenerator) : undefined
    this.#hasField = isSet(TracerHeaderFilter) ? Context.get(context, TracerHeaderFilter) : undefined
    this.#redactedNames = Context.get(context, EffectHeaders.CurrentRedactedNames)
  }

  view(head: TracedRequest, connection: TracedConnection): RuledRequest {
    const request = new RequestView(head, connection)
    const isDisabled = this.#isDisabled(request)
    return { isDisabled, spanName: isDisabled ? undefined : this.#spanName?.(request) }
  }

  /** Sets the header fields that the program wants as attributes. */
  setFields(span: Span, phase: "request" | "response", headers: HeaderBlock): void {
    const hasField = this.#hasField
    if (hasField === undefined) return
    // Applications may write names as they like.
    const lower: HeaderBlock = headers.map(([name, value]) => [name.toLowerCase(), value])
    for (const [name, value] of Object.entries(joinFields(lower))) {
      if (!hasField(name, phase)) continue
      const isSecret = EffectHeaders.isRedactedName(name, this.#redactedNames)
      span.attribute(`http.${phase}.header.${name}`, isSecret ? "<redacted>" : value)
    }
  }
}
