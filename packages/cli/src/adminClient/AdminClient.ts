/** Asks an admin listener, over TCP or a Unix socket. */
import { codeOf } from "@pagi/node/accept/ListenError"
import { asServerStatus, type ServerStatus } from "@pagi/node/admin/ServerStatus"
import * as Endpoint from "@pagi/core/options/Endpoint"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import { type IncomingMessage, request } from "node:http"
import * as AdminAddress from "./AdminAddress.ts"
import { Point } from "./AdminDocuments.ts"
import { EventBlocks } from "./EventBlocks.ts"

/** The admin listener has not answered as one does. */
export class AdminError extends Schema.TaggedError<AdminError>()("AdminError", {
  address: Schema.String,
  reason: Schema.String
}) {
  override get message(): string {
    return `no answer of the admin listener at ${this.address}: ${this.reason}`
  }
}

/** How long an answer, and the next second of a stream, may take. */
const patience = "6 seconds"

/** Characters of a document beyond which it is none. */
const maxLength = 16 * 1024 * 1024

const fail = (endpoint: Endpoint.Endpoint, reason: string): AdminError =>
  new AdminError({ address: Endpoint.format(endpoint), reason })

/** What somebody can do about answers that admin listeners give. */
const refusals: ReadonlyMap<number | undefined, string> = new Map([
  [421, "it does not take that name for its own; call it by its address, or by the name that its option admin has"],
  [503, "it has too many clients; close a dashboard, or try again later"]
])

/** The head of a response with status 200, whose content ends with the scope at the latest. */
const get = (
  endpoint: Endpoint.Endpoint,
  path: string,
  accept: string
): Effect.Effect<IncomingMessage, AdminError, Scope.Scope> =>
  Effect.gen(function* () {
    const asked = yield* Effect.acquireRelease(
      Effect.sync(() => request({ ...AdminAddress.target(endpoint), path, headers: { accept }, agent: false })),
      (asked) => Effect.sync(() => asked.destroy())
    )
    // Also for what comes after the response, or after somebody has lost interest.
    asked.on("error", () => {})
    const response = yield* Effect.callback<IncomingMessage, AdminError>((resume) => {
      asked.once("response", (response) => resume(Effect.succeed(response)))
      asked.once("error", (error) => resume(Effect.fail(fail(endpoint, codeOf(error)))))
      asked.end()
    })
    if (response.statusCode === 200) return response
    return yield* fail(endpoint, refusals.get(response.statusCode) ?? `it answers ${path} by ${response.statusCode}`)
  }).pipe(Effect.timeoutOrElse({ duration: patience, orElse: () => Effect.fail(fail(endpoint, "no answer in time")) }))

/** Gives the pieces of a content to somebody, and completes at its end. */
const consume = (response: IncomingMessage, onText: (text: string) => void): Effect.Effect<void> =>
  Effect.callback<void>((resume) => {
    response.setEncoding("utf8")
    response.on("data", onText)
    response.on("error", () => {})
    response.on("close", () => resume(Effect.void))
  })

const decode = <A>(
  endpoint: Endpoint.Endpoint,
  schema: Schema.Codec<A, unknown>,
  text: string
): Effect.Effect<A, AdminError> =>
  Effect.mapError(Schema.decodeEffect(Schema.fromJsonString(schema))(text), () =>
    fail(endpoint, "what it says is not what servers of this version say")
  )

/** Asks for a document. */
export const read = <A>(
  endpoint: Endpoint.Endpoint,
  path: string,
  schema: Schema.Codec<A, unknown>
): Effect.Effect<A, AdminError> =>
  Effect.gen(function* () {
    const response = yield* get(endpoint, path, "application/json")
    let text = ""
    yield* consume(response, (piece) => {
      text += piece
      if (text.length > maxLength) response.destroy()
    })
    if (!response.complete) return yield* fail(endpoint, "the answer was broken off, or is too long")
    return yield* decode(endpoint, schema, text)
  }).pipe(
    Effect.scoped,
    Effect.timeoutOrElse({ duration: patience, orElse: () => Effect.fail(fail(endpoint, "no answer in time")) })
  )

/** Asks how the server is, of whatever version it is. */
export const readStatus = (endpoint: Endpoint.Endpoint): Effect.Effect<ServerStatus, AdminError> =>
  Effect.flatMap(read(endpoint, "/status", Schema.Unknown), (value) => {
    const status = asServerStatus(value)
    return status === undefined ? Effect.fail(fail(endpoint, "what it says is no status")) : Effect.succeed(status)
  })

const decodePoint = Schema.decodeOption(Schema.fromJsonString(Point))

/**
 * Listens to the seconds as they pass. Fails when the stream ends or does not go on; until then a second that is not
 * understood is left out.
 */
export const follow = (
  endpoint: Endpoint.Endpoint,
  onPoint: (point: Point) => void
): Effect.Effect<never, AdminError> =>
  Effect.gen(function* () {
    const response = yield* get(endpoint, "/events", "text/event-stream")
    let heard = 0
    const blocks = new EventBlocks((event, data) => {
      heard++
      const point = event === "point" ? decodePoint(data) : undefined
      if (point?._tag === "Some") onPoint(point.value)
    })
    const watch = Effect.gen(function* () {
      let before = -1
      while (before !== heard) {
        before = heard
        yield* Effect.sleep(patience)
      }
    })
    yield* Effect.raceFirst(
      consume(response, (text) => blocks.push(text)),
      watch
    )
    return yield* fail(endpoint, "the stream of events has ended")
  }).pipe(Effect.scoped)
