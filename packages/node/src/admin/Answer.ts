/** An answer of the admin listener, and how it is sent: also in place of an event stream that somebody has asked for. */
import type { SendError } from "@pagi/core/contract/SendError"
import type { HttpSendEvent, SseSendEvent } from "@pagi/core/contract/Event"
import type { Send } from "@pagi/core/contract/ReceiveSend"
import type { HeaderBlock } from "@pagi/core/http/HeaderBlock"
import * as Effect from "effect/Effect"

export interface Answer {
  readonly status: number
  readonly headers: HeaderBlock
  readonly body: string | Uint8Array
}

/** What is told changes by the moment, and is nobody's to keep; nor is it what a browser may take for something else. */
const common: HeaderBlock = [
  ["cache-control", "no-store"],
  ["x-content-type-options", "nosniff"]
]

export const text = (status: number, body: string, headers: HeaderBlock = []): Answer => ({
  status,
  headers: [["content-type", "text/plain; charset=utf-8"], ...common, ...headers],
  body: `${body}\n`
})

/** A document that is JSON already. */
export const jsonText = (body: string, status = 200): Answer => ({
  status,
  headers: [["content-type", "application/json"], ...common],
  body: `${body}\n`
})

export const json = (value: unknown, status = 200): Answer => jsonText(JSON.stringify(value), status)

const encoder = new TextEncoder()

/** The same as bytes, for one that is sent to many. */
export const encode = (answer: Answer): Answer =>
  typeof answer.body === "string" ? { ...answer, body: encoder.encode(answer.body) } : answer

/** Metrics in one of their formats. */
export const metrics = (contentType: string, body: string): Answer => ({
  status: 200,
  headers: [["content-type", contentType], ...common],
  body
})

export const send = (send: Send<HttpSendEvent>, { body, headers, status }: Answer): Effect.Effect<void, SendError> =>
  Effect.andThen(
    send({ type: "http.response.start", status, headers: [...headers] }),
    send({ type: "http.response.body", body })
  )

/** To somebody who accepts event streams, which this is none of. */
export const decline = (send: Send<SseSendEvent>, { body, headers, status }: Answer): Effect.Effect<void, SendError> =>
  Effect.andThen(
    send({ type: "sse.http.response.start", status, headers: [...headers] }),
    send({ type: "sse.http.response.body", body })
  )
