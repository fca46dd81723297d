import * as Effect from "effect/Effect"
import { concatBytes } from "../bytes/JoinBytes.ts"
import type { WriteBuffer } from "../contract/TransportState.ts"
import type { ChangeSignal } from "./ChangeSignal.ts"
import type { BridgeResponse, ResponseHead } from "../bridge/BridgeResponse.ts"
import { IncompleteResponse, TestResponse } from "./TestResponse.ts"

/** The peer's side of a response: waits for it and takes it. */
export class ResponseReader {
  readonly #response: BridgeResponse
  readonly #taken: Array<Uint8Array> = []
  /** Status and headers of the final response. */
  readonly start: Effect.Effect<ResponseHead, IncompleteResponse>
  /** The next piece of the body; `undefined` after the last one. */
  readonly nextPiece: Effect.Effect<Uint8Array | undefined, IncompleteResponse>

  constructor(host: {
    readonly response: BridgeResponse
    readonly changes: ChangeSignal
    readonly exchange: { readonly writeBuffer: WriteBuffer }
  }) {
    const { changes, exchange, response } = host
    this.#response = response
    this.start = changes.when(() => (response.head === undefined ? this.#failure() : Effect.succeed(response.head)))
    this.nextPiece = changes.when(() => {
      const piece = response.take()
      if (piece === undefined) return response.status === "complete" ? Effect.succeed(undefined) : this.#failure()
      this.#taken.push(piece)
      return Effect.sync(() => {
        exchange.writeBuffer.update()
        return piece
      })
    })
  }

  /** Takes what is still to come and answers the whole response. */
  readonly whole: Effect.Effect<TestResponse, IncompleteResponse> = Effect.gen({ self: this }, function* () {
    const head = yield* this.start
    let piece = yield* this.nextPiece
    while (piece !== undefined) piece = yield* this.nextPiece
    return this.#received(head)
  })

  #failure(): Effect.Effect<never, IncompleteResponse> | undefined {
    const { head, status } = this.#response
    if (status !== "truncated" && status !== "disconnected") return undefined
    return Effect.fail(
      new IncompleteResponse({ reason: status, ...(head === undefined ? {} : { received: this.#received(head) }) })
    )
  }

  #received(head: ResponseHead): TestResponse {
    const { interim, trailerFields } = this.#response
    return new TestResponse(head, concatBytes(this.#taken), trailerFields, interim)
  }
}
