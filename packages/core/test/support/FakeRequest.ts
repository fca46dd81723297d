import * as Effect from "effect/Effect"
import type { Address } from "../../src/contract/Address.ts"
import type { DisconnectReason } from "../../src/contract/DisconnectReason.ts"
import type { HttpReceiveEvent, HttpSendEvent } from "../../src/contract/Event.ts"
import type { NativeRequest } from "../../src/contract/NativeHandler.ts"
import type { HttpVersion } from "../../src/contract/Scope.ts"
import type { SendError } from "../../src/contract/SendError.ts"
import type { HeaderBlock } from "../../src/http/HeaderBlock.ts"

const gone: HttpReceiveEvent = { type: "http.disconnect" }

/** A request as a server hands it to an adapter, which writes down what it is answered with. */
export class FakeRequest implements NativeRequest {
  method = "POST"
  target = "/"
  rootPath = ""
  httpVersion: HttpVersion = "1.1"
  headers: HeaderBlock = [
    ["host", "test"],
    ["transfer-encoding", "chunked"]
  ]
  secure = false
  client: Address | undefined = ["192.0.2.1", 50_000]
  server: Address | undefined = ["192.0.2.2", 80]
  readonly tls = undefined
  readonly state = { greeting: "Hello" }
  readonly shuttingDown = Effect.never
  readonly readiness = { isReady: true }
  disconnectReason: DisconnectReason | undefined = undefined
  /** How often somebody has asked for a piece of the content. */
  received = 0
  /** What was answered, as events. */
  readonly sent: Array<HttpSendEvent> = []
  /** Why nothing can be sent. */
  problem: string | undefined = undefined
  /** What a `send` waits for behind its event. */
  drained: Effect.Effect<void, SendError> = Effect.void
  readonly #pieces: Array<string>
  readonly #callbacks: Array<(reason: DisconnectReason) => void> = []

  constructor(pieces: ReadonlyArray<string> = [], parts: Partial<Omit<NativeRequest, "receive" | "send">> = {}) {
    this.#pieces = [...pieces]
    Object.assign(this, parts)
  }

  get receive(): Effect.Effect<HttpReceiveEvent> {
    return Effect.sync(() => {
      this.received++
      if (this.disconnectReason !== undefined) return gone
      const body = new TextEncoder().encode(this.#pieces.shift() ?? "")
      return { type: "http.request", body, more: this.#pieces.length > 0 }
    })
  }

  readonly send = (event: HttpSendEvent): Effect.Effect<void, SendError> =>
    Effect.suspend(() => {
      this.sent.push(event)
      return this.drained
    })

  respond(status: number, headers: HeaderBlock, content: string | Uint8Array): string | undefined {
    if (this.problem !== undefined) return this.problem
    this.sent.push({ type: "http.response.start", status, headers }, { type: "http.response.body", body: content })
    return undefined
  }

  onDisconnect(callback: (reason: DisconnectReason) => void): void {
    if (this.disconnectReason === undefined) this.#callbacks.push(callback)
    else callback(this.disconnectReason)
  }

  /** How many wait for the client to leave. */
  get watchers(): number {
    return this.#callbacks.length
  }

  leave(reason: DisconnectReason = "client_closed"): void {
    this.disconnectReason = reason
    for (const callback of this.#callbacks) callback(reason)
  }
}
