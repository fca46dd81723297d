import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { Server } from "./Programs.ts"
import { until } from "./Until.ts"

/** Node's own WebSocket, with what came over it. */
export class WebSocketClient {
  readonly #socket: WebSocket
  #closed: { readonly code: number; readonly reason: string } | undefined
  /** Text as it is, bytes as an ArrayBuffer. */
  readonly received: Array<unknown> = []

  constructor(socket: WebSocket) {
    this.#socket = socket
    socket.binaryType = "arraybuffer"
    socket.addEventListener("message", ({ data }) => this.received.push(data))
    socket.addEventListener("close", ({ code, reason }) => {
      this.#closed = { code, reason }
    })
  }

  get protocol(): string {
    return this.#socket.protocol
  }

  readonly opened: Effect.Effect<void> = until(
    "the WebSocket is open",
    Effect.sync(() => this.#socket.readyState === this.#socket.OPEN)
  )

  /** Waits for the end, and yields how it came. */
  readonly closed = Effect.andThen(
    until(
      "the WebSocket is closed",
      Effect.sync(() => this.#closed !== undefined)
    ),
    Effect.sync(() => this.#closed)
  )

  send(message: string | Uint8Array<ArrayBuffer>): void {
    this.#socket.send(message)
  }

  close(): void {
    this.#socket.close()
  }

  /** Waits until so many messages have come. */
  receives(count: number): Effect.Effect<void> {
    return until(
      `${count} messages have come`,
      Effect.sync(() => this.received.length >= count)
    )
  }
}

/** Opens a WebSocket; it is closed with the scope. */
export const connect = (
  { port }: Server,
  path: string,
  protocols: Array<string> = []
): Effect.Effect<WebSocketClient, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.sync(() => new WebSocketClient(new WebSocket(`ws://127.0.0.1:${port}${path}`, protocols))),
    (client) => Effect.sync(() => client.close())
  ).pipe(Effect.tap((client) => client.opened))
