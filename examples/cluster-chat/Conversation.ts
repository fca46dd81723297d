/** The WebSocket of a member: lets somebody in, on whichever server, and says goodbye. */
import type { WebSocketReceiveEvent, WebSocketSendEvent } from "@pagi/core/Event"
import type { Receive, Send, WebSocketHandler } from "@pagi/core/PagiApp"
import type { SendError } from "@pagi/core/SendError"
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { type Entrance, readEntrance } from "../10-chat/Address.ts"
import { close, refuse, talk } from "../10-chat/Talk.ts"
import { encode } from "./Messages.ts"
import { Rooms } from "./Rooms.ts"

/** What a member is told of this server. */
const serverName = Config.String("CHAT_SERVER").pipe(Config.withDefault(`process ${process.pid}`))

/** Who has to come again is told what was missed, and says again what did not come back. */
const comeAgain = close(1013, "The room cannot be reached at the moment.")

/**
 * Lets somebody be in a room, and yields how to say goodbye. By then the member has left the room: a goodbye waits for a
 * slow reader like everything else that is sent.
 */
const takePart = Effect.fnUntraced(
  function* (
    { after, name, room: roomName }: Entrance,
    shuttingDown: Effect.Effect<void>,
    receive: Receive<WebSocketReceiveEvent>,
    send: Send<WebSocketSendEvent>
  ) {
    const rooms = yield* Rooms
    const room = yield* rooms.get(roomName)
    const member = yield* room.join(name, after)
    return yield* talk(
      { receive, send },
      { name, say: room.say, ...member },
      Effect.as(shuttingDown, close(1001, "This server stops. The others go on."))
    )
  },
  Effect.scoped,
  Effect.catchTag(["HistoryUnreachable", "TopicError"], (error) =>
    Effect.as(Effect.logWarning(`a member has to come again: ${error.message}`), comeAgain)
  ),
  Effect.catchTag("ExceededCapacityError", () => Effect.succeed(close(1013, "There are too many rooms.")))
)

/** Makes the handler. Anyone may come, from any page: there is nothing here that a page of somebody else could misuse. */
export const makeConverse = Effect.map(serverName, (server): WebSocketHandler<SendError, Rooms> => {
  const welcome = encode({ type: "welcome", server })
  return Effect.fnUntraced(function* (scope, receive, send) {
    yield* receive // websocket.connect
    const entrance = readEntrance(scope.path, scope.queryString)
    if (Option.isNone(entrance)) return yield* refuse(send, 404, "Come to /rooms/ROOM?name=NAME")

    yield* send({ type: "websocket.accept" })
    // Finds the members who are gone without having said so, and keeps HAProxy's time limit away from the others.
    yield* send({ type: "websocket.keepalive", interval: 20, timeout: 10 })
    yield* send({ type: "websocket.send", text: welcome })
    const goodbye = yield* takePart(entrance.value, scope.shuttingDown, receive, send)
    // Does nothing when it was the member who has left.
    yield* send(goodbye)
  })
})
