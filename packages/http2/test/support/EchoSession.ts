import type { DisconnectReason } from "@pagi/core/DisconnectReason"
import * as PagiApp from "@pagi/core/PagiApp"
import { fakeWebSocket } from "@pagi/core/test/drivers/support/FakeWebSocket"
import { NotedSession } from "@pagi/core/test/drivers/support/NotedSession"
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
  const { make, ...noted } = fakeWebSocket((server, connection) => new EchoSession(server, connection))
  return { ...noted, webSocket: make }
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
