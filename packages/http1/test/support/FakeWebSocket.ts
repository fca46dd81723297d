import { type ByteString, fromBytes } from "@pagi/core/bytes/ByteString"
import type { ScopedConnection } from "@pagi/core/server/ConnectionScope"
import type { DisconnectReason } from "@pagi/core/DisconnectReason"
import type { WebSocketReceiveEvent, WebSocketSendEvent } from "@pagi/core/Event"
import * as PagiApp from "@pagi/core/PagiApp"
import type { WebSocketScope } from "@pagi/core/Scope"
import type { ServerContext } from "@pagi/core/server/ServerContext"
import type { TransportHandler } from "@pagi/core/Transport"
import type {
  OpenWebSocket,
  UpgradedConnection,
  UpgradeRequest,
  WebSocketUpgrade
} from "@pagi/core/exchange/WebSocketUpgrade"
import * as Effect from "effect/Effect"
import { hello } from "./Applications.ts"
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

/** A session without a protocol: what the driver has handed over, and what has happened since. */
export class FakeSession implements OpenWebSocket, TransportHandler, ScopedConnection {
  readonly connection: UpgradedConnection
  readonly notes: Array<string> = []
  /** What the peer has sent, from the handshake on. */
  received: ByteString = ""
  readonly bufferedAmount = 0
  readonly #server: ServerContext
  #isClosed = false
  #running: number

  constructor(server: ServerContext, connection: UpgradedConnection) {
    this.connection = connection
    this.#server = server
    this.#running = connection.running
    connection.transport.open(this)
    connection.scope.handOver(this)
  }

  begin(): void {
    this.notes.push("begin")
    this.connection.transport.resume()
    this.onData(this.connection.received)
  }

  send(message: string | Uint8Array): void {
    this.connection.transport.write(message)
  }

  close(code: number): undefined {
    this.notes.push(`close ${code}`)
    this.connection.transport.end()
  }

  keepAlive(): void {}
  onTaken(): void {}

  onApplicationEnd(): void {
    this.notes.push("application ended")
    this.#running--
    this.#finish()
  }

  onData(bytes: Uint8Array): void {
    this.received += fromBytes(bytes, 0, bytes.length)
  }

  onEnd(): void {
    this.abort("client_closed")
  }

  onFlush(): void {}

  onBlocked(): void {
    this.notes.push("blocked")
  }

  onDrain(): void {
    this.notes.push("drained")
  }

  onClose(): void {
    this.#isClosed = true
    this.#finish()
  }

  drain(): void {
    this.notes.push("drain")
  }

  abort(reason: DisconnectReason): void {
    this.notes.push(`abort ${reason}`)
    this.connection.exchange.disconnect(reason)
    this.connection.transport.destroy()
  }

  onScopeClose(): void {
    if (!this.#isClosed) this.abort("server_shutdown")
  }

  #finish(): void {
    if (!this.#isClosed || this.#running > 0) return
    this.connection.entry?.end("complete")
    this.#server.registry.remove(this)
    this.connection.scope.close()
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
