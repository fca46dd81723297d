/** The event stream that tells pages when there is other code than theirs. */
import type { HttpSendEvent, ReceiveEvent, SendEvent, SseSendEvent } from "@pagi/core/contract/Event"
import type { Receive, Send } from "@pagi/core/contract/PagiApp"
import type { HttpScope, SseScope } from "@pagi/core/contract/Scope"
import type { SendError } from "@pagi/core/contract/SendError"
import { get, type HeaderBlock } from "@pagi/core/http/HeaderBlock"
import { isLocal } from "@pagi/core/http/LocalName"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import type { NewestCode } from "./NewestCode.ts"
import { leaving } from "./ReloadScript.ts"

/** Milliseconds after which a browser connects again that has lost its connection. */
const retry = 500

const fields: HeaderBlock = [
  ["cache-control", "no-store"],
  ["x-accel-buffering", "no"]
]

/** A stream's events, whichever kind of exchange it is. */
interface Out {
  readonly start: Effect.Effect<void, SendError>
  readonly event: (name: string | undefined, data: string) => Effect.Effect<void, SendError>
  readonly end: Effect.Effect<void, SendError>
  readonly refuse: (status: number, message: string) => Effect.Effect<void, SendError>
}

const overSse = (send: Send<SseSendEvent>): Out => ({
  start: send({ type: "sse.start", headers: fields }),
  event: (event, data) => send({ type: "sse.send", data, retry, ...(event === undefined ? {} : { event }) }),
  end: send({ type: "sse.close" }),
  refuse: (status, message) =>
    Effect.andThen(
      send({ type: "sse.http.response.start", status, headers: [["content-type", "text/plain"]] }),
      send({ type: "sse.http.response.body", body: message })
    )
})

/** For an application that has no event streams itself. */
const overHttp = (send: Send<HttpSendEvent>): Out => ({
  start: send({
    type: "http.response.start",
    status: 200,
    headers: [["content-type", "text/event-stream"], ...fields]
  }),
  event: (event, data) =>
    send({
      type: "http.response.body",
      body: `${event === undefined ? "" : `event: ${event}\n`}retry: ${retry}\ndata: ${data}\n\n`,
      more: true
    }),
  end: send({ type: "http.response.body" }),
  refuse: (status, message) =>
    Effect.andThen(
      send({ type: "http.response.start", status, headers: [["content-type", "text/plain"]] }),
      send({ type: "http.response.body", body: message })
    )
})

/** Pages of other sites may ask, and are told nothing. */
const isOwnPage = (headers: HeaderBlock): boolean => {
  const site = get(headers, "sec-fetch-site")
  return isLocal(headers) && (site === undefined || site === "same-origin" || site === "none")
}

/** Answers a request for the stream. It goes on until the server leaves, or the client. */
export const serve = (
  scope: HttpScope | SseScope,
  receive: Receive<ReceiveEvent>,
  send: Send<SendEvent>,
  code: NewestCode
): Effect.Effect<void, SendError> => {
  const out = scope.type === "sse" ? overSse(send) : overHttp(send)
  if (scope.method !== "GET") return out.refuse(405, "This is an event stream.\n")
  if (!isOwnPage(scope.headers)) return out.refuse(403, "This is for pages of this server, under a local name.\n")
  return Effect.gen(function* () {
    const changed = Latch.makeUnsafe(true)
    const tell = Effect.gen(function* () {
      yield* changed.await
      yield* changed.close
      yield* out.event(undefined, JSON.stringify(code.version))
    })
    yield* Effect.acquireRelease(
      Effect.sync(() => code.onChange(() => changed.openUnsafe())),
      (stop) => Effect.sync(stop)
    )
    yield* out.start
    const isGone = Effect.repeat(receive, {
      until: ({ type }) => type === "http.disconnect" || type === "sse.disconnect"
    })
    yield* Effect.raceAllFirst([Effect.forever(tell), scope.shuttingDown, isGone])
    yield* out.event(leaving, "now")
    yield* out.end
  }).pipe(Effect.scoped)
}
