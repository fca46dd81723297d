/** A protocol for upgraded connections that is as simple as can be, for tests of what drivers do around it. */
import { assert } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import { type ByteString, fromBytes } from "../../../src/bytes/ByteString.ts"
import type { DisconnectReason } from "../../../src/contract/DisconnectReason.ts"
import type { WebSocketReceiveEvent, WebSocketSendEvent } from "../../../src/contract/Event.ts"
import * as PagiApp from "../../../src/contract/PagiApp.ts"
import type { WebSocketScope } from "../../../src/contract/Scope.ts"
import type {
  OpenWebSocket,
  UpgradedConnection,
  UpgradeRequest,
  WebSocketUpgrade
} from "../../../src/exchange/WebSocketUpgrade.ts"
import type { ServerContext } from "../../../src/server/ServerContext.ts"
import type { Input } from "../../../src/options/ServerOptions.ts"
import { hello } from "./Applications.ts"
import { assertNothingLeft, type Harness, makeHarness, turn } from "./Harness.ts"
import { NotedSession } from "./NotedSession.ts"
import type { Client, RequestOptions, Version } from "./Version.ts"

export type Receive = PagiApp.Receive<WebSocketReceiveEvent>
export type Send = PagiApp.Send<WebSocketSendEvent>

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

  override onClose(reason: DisconnectReason | undefined): void {
    this.connection.exchange.disconnect(reason ?? "client_closed")
    super.onClose(reason)
  }
}

/** A protocol that anybody may speak who asks for it, except with the field X-Refuse. */
export const fakeWebSocket = <Session extends OpenWebSocket>(
  makeSession: (server: ServerContext, connection: UpgradedConnection) => Session
) => {
  const sessions: Array<Session> = []
  const requests: Array<UpgradeRequest> = []
  const make = (server: ServerContext): WebSocketUpgrade => ({
    read: (request) => {
      requests.push(request)
      // Over HTTP/2 it has been told apart before.
      const isUpgrade = request.httpVersion !== "2"
      if (isUpgrade && request.upgrade !== "websocket") return undefined
      if (request.headers.some(([name]) => name === "x-refuse")) {
        return { type: "error", status: 426, message: "Another one, please", headers: [["x-another", "yes"]] }
      }
      const fields = isUpgrade
        ? ([
            ["connection", "upgrade"],
            ["upgrade", "websocket"]
          ] as const)
        : []
      return {
        type: "handshake",
        subprotocols: ["chat", "superchat"],
        accept: (subprotocol, headers) => [
          ...fields,
          ...(subprotocol === undefined ? [] : [["x-subprotocol", subprotocol] as const]),
          ...headers
        ],
        open: (connection) => {
          const session = makeSession(server, connection)
          sessions.push(session)
          return session
        }
      }
    }
  })
  return { make, requests, sessions }
}

/** The protocol with sessions that do nothing by themselves. */
export const fakeSessions = () => fakeWebSocket((server, connection) => new FakeSession(server, connection))

/** A server with sessions, whose applications do as the handler says. */
export const serveSessions = (version: Version, websocket: PagiApp.WebSocketHandler<unknown>, options: Input = {}) =>
  Effect.gen(function* () {
    const webSocket = fakeSessions()
    const { application, scopes } = chatting(websocket)
    const harness = yield* makeHarness(version, application, { options, webSocket: webSocket.make })
    return { harness, scopes, ...webSocket }
  })

/** A handshake on a new connection, after everything that needs no time has happened. */
export const handshake = (harness: Harness, request?: RequestOptions) =>
  Effect.gen(function* () {
    const client = harness.connect()
    const exchange = client.handshake(request)
    yield* turn
    return { client, exchange }
  })

/** Ends the sessions; then nothing may be left. */
export const endSessions = (harness: Harness, ...clients: ReadonlyArray<Client>) =>
  Effect.gen(function* () {
    for (const { transport } of clients) transport.pushEnd()
    yield* TestClock.adjust("6 seconds")
    assertNothingLeft(harness)
    assert.strictEqual(harness.server.deadlines.size, 0)
  })
