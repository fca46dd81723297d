/** The responses of the application that serves the files of a directory. */
import type { HttpSendEvent } from "@pagi/core/contract/Event"
import type { HeaderBlock } from "@pagi/core/http/HeaderBlock"
import type { Send } from "@pagi/core/contract/PagiApp"
import type { SendError } from "@pagi/core/contract/SendError"
import * as Effect from "effect/Effect"

type SendHttp = Send<HttpSendEvent>

/** Begins a response. Browsers are told to believe the content type, whatever the content looks like. */
export const start = (send: SendHttp, status: number, headers: HeaderBlock): Effect.Effect<void, SendError> =>
  send({ type: "http.response.start", status, headers: [...headers, ["x-content-type-options", "nosniff"]] })

/** A whole response without a body. */
export const empty = (send: SendHttp, status: number, headers: HeaderBlock): Effect.Effect<void, SendError> =>
  Effect.andThen(start(send, status, headers), send({ type: "http.response.body" }))

/** A whole response; the server leaves out the body when it answers HEAD. */
const whole = (
  send: SendHttp,
  status: number,
  headers: HeaderBlock,
  content: string
): Effect.Effect<void, SendError> => {
  const body = new TextEncoder().encode(content)
  return Effect.andThen(
    start(send, status, [...headers, ["content-length", String(body.length)]]),
    send({ type: "http.response.body", body })
  )
}

/** One line of text. */
export const text = (
  send: SendHttp,
  status: number,
  line: string,
  headers: HeaderBlock = []
): Effect.Effect<void, SendError> =>
  whole(send, status, [...headers, ["content-type", "text/plain; charset=utf-8"]], `${line}\n`)

/** A page that was made up for this request; it may use styles of its own and nothing else. */
export const page = (send: SendHttp, html: string): Effect.Effect<void, SendError> =>
  whole(
    send,
    200,
    [
      ["content-type", "text/html; charset=utf-8"],
      ["content-security-policy", "default-src 'none'; style-src 'unsafe-inline'"],
      ["cache-control", "no-cache"]
    ],
    html
  )
