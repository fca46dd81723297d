/** How a span ends: with what exit, which its status follows from, and with the name of an error if there was one. */
import * as Cause from "effect/Cause"
import * as Exit from "effect/Exit"
import { hasProperty } from "effect/Predicate"
import * as Schema from "effect/Schema"
import type { ExchangeOutcome } from "../observe/Observer.ts"

/** Why the span of an exchange has the status error, when no failure of the application is the reason. */
export class ExchangeFailed extends Schema.TaggedError<ExchangeFailed>()("ExchangeFailed", {
  /** The status of the response, or the reason for which it is not complete. */
  reason: Schema.Union([Schema.Number, Schema.String])
}) {
  override get message(): string {
    return typeof this.reason === "number"
      ? `the response has the status ${this.reason}`
      : `the exchange was broken off: ${this.reason}`
  }
}

/** How an exchange has ended, for its span. */
export interface Ended {
  /** What was sent; absent when the exchange ended before one was. */
  readonly status: number | undefined
  readonly outcome: ExchangeOutcome
  /** Whether it was a session or an event stream, which goes on until somebody ends it. */
  readonly isSession: boolean
  /** How the application has ended. */
  readonly exit: Exit.Exit<unknown, unknown>
}

/** What a span is ended with. */
export interface SpanEnd {
  readonly exit: Exit.Exit<unknown, unknown>
  /** The attribute `error.type`; absent without an error. */
  readonly errorType: string | undefined
}

/** One of each reason: they have no more to say, and their stack would be that of the server. */
const failures = new Map<number | string, Exit.Exit<never, ExchangeFailed>>()

const failureFor = (reason: number | string): Exit.Exit<never, ExchangeFailed> => {
  let failure = failures.get(reason)
  if (failure === undefined) {
    failure = Exit.fail(new ExchangeFailed({ reason }))
    failures.set(reason, failure)
  }
  return failure
}

/** What the application has failed with, by the name of its kind. */
const typeOf = (cause: Cause.Cause<unknown>): string | undefined => {
  const failure = Cause.squash(cause)
  if (hasProperty(failure, "_tag") && typeof failure._tag === "string") return failure._tag
  return failure instanceof Error ? failure.name : undefined
}

/** Sessions end by these as they should: most clients leave without a word. */
const ordinaryEnds: ReadonlySet<ExchangeOutcome> = new Set(["client_closed", "server_shutdown", "idle_timeout"])

/** Most exchanges end so. */
const succeeded: SpanEnd = { exit: Exit.void, errorType: undefined }

/** What semantic conventions have for an error that has no name. */
const unnamed = "_OTHER"

/**
 * What a span is ended with. Errors are a response of 5xx, an exchange that was broken off, and an application that
 * failed. A client that leaves in the middle of a response has interrupted it, which exporters show as such.
 */
export const of = ({ exit, isSession, outcome, status }: Ended): SpanEnd => {
  const isComplete = outcome === "complete" || (isSession && ordinaryEnds.has(outcome))
  // What an application does whose client has gone is most likely the consequence.
  if (!isComplete && outcome !== "server_error") {
    return { exit: outcome === "client_closed" ? Exit.interrupt() : failureFor(outcome), errorType: outcome }
  }
  const reason = status !== undefined && status >= 500 ? status : isComplete ? undefined : outcome
  if (Exit.isFailure(exit) && !Cause.hasInterruptsOnly(exit.cause)) {
    return { exit, errorType: typeOf(exit.cause) ?? String(reason ?? unnamed) }
  }
  return reason === undefined ? succeeded : { exit: failureFor(reason), errorType: String(reason) }
}
