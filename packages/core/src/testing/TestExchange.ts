import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import type { DisconnectReason } from "../DisconnectReason.ts"
import type { MemoryHost } from "./MemoryHost.ts"
import type { Content } from "./TestRequest.ts"
import { IncompleteResponse, type ResponseHead, TestResponse } from "./TestResponse.ts"

const concatenate = (pieces: ReadonlyArray<Uint8Array>): Uint8Array => {
  const bytes = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0))
  let offset = 0
  for (const piece of pieces) {
    bytes.set(piece, offset)
    offset += piece.length
  }
  return bytes
}

/**
 * An exchange of a `TestClient`; the test is the peer. A piece that the test has not taken is one that the peer has not
 * read: above the server's `writeHighWatermark` of them, the application's `send` suspends.
 */
export class TestExchange {
  readonly #host: MemoryHost
  readonly #taken: Array<Uint8Array> = []
  readonly #watchers = new Set<() => void>()
  readonly #leave: Effect.Effect<void>

  /** `leave` is run when the peer disconnects. */
  constructor(host: MemoryHost, leave: Effect.Effect<void>) {
    this.#host = host
    this.#leave = leave
    host.onChange = () => this.#look()
  }

  /** Status and headers of the final response. */
  readonly start: Effect.Effect<ResponseHead, IncompleteResponse> = this.#when(() =>
    this.#host.head === undefined ? this.#failure() : Effect.succeed(this.#host.head)
  )

  /** The next piece of the response body, as the application sent it; `undefined` after the last one. */
  readonly nextPiece: Effect.Effect<Uint8Array | undefined, IncompleteResponse> = this.#when(() => {
    const piece = this.#host.take()
    if (piece === undefined) return this.#host.status === "complete" ? Effect.succeed(undefined) : this.#failure()
    this.#taken.push(piece)
    return Effect.sync(() => {
      this.#host.exchange.writeBuffer.update()
      return piece
    })
  })

  /** Takes what is still to come and answers the whole response. */
  readonly response: Effect.Effect<TestResponse, IncompleteResponse> = Effect.gen({ self: this }, function* () {
    const head = yield* this.start
    let piece = yield* this.nextPiece
    while (piece !== undefined) piece = yield* this.nextPiece
    return this.#received(head)
  })

  /** How the application ended. */
  readonly exit: Effect.Effect<Exit.Exit<unknown, unknown>> = this.#when(() =>
    this.#host.exit === undefined ? undefined : Effect.succeed(this.#host.exit)
  )

  /** Sends a piece of the request body, the last one unless `more` is true; only for requests with `more: true`. */
  readonly sendBody = (piece: Content, more = false): Effect.Effect<void> =>
    Effect.suspend(() =>
      this.#host.addBody(piece, more) ? Effect.void : Effect.die(new Error("the request body is complete already"))
    )

  /** The peer leaves. The application is interrupted if it has not ended within the server's `disconnectGrace`. */
  readonly disconnect = (reason: DisconnectReason = "client_closed"): Effect.Effect<void> =>
    Effect.suspend(() => {
      this.#host.disconnect(reason)
      return this.#leave
    })

  /** Waits until `read` finds what it looks for. */
  #when<A, E>(read: () => Effect.Effect<A, E> | undefined): Effect.Effect<A, E> {
    return Effect.callback((resume) => {
      const present = read()
      if (present !== undefined) return resume(present)
      const look = () => {
        const found = read()
        if (found === undefined) return
        this.#watchers.delete(look)
        // Lets the application's step, in which this happens, come to its end.
        resume(Effect.andThen(Effect.yieldNow, found))
      }
      this.#watchers.add(look)
      return Effect.sync(() => this.#watchers.delete(look))
    })
  }

  #look(): void {
    for (const look of [...this.#watchers]) look()
  }

  #failure(): Effect.Effect<never, IncompleteResponse> | undefined {
    const { head, status } = this.#host
    if (status !== "truncated" && status !== "disconnected") return undefined
    return Effect.fail(
      new IncompleteResponse({ reason: status, ...(head === undefined ? {} : { received: this.#received(head) }) })
    )
  }

  #received(head: ResponseHead): TestResponse {
    return new TestResponse(head, concatenate(this.#taken), this.#host.trailerFields, this.#host.interim)
  }
}
