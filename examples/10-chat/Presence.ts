/** The event stream that tells who is in a room: all names, at once and whenever somebody comes or goes. */
import type { SseReceiveEvent } from "@pagi/core/Event"
import type { Receive, SseHandler } from "@pagi/core/PagiApp"
import type { SendError } from "@pagi/core/SendError"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { readMembersRoom } from "./Address.ts"
import { roomsOf } from "./State.ts"

/** Completes when the client is gone. */
const disconnected = Effect.fnUntraced(function* (receive: Receive<SseReceiveEvent>) {
  while ((yield* receive).type !== "sse.disconnect");
})

export const watch: SseHandler<SendError> = Effect.fnUntraced(function* (scope, receive, send) {
  const name = readMembersRoom(scope.path)
  // 204 and not 404, which tells an EventSource just as clearly not to come again.
  if (Option.isNone(name)) return yield* send({ type: "sse.start", status: 204 })
  const rooms = yield* roomsOf(scope.state)
  const room = yield* Effect.option(rooms.get(name.value))
  if (Option.isNone(room)) {
    yield* send({ type: "sse.http.response.start", status: 503 })
    return yield* send({ type: "sse.http.response.body", body: "There are too many rooms.\n" })
  }

  yield* send({ type: "sse.start" })
  // Some proxies close connections on which nothing happens for a minute.
  yield* send({ type: "sse.keepalive", interval: 15 })
  yield* Stream.runForEach(room.value.present, (names) =>
    send({ type: "sse.send", event: "members", data: JSON.stringify(names) })
  ).pipe(Effect.raceFirst(disconnected(receive)), Effect.raceFirst(scope.shuttingDown))
}, Effect.scoped)
