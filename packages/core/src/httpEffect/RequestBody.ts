/** The content of a request for a program of Effect's: read once, as bytes or as a stream. */
import type * as ByteSize from "effect/ByteSize"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Stream from "effect/Stream"
import { joinBytes } from "../bytes/JoinBytes.ts"
import type { HttpReceiveEvent } from "../contract/Event.ts"
import type { Receive } from "../contract/PagiApp.ts"

/** Why content does not come to its end: there is more than the program allows, or the client has gone. */
export type BodyProblem = "too-large" | "gone"

/** What is left of the content of a request. A reader begins where the one before it has stopped. */
export class RequestBody {
  readonly #receive: Receive<HttpReceiveEvent>
  #isOver = false

  constructor(receive: Receive<HttpReceiveEvent>) {
    this.#receive = receive
  }

  /** The next piece, which may be empty; `undefined` behind the last one. */
  readonly next: Effect.Effect<Uint8Array | undefined, BodyProblem> = Effect.suspend(() =>
    this.#isOver ? Effect.undefined : this.#more
  )

  readonly #more: Effect.Effect<Uint8Array, BodyProblem> = Effect.flatMap(
    Effect.suspend(() => this.#receive),
    (event) => {
      if (event.type === "http.disconnect") return Exit.fail("gone")
      this.#isOver = !event.more
      return Exit.succeed(event.body)
    }
  )

  get isOver(): boolean {
    return this.#isOver
  }

  /** All of it, unless it is longer than `limit` bytes. */
  collect(limit: ByteSize.ByteSize | undefined): Effect.Effect<Uint8Array, BodyProblem> {
    return new Collector(this, limit === undefined ? Number.POSITIVE_INFINITY : Number(limit)).all
  }

  /** It as it comes. */
  get stream(): Stream.Stream<Uint8Array, BodyProblem> {
    const pieces = Stream.unfold(undefined, () =>
      Effect.map(this.next, (piece) => (piece === undefined ? undefined : ([piece, undefined] as const)))
    )
    return Stream.filter(pieces, (piece) => piece.length > 0)
  }
}

/** Reads content piece by piece. */
class Collector {
  readonly #body: RequestBody
  readonly #limit: number
  readonly #pieces: Array<Uint8Array> = []
  #length = 0

  constructor(body: RequestBody, limit: number) {
    this.#body = body
    this.#limit = limit
  }

  /** Takes a piece; answers how reading has ended, if it has. */
  #take(piece: Uint8Array | undefined): Exit.Exit<Uint8Array, BodyProblem> | undefined {
    if (piece !== undefined) {
      this.#length += piece.length
      if (this.#length > this.#limit) return Exit.fail("too-large")
      if (piece.length > 0) this.#pieces.push(piece)
    }
    return this.#body.isOver ? Exit.succeed(joinBytes(this.#pieces)) : undefined
  }

  readonly all: Effect.Effect<Uint8Array, BodyProblem> = Effect.flatMap(
    Effect.suspend(() => this.#body.next),
    (piece) => this.#take(piece) ?? this.all
  )
}
