import type { WebSocketHandler } from "@pagi/core/PagiApp"
import * as Effect from "effect/Effect"

/** Accepts, and sends every message back. */
export const echo: WebSocketHandler<unknown> = Effect.fnUntraced(function* (_scope, receive, send) {
  yield* receive
  yield* send({ type: "websocket.accept" })
  for (;;) {
    const event = yield* receive
    if (event.type === "websocket.disconnect") return
    if (event.type === "websocket.connect") continue
    yield* send(
      event.text === undefined
        ? { type: "websocket.send", bytes: event.bytes }
        : { type: "websocket.send", text: event.text }
    )
  }
})
