/**
 * A WebSocket that sends back what it receives, text as text and bytes as bytes, until the client closes it.
 *
 *     npx pagi-server examples/04-websocket-echo.ts
 *     npx wscat -c ws://127.0.0.1:5000/ -s echo          or, in the console of a browser or of Node:
 *
 *     socket = new WebSocket("ws://127.0.0.1:5000/", "echo")
 *     socket.onmessage = (event) => console.log(event.data)
 *     socket.send("Hello")
 *
 * Press Ctrl-C in the server's terminal: the client is told goodbye.
 */
import type { WebSocketReceiveEvent, WebSocketSendEvent } from "@pagi/core/Event"
import * as PagiApp from "@pagi/core/PagiApp"
import * as Effect from "effect/Effect"

/** Ends when the client has closed. While `send` waits for a slow reader, nothing more is received from it. */
const echo = Effect.fnUntraced(function* (
  receive: PagiApp.Receive<WebSocketReceiveEvent>,
  send: PagiApp.Send<WebSocketSendEvent>
) {
  for (;;) {
    const event = yield* receive
    if (event.type === "websocket.disconnect") return
    if (event.type === "websocket.receive") yield* send({ ...event, type: "websocket.send" })
  }
})

export default PagiApp.make({
  websocket: Effect.fnUntraced(function* (scope, receive, send) {
    yield* receive // websocket.connect
    // An echo means the same in every protocol, so what the client likes best will do.
    const subprotocol = scope.subprotocols[0]
    yield* send({ type: "websocket.accept", ...(subprotocol === undefined ? {} : { subprotocol }) })
    // Finds the clients that are gone without having said so.
    yield* send({ type: "websocket.keepalive", interval: 20, timeout: 10 })
    yield* Effect.raceFirst(echo(receive, send), scope.shuttingDown)
    // Does nothing when it was the client that has closed.
    yield* send({ type: "websocket.close", code: 1001, reason: "The server stops. Goodbye!" })
  }),

  http: Effect.fnUntraced(function* (_scope, _receive, send) {
    yield* send({ type: "http.response.start", status: 426, headers: [["upgrade", "websocket"]] })
    yield* send({ type: "http.response.body", body: "This is for WebSocket clients.\n" })
  })
})
