import type { WebSocketReceiveEvent } from "@pagi/core/Event"
import { make, type WebSocketHandler } from "@pagi/core/PagiApp"
import type * as ServerOptions from "@pagi/core/ServerOptions"
import * as Effect from "effect/Effect"
import { answer, serve } from "./Server.ts"

/** A running server with this handler of sessions; ordinary requests get the word "ordinary". */
export const serveWebSocket = <E, R>(websocket: WebSocketHandler<E, R>, options: ServerOptions.Input = {}) =>
  serve(make({ http: answer("ordinary"), websocket }), options)

/** What an application was told, in one line; the content of messages as it is. */
export const describe = (event: WebSocketReceiveEvent): string => {
  switch (event.type) {
    case "websocket.connect":
      return "connect"
    case "websocket.receive":
      return event.text ?? Buffer.from(event.bytes).toString("latin1")
    case "websocket.disconnect":
      return `disconnect ${event.code} ${event.reason}`.trimEnd()
  }
}

/** Accepts, and sends every message back; tells of everything that it receives. */
export const echo = (onEvent: (event: WebSocketReceiveEvent, path: string) => void = () => {}) => {
  const handler: WebSocketHandler<unknown> = Effect.fnUntraced(function* (scope, receive, send) {
    for (;;) {
      const event = yield* receive
      onEvent(event, scope.path)
      if (event.type === "websocket.disconnect") return
      if (event.type === "websocket.connect") yield* send({ type: "websocket.accept" })
      else if (event.text === undefined) yield* send({ type: "websocket.send", bytes: event.bytes })
      else yield* send({ type: "websocket.send", text: event.text })
    }
  })
  return handler
}
