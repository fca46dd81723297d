/** What goes on between a member and a room over a WebSocket, wherever the room is. */
import type { WebSocketReceiveEvent, WebSocketSendEvent } from "@pagi/core/Event"
import type { Receive, Send } from "@pagi/core/PagiApp"
import type { SendError } from "@pagi/core/SendError"
import * as Effect from "effect/Effect"
import type * as Latch from "effect/Latch"
import { decode, encode } from "./Messages.ts"
import type { Speech } from "./Rooms.ts"

/** Time that a member has to wait between two messages; the next ones wait in the server. */
const pause = "50 millis"

/** The two ends of a WebSocket. */
interface Connection {
  readonly receive: Receive<WebSocketReceiveEvent>
  readonly send: Send<WebSocketSendEvent>
}

/** What a member has from a room. */
interface Part<E> {
  readonly name: string
  readonly say: (speech: Speech) => Effect.Effect<void, E>
  /** The next message that this member has to be told. */
  readonly next: Effect.Effect<string>
  /** Open once something was lost because too much has waited. */
  readonly overflow: Latch.Latch
}

/** Refuses the handshake with a response, which browsers keep from their pages. */
export const refuse = (send: Send<WebSocketSendEvent>, status: number, reason: string) =>
  Effect.andThen(
    send({ type: "websocket.http.response.start", status, headers: [["content-type", "text/plain"]] }),
    send({ type: "websocket.http.response.body", body: `${reason}\n` })
  )

export const close = (code: number, reason: string): WebSocketSendEvent => ({ type: "websocket.close", code, reason })

/** Ends when the member has left. */
const listen = <E>({ receive, send }: Connection, { name, say }: Part<E>) =>
  Effect.gen(function* () {
    for (;;) {
      const event = yield* receive
      if (event.type === "websocket.disconnect") return
      if (event.type !== "websocket.receive") continue
      yield* decode(event.text).pipe(
        Effect.matchEffect({
          onSuccess: ({ key, text }) => say({ from: name, text, ...(key === undefined ? {} : { key }) }),
          onFailure: ({ message }) =>
            send({ type: "websocket.send", text: encode({ type: "refused", reason: message }) })
        })
      )
      yield* Effect.sleep(pause)
    }
  })

/** Runs until it is interrupted. `send` waits for a member who reads slowly, and only for that one. */
const deliver = <E>({ send }: Connection, { next }: Part<E>): Effect.Effect<never, SendError> =>
  Effect.forever(Effect.flatMap(next, (text) => send({ type: "websocket.send", text })))

/** Takes what the member says, and delivers what is said in the room. Yields how to say goodbye. */
export const talk = <E>(connection: Connection, part: Part<E>, stopping: Effect.Effect<WebSocketSendEvent>) =>
  Effect.raceAllFirst([
    Effect.as(listen(connection, part), close(1000, "")),
    deliver(connection, part),
    Effect.as(part.overflow.await, close(1008, "You read too slowly.")),
    stopping
  ])
