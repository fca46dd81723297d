/** Whether the client of a WebSocket handshake leaves before it is answered. */
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type { WebSocketReceiveEvent } from "../contract/Event.ts"
import type { Receive } from "../contract/PagiApp.ts"

/** Receives the beginning of a session, and what can only be its end as long as the handshake is not answered. */
export class HandshakeWatch {
  readonly #receive: Receive<WebSocketReceiveEvent>
  #fiber: Fiber.Fiber<void> | undefined = undefined

  constructor(receive: Receive<WebSocketReceiveEvent>) {
    this.#receive = receive
  }

  /** Runs the callback with the reason when the client leaves. The watch ends with the fiber that has begun it. */
  begin(onLeave: (reason: string) => void): Effect.Effect<void> {
    const wait: Effect.Effect<void> = Effect.flatMap(this.#receive, (event) => {
      if (event.type === "websocket.connect") return wait
      if (event.type === "websocket.disconnect") onLeave(event.reason)
      return Effect.void
    })
    return Effect.map(Effect.forkChild(wait, { startImmediately: true }), (fiber) => {
      this.#fiber = fiber
    })
  }

  /** What is received from now on is the session's. To be run before the handshake is answered. */
  readonly end: Effect.Effect<void> = Effect.suspend(() => {
    const fiber = this.#fiber
    this.#fiber = undefined
    return fiber === undefined ? Effect.void : Fiber.interrupt(fiber)
  })
}
