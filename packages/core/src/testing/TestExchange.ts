import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import type { DisconnectReason } from "../contract/DisconnectReason.ts"
import type { MemoryHost } from "./MemoryHost.ts"
import { ResponseReader } from "./ResponseReader.ts"
import type { Content } from "./TestRequest.ts"
import type { ResponseHead } from "../bridge/BridgeResponse.ts"
import type { IncompleteResponse, TestResponse } from "./TestResponse.ts"

/**
 * An exchange of a `TestClient`; the test is the peer. A piece that the test has not taken is one that the peer has not
 * read: above the server's `writeHighWatermark` of them, the application's `send` suspends.
 */
export class TestExchange {
  readonly #host: MemoryHost
  /** Status and headers of the final response. */
  readonly start: Effect.Effect<ResponseHead, IncompleteResponse>
  /** The next piece of the response body, as the application sent it; `undefined` after the last one. */
  readonly nextPiece: Effect.Effect<Uint8Array | undefined, IncompleteResponse>
  /** Takes what is still to come and answers the whole response. */
  readonly response: Effect.Effect<TestResponse, IncompleteResponse>
  /** How the application ended. */
  readonly exit: Effect.Effect<Exit.Exit<unknown, unknown>>

  constructor(host: MemoryHost) {
    const reader = new ResponseReader(host)
    this.#host = host
    this.start = reader.start
    this.nextPiece = reader.nextPiece
    this.response = reader.whole
    this.exit = host.changes.when(() => (host.exit === undefined ? undefined : Effect.succeed(host.exit)))
  }

  /** Sends a piece of the request body, the last one unless `more` is true; only for requests with `more: true`. */
  readonly sendBody = (piece: Content, more = false): Effect.Effect<void> =>
    Effect.suspend(() =>
      this.#host.addBody(piece, more) ? Effect.void : Effect.die(new Error("the request body is complete already"))
    )

  /** The peer leaves. The application is interrupted if it has not ended within the server's `disconnectGrace`. */
  readonly disconnect = (reason: DisconnectReason = "client_closed"): Effect.Effect<void> =>
    Effect.sync(() => this.#host.disconnect(reason))
}
