/** Why a fetch handler has not answered a request. */
import * as Schema from "effect/Schema"
import { hasProperty } from "effect/Predicate"
import * as Effect from "effect/Effect"

/** A fetch handler is none, or what it answered is no response that could be sent. The message says what to do. */
export class FetchProblem extends Schema.TaggedError<FetchProblem>()("FetchProblem", { message: Schema.String }) {}

const problem = (message: string): FetchProblem => new FetchProblem({ message })

const describe = (value: unknown): string => {
  if (value === undefined || value === null) return String(value)
  if (Effect.isEffect(value)) return "an Effect"
  const name =
    hasProperty(value, "constructor") && typeof value.constructor === "function" ? value.constructor.name : ""
  if (typeof value !== "object") return `a ${typeof value}`
  return name === "" || name === "Object" ? "an object" : `an object of the class ${name}`
}

const adviceFor = (value: unknown): string =>
  value === undefined
    ? "return the Response, also behind every branch and await"
    : Effect.isEffect(value)
      ? "run it and return its Response, or give handlers that return Effects to PagiApp.make or PagiApp.fromHttpEffect"
      : "wrap it, as in new Response(text) or Response.json(value)"

/** The handler answered with something else. */
export const noResponse = (value: unknown): FetchProblem =>
  problem(`the fetch handler returned ${describe(value)}, not a Response; ${adviceFor(value)}`)

/** `Response.error()` stands for a failure of the network, and has no status. */
export const networkError = (): FetchProblem =>
  problem(
    "the fetch handler returned Response.error(), which has no status that could be sent; return a Response with one, such as new Response(null, { status: 502 })"
  )

/** The content was read, or somebody is about to. */
export const bodyUsed = (): FetchProblem =>
  problem(
    "the body of the Response from the fetch handler was read already, or is being read; return another Response, or read response.clone()"
  )

/** A stream gave something that is no content. */
export const noContent = (value: unknown): FetchProblem =>
  problem(`the body of the Response gave ${describe(value)}, where a piece of content is a Uint8Array or a text`)

/** The server could not send the response as it is. */
export const refused = (reason: string): FetchProblem =>
  problem(`the Response from the fetch handler cannot be sent: ${reason}`)

/** Neither a function nor an object with one. */
export const noHandler = (value: unknown): FetchProblem =>
  problem(
    `PagiApp.fromFetch takes a function (request) => Response, or an object with one as its fetch; it was given ${describe(value)}`
  )

/** A promise was rejected, or something thrown, that is no error and so tells nothing. */
export const noReason = (value: unknown): FetchProblem =>
  problem(`the fetch handler threw ${describe(value)}, which is no Error`)
