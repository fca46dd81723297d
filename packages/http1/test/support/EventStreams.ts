import type { SseReceiveEvent, SseSendEvent } from "@pagi/core/Event"
import * as PagiApp from "@pagi/core/PagiApp"
import * as Effect from "effect/Effect"
import { readResponse } from "./ClientConnection.ts"
import { respond, type Send as HttpSend } from "@pagi/core/test/drivers/support/Applications"
import { get, lines } from "./Machine.ts"

export type Receive = PagiApp.Receive<SseReceiveEvent>
export type Send = PagiApp.Send<SseSendEvent>

const acceptStream = "Accept: text/event-stream"

/** A request for an event stream. */
export const getStream = (...fields: ReadonlyArray<string>): string => get(acceptStream, ...fields)

/** The same with HTTP/1.0. */
export const getStream10 = (...fields: ReadonlyArray<string>): string =>
  lines("GET / HTTP/1.0", acceptStream, ...fields)

/** An application with streams; it answers ordinary requests with the word "ordinary". */
export const streaming = (sse: PagiApp.SseHandler<unknown>) =>
  PagiApp.make({ http: (_scope, _receive, send: HttpSend) => respond(send, "ordinary"), sse })

export const start: SseSendEvent = { type: "sse.start" }
export const event = (data: string): SseSendEvent => ({ type: "sse.send", data })
export const close: SseSendEvent = { type: "sse.close" }

/** Sends the events one after the other. */
export const sending =
  (...events: ReadonlyArray<SseSendEvent>): PagiApp.SseHandler<unknown> =>
  (_scope, _receive, send) =>
    Effect.forEach(events, (event) => send(event), { discard: true })

/** A stream that is open until it ends from outside; notes why that was. */
export const watching = (...events: ReadonlyArray<SseSendEvent>) => {
  const notes: Array<string> = []
  const handler: PagiApp.SseHandler<unknown> = (_scope, receive, send) =>
    Effect.gen(function* () {
      yield* Effect.forEach([start, ...events], (event) => send(event), { discard: true })
      notes.push(yield* disconnected(receive))
    })
  return { application: streaming(handler), notes }
}

/** Waits for the end and yields its reason. */
export const disconnected = Effect.fnUntraced(function* (receive: Receive) {
  for (;;) {
    const received = yield* receive
    if (received.type === "sse.disconnect") return received.reason
  }
})

/** Reads the response to one request over HTTP/1.1, which has to be complete. */
export const readStream = (text: string, method = "GET") =>
  readResponse(text, { method, httpVersion: "1.1", keepAlive: true }, false)
