/** The WebSocket: a message for each new entry. */
import type { WebSocketReceiveEvent } from "@pagi/core/Event"
import type { Receive, WebSocketHandler } from "@pagi/core/PagiApp"
import type { SendError } from "@pagi/core/SendError"
import * as Effect from "effect/Effect"
import * as PubSub from "effect/PubSub"
import type * as Scope from "effect/Scope"
import type { Entry } from "./Book.ts"

/** Completes when the client is gone. */
const disconnected = Effect.fnUntraced(function* (receive: Receive<WebSocketReceiveEvent>) {
  while ((yield* receive).type !== "websocket.disconnect");
})

export const watch = (news: PubSub.PubSub<Entry>): WebSocketHandler<SendError, Scope.Scope> =>
  Effect.fnUntraced(function* (scope, receive, send) {
    yield* receive // websocket.connect
    if (scope.path !== "/entries") return yield* send({ type: "websocket.close" })
    const entries = yield* PubSub.subscribe(news)
    yield* send({ type: "websocket.accept" })
    yield* Effect.flatMap(PubSub.take(entries), (entry) =>
      send({ type: "websocket.send", text: JSON.stringify(entry) })
    ).pipe(Effect.forever, Effect.raceFirst(disconnected(receive)), Effect.raceFirst(scope.shuttingDown))
    yield* send({ type: "websocket.close", code: 1001 })
  })
