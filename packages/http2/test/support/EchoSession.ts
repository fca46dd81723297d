import { toBytes } from "@pagi/core/bytes/ByteString"
import type { ScopedConnection } from "@pagi/core/server/ConnectionScope"
import type { DisconnectReason } from "@pagi/core/DisconnectReason"
import * as PagiApp from "@pagi/core/PagiApp"
import type { ServerContext } from "@pagi/core/server/ServerContext"
import type { TransportHandler } from "@pagi/core/Transport"
import type {
  OpenWebSocket,
  UpgradedConnection,
  UpgradeRequest,
  WebSocketUpgrade
} from "@pagi/core/exchange/WebSocketUpgrade"
import * as Effect from "effect/Effect"
import { site } from "./Http2Harness.ts"

/** A session without a protocol: it sends back every byte, ends when the client does, and notes what happens. */
export class EchoSession implements OpenWebSocket, TransportHandler, ScopedConnection {
  readonly connection: UpgradedConnection
  readonly notes: Array<string> = []
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
    this.connection.transport.resume()
  }

  send(message: string | Uint8Array): void {
    this.connection.transport.write(typeof message === "string" ? toBytes(message) : message)
  }

  close(code: number): undefined {
    this.notes.push(`close ${code}`)
    this.connection.transport.end()
  }

  keepAlive(): void {}
  onTaken(): void {}

  onApplicationEnd(): void {
    this.#running--
    this.#finish()
  }

  onData(bytes: Uint8Array): void {
    this.connection.transport.write(bytes)
  }

  onEnd(): void {
    this.notes.push("end")
    this.connection.transport.end()
  }

  onFlush(): void {}

  onBlocked(): void {
    this.notes.push("blocked")
  }

  onDrain(): void {
    this.notes.push("drained")
  }

  onClose(reason: DisconnectReason | undefined): void {
    this.notes.push(`closed ${reason}`)
    this.#isClosed = true
    this.connection.exchange.disconnect(reason ?? "client_closed")
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

/** The protocol of such sessions, for anybody who does not send X-Refuse. */
export const echoProtocol = () => {
  const sessions: Array<EchoSession> = []
  const requests: Array<UpgradeRequest> = []
  const webSocket = (server: ServerContext): WebSocketUpgrade => ({
    read: (request) => {
      requests.push(request)
      if (request.headers.some(([name]) => name === "x-refuse")) {
        return { type: "error", status: 400, message: "Another one, please", headers: [["x-another", "yes"]] }
      }
      return {
        type: "handshake",
        subprotocols: ["chat"],
        accept: (subprotocol, headers) => [
          ...(subprotocol === undefined ? [] : [["x-subprotocol", subprotocol] as const]),
          ...headers
        ],
        open: (connection) => {
          const session = new EchoSession(server, connection)
          sessions.push(session)
          return session
        }
      }
    }
  })
  return { webSocket, requests, sessions }
}

/** Accepts sessions at every path except `/denied`, and lasts until they end. */
export const echoApplication = PagiApp.make({
  http: site,
  websocket: (scope, receive, send) =>
    Effect.gen(function* () {
      if (scope.path === "/denied") return yield* send({ type: "websocket.close" })
      yield* send({ type: "websocket.accept" })
      if (scope.path === "/brief") return yield* send({ type: "websocket.close" })
      while ((yield* receive).type !== "websocket.disconnect");
    })
})
