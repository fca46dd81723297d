import type { DisconnectReason } from "@pagi/core/DisconnectReason"
import * as PagiApp from "@pagi/core/PagiApp"
import type { ServerContext } from "@pagi/core/server/ServerContext"
import { NotedSession } from "@pagi/core/test/drivers/support/NotedSession"
import type { UpgradeRequest, WebSocketUpgrade } from "@pagi/core/exchange/WebSocketUpgrade"
import * as Effect from "effect/Effect"
import { site } from "./Http2Harness.ts"

/** A session without a protocol: it sends back every byte, and ends when the client does. */
export class EchoSession extends NotedSession {
  onData(bytes: Uint8Array): void {
    this.connection.transport.write(bytes)
  }

  onEnd(): void {
    this.notes.push("end")
    this.connection.transport.end()
  }

  override onClose(reason: DisconnectReason | undefined): void {
    this.notes.push(`closed ${reason}`)
    this.connection.exchange.disconnect(reason ?? "client_closed")
    super.onClose(reason)
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
