import * as Effect from "effect/Effect"
import type { WebSocketReceiveEvent, WebSocketSendEvent } from "../../src/contract/Event.ts"
import * as PagiApp from "../../src/contract/PagiApp.ts"
import * as TestClient from "../../src/testing/TestClient.ts"

type Handler = PagiApp.WebSocketHandler<unknown>
type Receive = PagiApp.Receive<WebSocketReceiveEvent>
type Send = PagiApp.Send<WebSocketSendEvent>

export const accept = { type: "websocket.accept" } as const

export const message = (text: string): WebSocketSendEvent => ({ type: "websocket.send", text })

/** A handler that has received `connect` and accepted when it begins. */
export const accepting =
  (handler: (receive: Receive, send: Send) => Effect.Effect<unknown, unknown>): Handler =>
  (_scope, receive, send) =>
    Effect.andThen(Effect.andThen(receive, send(accept)), handler(receive, send))

/** Receives until the end, and answers what was said about it. Texts are added to `received`. */
export const collect = (receive: Receive, received: Array<string>) =>
  Effect.gen(function* () {
    for (;;) {
      const event = yield* receive
      if (event.type === "websocket.disconnect") return `${event.code} ${event.reason}`.trimEnd()
      if (event.type === "websocket.receive") received.push(event.text ?? "")
    }
  })

/** Receives until the end, and answers what was said about it. */
export const disconnected = (receive: Receive) => collect(receive, [])

/** Sends every message back, until the end. */
export const echo: Handler = accepting((receive, send) =>
  Effect.gen(function* () {
    for (;;) {
      const event = yield* receive
      if (event.type === "websocket.disconnect") return `${event.code} ${event.reason}`.trimEnd()
      if (event.type === "websocket.connect") continue
      yield* event.text === undefined
        ? send({ type: "websocket.send", bytes: event.bytes })
        : send({ type: "websocket.send", text: event.text })
    }
  })
)

/** A client for an application that only has sessions. */
export const webSocket = (handler: Handler, options?: TestClient.Options) =>
  TestClient.make(PagiApp.make({ websocket: handler }), options)

/** A session with a handler that accepts. */
export const connect = (handler: Handler, options?: TestClient.Options) =>
  Effect.flatMap(webSocket(handler, options), (client) => client.webSocket({}))

/** Runs it on this stack until it waits. */
export const fork = <A, E>(effect: Effect.Effect<A, E>) => Effect.forkChild(effect, { startImmediately: true })
