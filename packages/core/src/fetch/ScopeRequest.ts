/** A request that comes by the events of the contract, as a fetch handler is given one. */
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type { DisconnectReason } from "../contract/DisconnectReason.ts"
import type { HttpReceiveEvent, HttpSendEvent } from "../contract/Event.ts"
import type { NativeHandler, NativeRequest } from "../contract/NativeHandler.ts"
import type { Receive, Send } from "../contract/PagiApp.ts"
import { RequestOfScope } from "../contract/RequestOfScope.ts"
import type { HttpScope, State } from "../contract/Scope.ts"
import type { SendError } from "../contract/SendError.ts"
import type { TlsExtension } from "../contract/TlsExtension.ts"
import type { HeaderBlock } from "../http/HeaderBlock.ts"

class ScopeRequest extends RequestOfScope<HttpScope> implements NativeRequest {
  readonly receive: Receive<HttpReceiveEvent>
  readonly send: Send<HttpSendEvent>
  /** Sends what `respond` was given. */
  rest: Effect.Effect<void, SendError> = Effect.void

  constructor(scope: HttpScope, receive: Receive<HttpReceiveEvent>, send: Send<HttpSendEvent>) {
    super(scope)
    this.receive = receive
    this.send = send
  }

  get tls(): TlsExtension | undefined {
    // The server has put it there.
    return this.scope.extensions["tls"] as TlsExtension | undefined
  }

  get state(): State {
    return this.scope.state
  }

  get disconnectReason(): DisconnectReason | undefined {
    return this.scope.connection.disconnectReason
  }

  /** What is wrong with it shows when it is sent. */
  respond(status: number, headers: HeaderBlock, content: string | Uint8Array): undefined {
    this.rest = Effect.andThen(
      this.send({ type: "http.response.start", status, headers }),
      this.send({ type: "http.response.body", body: content })
    )
  }

  onDisconnect(callback: (reason: DisconnectReason) => void): void {
    this.scope.connection.onDisconnect(callback)
  }
}

/** Answers a request of the contract, as the program of the current fiber. */
export const runScope = (
  native: NativeHandler,
  scope: HttpScope,
  receive: Receive<HttpReceiveEvent>,
  send: Send<HttpSendEvent>
): Effect.Effect<void, unknown> =>
  Effect.withFiber((fiber) => {
    const request = new ScopeRequest(scope, receive, send)
    const answering = native(request, fiber.context)
    const answered = Effect.onInterrupt(Fiber.join(answering), () => Fiber.interrupt(answering))
    return Effect.andThen(
      answered,
      Effect.suspend(() => request.rest)
    )
  })
