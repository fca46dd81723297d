/** The WebSocket of a member: takes what the member says, and delivers what is said in the room. */
import type { WebSocketReceiveEvent, WebSocketSendEvent } from "@pagi/core/Event"
import type { Receive, Send, WebSocketHandler } from "@pagi/core/PagiApp"
import type { SendError } from "@pagi/core/SendError"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Queue from "effect/Queue"
import { type Entrance, readEntrance } from "./Address.ts"
import { decode, encode } from "./Messages.ts"
import type { Member, Room } from "./Rooms.ts"
import { roomsOf } from "./State.ts"

/** Time that a member has to wait between two messages; the next ones wait in the server. */
const pause = "50 millis"

/** Refuses the handshake with a response, which browsers keep from their pages. */
const refuse = (send: Send<WebSocketSendEvent>, status: number, reason: string) =>
  Effect.andThen(
    send({ type: "websocket.http.response.start", status, headers: [["content-type", "text/plain"]] }),
    send({ type: "websocket.http.response.body", body: `${reason}\n` })
  )

/** Ends when the member has left. */
const listen = Effect.fnUntraced(function* (
  receive: Receive<WebSocketReceiveEvent>,
  send: Send<WebSocketSendEvent>,
  room: Room,
  { name }: Member
) {
  for (;;) {
    const event = yield* receive
    if (event.type === "websocket.disconnect") return
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
const deliver = (send: Send<WebSocketSendEvent>, { messages }: Member): Effect.Effect<never, SendError> =>
  Queue.take(messages).pipe(
    Effect.flatMap((text) => send({ type: "websocket.send", text })),
    Effect.forever
  )

const close = (code: number, reason: string): WebSocketSendEvent => ({ type: "websocket.close", code, reason })

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
  const member = yield* room.join(name, after)
  return yield* Effect.raceAllFirst([
    Effect.as(listen(receive, send, room, member), close(1000, "")),
    deliver(send, member),
    Effect.as(member.overflow.await, close(1008, "You read too slowly.")),
    Effect.as(shuttingDown, close(1001, "The chat closes. Goodbye!"))
  ])
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
