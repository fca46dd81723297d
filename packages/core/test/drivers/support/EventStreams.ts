/** Applications with event streams, for tests of drivers. */
import * as Effect from "effect/Effect"
import type { SseReceiveEvent, SseSendEvent } from "../../../src/contract/Event.ts"
import * as PagiApp from "../../../src/contract/PagiApp.ts"
import type { SseScope } from "../../../src/contract/Scope.ts"
import { respond, type Send as HttpSend } from "./Applications.ts"
import type { RequestOptions } from "./Version.ts"

export type Receive = PagiApp.Receive<SseReceiveEvent>
export type Send = PagiApp.Send<SseSendEvent>

/** A request for an event stream. */
export const getStream = { fields: [["accept", "text/event-stream"]] } as const satisfies RequestOptions

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

/** Waits for the end and yields its reason. */
export const disconnected = Effect.fnUntraced(function* (receive: Receive) {
  for (;;) {
    const received = yield* receive
    if (received.type === "sse.disconnect") return received.reason
  }
})

/** A stream that is open until it ends from outside; notes why that was, and its scopes. */
export const watching = (...events: ReadonlyArray<SseSendEvent>) => {
  const notes: Array<string> = []
  const scopes: Array<SseScope> = []
  const application = streaming((scope, receive, send) =>
    Effect.gen(function* () {
      scopes.push(scope)
      yield* Effect.forEach([start, ...events], (event) => send(event), { discard: true })
      notes.push(yield* disconnected(receive))
    })
  )
  return { application, notes, scopes }
}
