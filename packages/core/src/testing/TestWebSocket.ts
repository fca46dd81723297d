import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as Schema from "effect/Schema"
import type { DisconnectReason } from "../contract/DisconnectReason.ts"
import type { WebSocketMessage } from "../exchange/WebSocket.ts"
import type { HeaderBlock } from "../http/HeaderBlock.ts"
import type { CloseFrame } from "./CloseFrame.ts"
import type { AcceptedHandshake } from "../bridge/BridgeWebSocket.ts"
import type { MemoryWebSocket } from "./MemoryWebSocket.ts"
import { closeFrameProblem } from "../http/CloseCode.ts"
import { TestResponse } from "./TestResponse.ts"

/** The handshake was answered by a response instead of a session. */
export class WebSocketRefused extends Schema.TaggedError<WebSocketRefused>()("WebSocketRefused", {
  response: Schema.instanceOf(TestResponse)
}) {
  override get message(): string {
    return `the WebSocket was refused with status ${this.response.status}`
  }
}

/** The session has ended: with the close frame of the server, or with 1006 when there was none. */
export class WebSocketClosed extends Schema.TaggedError<WebSocketClosed>()("WebSocketClosed", {
  code: Schema.Int,
  reason: Schema.String
}) {
  override get message(): string {
    return `the WebSocket is closed with code ${this.code}${this.reason === "" ? "" : `: ${this.reason}`}`
  }
}

/** A frame without a code (RFC 6455 §7.1.5). */
const noCode: CloseFrame = { code: 1005, reason: "" }

/**
 * A session with the application; the test is the client. A message that the test has not taken is one that the client
 * has not read: above the server's `writeHighWatermark` of them, the application's `send` suspends.
 */
export class TestWebSocket {
  /** What the application has chosen of the offered subprotocols, if it has. */
  readonly subprotocol: string | undefined
  /** The fields that the application gave when it accepted, with names in lower case. */
  readonly headers: HeaderBlock
  readonly #host: MemoryWebSocket
  /** The next message of the application. Those from before the end can still be taken behind it. */
  readonly receive: Effect.Effect<WebSocketMessage, WebSocketClosed>
  /** How the server has closed the session, when it has: code and reason of its close frame, 1006 without one. */
  readonly closed: Effect.Effect<CloseFrame>
  /** How the application ended. */
  readonly exit: Effect.Effect<Exit.Exit<unknown, unknown>>

  constructor(host: MemoryWebSocket, { headers, subprotocol }: AcceptedHandshake) {
    const { changes } = host
    this.subprotocol = subprotocol
    this.headers = headers
    this.#host = host
    this.receive = changes.when(() => {
      const message = host.take()
      if (message === undefined) return host.closed && Effect.fail(new WebSocketClosed(host.closed))
      return Effect.sync(() => {
        host.exchange.writeBuffer.update()
        return message
      })
    })
    this.closed = changes.when(() => host.closed && Effect.succeed(host.closed))
    this.exit = changes.when(() => host.exit && Effect.succeed(host.exit))
  }

  /** How many pings the client has got, and answered. */
  get pings(): number {
    return this.#host.pings
  }

  /** Sends a message: text, or bytes. */
  readonly send = (message: WebSocketMessage): Effect.Effect<void, WebSocketClosed> =>
    Effect.suspend(() => {
      const { closed } = this.#host
      return closed === undefined
        ? Effect.sync(() => this.#host.receive(message))
        : Effect.fail(new WebSocketClosed(closed))
    })

  /**
   * Closes the session, without a code by an empty close frame. Without effect on one that has ended. The application is
   * interrupted if it has not ended within the server's `disconnectGrace`.
   */
  readonly close = (code?: number, reason = ""): Effect.Effect<void> =>
    Effect.suspend(() => {
      const problem = code === undefined ? undefined : closeFrameProblem(code, reason)
      if (problem !== undefined) return Effect.die(new Error(problem))
      return Effect.sync(() => this.#host.closeByPeer(code === undefined ? noCode : { code, reason }))
    })

  /** The client is gone without a close frame, or its connection is dropped for this reason. */
  readonly disconnect = (reason: DisconnectReason = "client_closed"): Effect.Effect<void> =>
    Effect.sync(() => this.#host.disconnect(reason))
}
