/** The event stream that tells who is in a room, on whichever server: all names, at once and whenever somebody comes or goes. */
import type { SseReceiveEvent } from "@pagi/core/Event"
import type { Receive, SseHandler } from "@pagi/core/PagiApp"
import type { SendError } from "@pagi/core/SendError"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { readMembersRoom } from "../10-chat/Address.ts"
import { Rooms } from "./Rooms.ts"

/** Milliseconds after which a browser comes back whose server is gone; by itself Chromium takes three seconds. */
const retry = 500

/** Completes when the client is gone. */
const disconnected = Effect.fnUntraced(function* (receive: Receive<SseReceiveEvent>) {
  while ((yield* receive).type !== "sse.disconnect");
})

export const watch: SseHandler<SendError, Rooms> = Effect.fnUntraced(function* (scope, receive, send) {
  const name = readMembersRoom(scope.path)
  // 204 and not 404, which tells an EventSource just as clearly not to come again.
  if (Option.isNone(name)) return yield* send({ type: "sse.start", status: 204 })
  const rooms = yield* Rooms
  const room = yield* Effect.option(rooms.get(name.value))
  if (Option.isNone(room)) {
    yield* send({ type: "sse.http.response.start", status: 503 })
    return yield* send({ type: "sse.http.response.body", body: "The room cannot be reached at the moment.\n" })
  }

  yield* send({ type: "sse.start" })
  // HAProxy closes connections on which nothing happens for a minute.
  yield* send({ type: "sse.keepalive", interval: 15 })
  yield* Stream.runForEach(room.value.present, (names) =>
    send({ type: "sse.send", event: "members", data: JSON.stringify(names), retry })
  ).pipe(Effect.raceFirst(disconnected(receive)), Effect.raceFirst(scope.shuttingDown))
}, Effect.scoped)
