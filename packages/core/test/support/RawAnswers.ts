/** Applications that send what a test says, and readers of what comes of it as a response of the Fetch standard. */
import * as Effect from "effect/Effect"
import type { HttpSendEvent } from "../../src/contract/Event.ts"
import * as PagiApp from "../../src/PagiApp.ts"

export const start = (
  status = 200,
  headers: ReadonlyArray<readonly [string, string]> = [],
  trailers = false
): HttpSendEvent => ({ type: "http.response.start", status, headers, trailers })

export const piece = (body: string, more = false): HttpSendEvent => ({ type: "http.response.body", body, more })

/** Sends what it is told, piece by piece. */
export const sending = (...events: ReadonlyArray<HttpSendEvent>) =>
  PagiApp.make({ http: (_scope, _receive, send) => Effect.forEach(events, send, { discard: true }) })

export const textOf = (response: Response) => Effect.promise(() => response.text())

/** What there is of a response next. */
export const reader = (response: Response) => {
  const body = response.body
  if (body === null) throw new Error("the response has no body")
  const pieces = body.getReader()
  const decoder = new TextDecoder()
  return {
    next: Effect.promise(async () => {
      const { done, value } = await pieces.read()
      return done ? undefined : decoder.decode(value)
    }),
    failure: Effect.promise(() =>
      pieces.read().then(
        () => undefined,
        (error: unknown) => error
      )
    ),
    cancel: Effect.promise(() => pieces.cancel())
  }
}
