/** Where an application that makes the span of an exchange itself leaves it, if it has no native request. */
import * as Context from "effect/Context"
import type { AnySpan } from "effect/Tracer"

/** The span of an exchange: the server's, or room for the one that the application makes. */
export interface ExchangeSpan {
  span: AnySpan | undefined
}

/** The room for that of the exchange which the application is run for; absent where the server makes the span. */
export const OwnSpan = Context.Reference<ExchangeSpan | undefined>("@pagi/core/OwnSpan", {
  defaultValue: () => undefined
})
