/** The WebSocket of a member: lets somebody in, and says goodbye. */
import type { WebSocketReceiveEvent, WebSocketSendEvent } from "@pagi/core/Event"
import type { Receive, Send, WebSocketHandler } from "@pagi/core/PagiApp"
import type { SendError } from "@pagi/core/SendError"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Queue from "effect/Queue"
import { type Entrance, readEntrance } from "./Address.ts"
import type { Room } from "./Rooms.ts"
import { roomsOf } from "./State.ts"
import { close, refuse, talk } from "./Talk.ts"

/**
 * Lets somebody be in a room, and yields how to say goodbye. By then the member has left the room: a goodbye waits for a
 * slow reader like everything else that is sent.
 */
const takePart = Effect.fnUntraced(function* (
  { after, name }: Entrance,
  room: Room,
  shuttingDown: Effect.Effect<void>,
  receive: Receive<WebSocketReceiveEvent>,
  send: Send<WebSocketSendEvent>
) {
  const { messages, overflow } = yield* room.join(name, after)
  return yield* talk(
    { receive, send },
    { name, say: room.say, next: Queue.take(messages), overflow },
    Effect.as(shuttingDown, close(1001, "The chat closes. Goodbye!"))
  )
}, Effect.scoped)

/**
 * The handler. Anyone may come, from any page: there is nothing here that a page of somebody else could misuse. An
 * application that knows its users by a cookie compares the field `origin` with its own before it accepts.
 */
export const converse: WebSocketHandler<SendError> = Effect.fnUntraced(function* (scope, receive, send) {
  yield* receive // websocket.connect
  const entrance = readEntrance(scope.path, scope.queryString)
  if (Option.isNone(entrance)) return yield* refuse(send, 404, "Come to /rooms/ROOM?name=NAME")
  const rooms = yield* roomsOf(scope.state)
  const room = yield* Effect.option(rooms.get(entrance.value.room))
  if (Option.isNone(room)) return yield* refuse(send, 503, "There are too many rooms.")

  yield* send({ type: "websocket.accept" })
  // Finds the members who are gone without having said so.
  yield* send({ type: "websocket.keepalive", interval: 20, timeout: 10 })
  const goodbye = yield* takePart(entrance.value, room.value, scope.shuttingDown, receive, send)
  // Does nothing when it was the member who has left.
  yield* send(goodbye)
}, Effect.scoped)
