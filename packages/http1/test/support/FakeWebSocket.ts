import { type ByteString, fromBytes } from "@pagi/core/bytes/ByteString"
import type { WebSocketReceiveEvent, WebSocketSendEvent } from "@pagi/core/Event"
import * as PagiApp from "@pagi/core/PagiApp"
import type { WebSocketScope } from "@pagi/core/Scope"
import type { ServerContext } from "@pagi/core/server/ServerContext"
import { NotedSession } from "@pagi/core/test/drivers/support/NotedSession"
import type { UpgradeRequest, WebSocketUpgrade } from "@pagi/core/exchange/WebSocketUpgrade"
import * as Effect from "effect/Effect"
import { hello } from "@pagi/core/test/drivers/support/Applications"
import { get } from "./Machine.ts"

export type Receive = PagiApp.Receive<WebSocketReceiveEvent>
export type Send = PagiApp.Send<WebSocketSendEvent>

/** A request for a session. */
export const handshake = (...fields: ReadonlyArray<string>): string =>
  get("Connection: keep-alive, Upgrade", "Upgrade: websocket", ...fields)

export const accept = { type: "websocket.accept" } as const
export const close = { type: "websocket.close" } as const

/** An application with sessions, which notes their scopes; it greets those who ask for something else. */
export const chatting = (websocket: PagiApp.WebSocketHandler<unknown>) => {
  const scopes: Array<WebSocketScope> = []
  const application = PagiApp.make({
    http: hello,
    websocket: (scope: WebSocketScope, receive: Receive, send: Send) => {
      scopes.push(scope)
      return websocket(scope, receive, send)
    }
  })
  return { application, scopes }
}

/** Receives up to the end of the exchange. */
export const receiveAll = Effect.fnUntraced(function* (receive: Receive) {
  const events: Array<WebSocketReceiveEvent> = []
  for (;;) {
    const event = yield* receive
    events.push(event)
    if (event.type === "websocket.disconnect") return events
  }
})

/** Accepts, and runs up to the end of the session. */
export const accepting: PagiApp.WebSocketHandler<unknown> = (_scope, receive, send) =>
  Effect.andThen(send(accept), receiveAll(receive))

/** A session without a protocol, which keeps what it receives. */
export class FakeSession extends NotedSession {
  /** What the peer has sent, from the handshake on. */
  received: ByteString = ""

  override begin(): void {
    this.notes.push("begin")
    super.begin()
    this.onData(this.connection.received)
  }

  override onApplicationEnd(): void {
    this.notes.push("application ended")
    super.onApplicationEnd()
  }

  onData(bytes: Uint8Array): void {
    this.received += fromBytes(bytes, 0, bytes.length)
  }

  onEnd(): void {
    this.abort("client_closed")
  }
}

/** A protocol that anybody may speak who asks for it, except with the field X-Refuse. */
export const fakeWebSocket = () => {
  const sessions: Array<FakeSession> = []
  const requests: Array<UpgradeRequest> = []
  const make = (server: ServerContext): WebSocketUpgrade => ({
    read: (request) => {
      requests.push(request)
      if (request.upgrade !== "websocket") return undefined
      const isRefused = request.headers.some(([name]) => name === "x-refuse")
      if (isRefused) {
        return { type: "error", status: 426, message: "Another one, please", headers: [["x-another", "yes"]] }
      }
      return {
        type: "handshake",
        subprotocols: ["chat", "superchat"],
        accept: (subprotocol = "", headers) => [
          ["connection", "upgrade"],
          ["upgrade", "websocket"],
          ["x-subprotocol", subprotocol],
          ...headers
        ],
        open: (connection) => {
          const session = new FakeSession(server, connection)
          sessions.push(session)
          return session
        }
      }
    }
  })
  return { make, requests, sessions }
}
