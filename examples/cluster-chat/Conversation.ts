/** The WebSocket of a member: takes what the member says, and delivers what is said in the room. */
import type { WebSocketReceiveEvent, WebSocketSendEvent } from "@pagi/core/Event"
import type { Receive, Send, WebSocketHandler } from "@pagi/core/PagiApp"
import type { SendError } from "@pagi/core/SendError"
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { type Entrance, readEntrance } from "../10-chat/Address.ts"
import { decode, encode } from "./Messages.ts"
import type { Member, Room } from "./Room.ts"
import { Rooms } from "./Rooms.ts"

/** Time that a member has to wait between two messages; the next ones wait in the server. */
const pause = "50 millis"

/** What a member is told of this server. */
const serverName = Config.String("CHAT_SERVER").pipe(Config.withDefault(`process ${process.pid}`))

/** Refuses the handshake with a response, which browsers keep from their pages. */
const refuse = (send: Send<WebSocketSendEvent>, status: number, reason: string) =>
  Effect.andThen(
    send({ type: "websocket.http.response.start", status, headers: [["content-type", "text/plain"]] }),
    send({ type: "websocket.http.response.body", body: `${reason}\n` })
  )

const close = (code: number, reason: string): WebSocketSendEvent => ({ type: "websocket.close", code, reason })

/** Who has to come again is told what was missed, and says again what did not come back. */
const comeAgain = close(1013, "The room cannot be reached at the moment.")

/** Yields how to say goodbye when the member has left, or cannot be heard. */
const listen = Effect.fnUntraced(function* (
  receive: Receive<WebSocketReceiveEvent>,
  send: Send<WebSocketSendEvent>,
  room: Room,
  name: string
) {
  for (;;) {
    const event = yield* receive
    if (event.type === "websocket.disconnect") return close(1000, "")
    if (event.type !== "websocket.receive") continue
    yield* decode(event.text).pipe(
      Effect.flatMap(({ key, text }) => room.say({ from: name, text, ...(key === undefined ? {} : { key }) })),
      Effect.catchTag("SchemaError", ({ message }) =>
        send({ type: "websocket.send", text: encode({ type: "refused", reason: message }) })
      )
    )
    yield* Effect.sleep(pause)
  }
})

/** Runs until it is interrupted. `send` waits for a member who reads slowly, and only for that one. */
const deliver = (send: Send<WebSocketSendEvent>, { next }: Member): Effect.Effect<never, SendError> =>
  Effect.forever(Effect.flatMap(next, (text) => send({ type: "websocket.send", text })))

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
    return yield* Effect.raceAllFirst([
      listen(receive, send, room, name),
      deliver(send, member),
      Effect.as(member.overflow.await, close(1008, "You read too slowly.")),
      Effect.as(shuttingDown, close(1001, "This server stops. The others go on."))
    ])
  },
  Effect.scoped,
  Effect.catchTag(["HistoryUnreachable", "TopicError"], (error) =>
    Effect.as(Effect.logWarning(`a member has to come again: ${error.message}`), comeAgain)
  ),
  Effect.catchTag("ExceededCapacityError", () => Effect.succeed(close(1013, "There are too many rooms.")))
)

/** The handler. Anyone may come, from any page: there is nothing here that a page of somebody else could misuse. */
export const converse: WebSocketHandler<SendError | Config.ConfigError, Rooms> = Effect.fnUntraced(
  function* (scope, receive, send) {
    yield* receive // websocket.connect
    const entrance = readEntrance(scope.path, scope.queryString)
    if (Option.isNone(entrance)) return yield* refuse(send, 404, "Come to /rooms/ROOM?name=NAME")

    yield* send({ type: "websocket.accept" })
    // Finds the members who are gone without having said so, and keeps HAProxy's time limit away from the others.
    yield* send({ type: "websocket.keepalive", interval: 20, timeout: 10 })
    yield* send({ type: "websocket.send", text: encode({ type: "welcome", server: yield* serverName }) })
    const goodbye = yield* takePart(entrance.value, scope.shuttingDown, receive, send)
    // Does nothing when it was the member who has left.
    yield* send(goodbye)
  }
)
