/** The content of a request for a program of Effect's: read once, as bytes or as a stream. */
import type * as ByteSize from "effect/ByteSize"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Stream from "effect/Stream"
import type { HttpReceiveEvent } from "../contract/Event.ts"
import type { Receive } from "../contract/PagiApp.ts"

/** Why content does not come to its end: there is more than the program allows, or the client has gone. */
export type BodyProblem = "too-large" | "gone"

const none = new Uint8Array(0)

/** The bytes of all pieces; a single one is not copied. */
const join = (pieces: ReadonlyArray<Uint8Array>, length: number): Uint8Array => {
  const [first] = pieces
  if (first === undefined) return none
  if (pieces.length === 1) return first
  const bytes = new Uint8Array(length)
  let at = 0
  for (const piece of pieces) {
    bytes.set(piece, at)
    at += piece.length
  }
  return bytes
}

/** Reads content piece by piece; what has come already costs no step of a fiber. */
class Collector {
  readonly #receive: Receive<HttpReceiveEvent>
  readonly #limit: number
  readonly #pieces: Array<Uint8Array> = []
  #length = 0

  constructor(receive: Receive<HttpReceiveEvent>, limit: number) {
    this.#receive = receive
    this.#limit = limit
  }

  /** Takes a piece; answers how reading has ended, if it has. */
  #take(event: HttpReceiveEvent): Exit.Exit<Uint8Array, BodyProblem> | undefined {
    if (event.type === "http.disconnect") return Exit.fail("gone")
    this.#length += event.body.length
    if (this.#length > this.#limit) return Exit.fail("too-large")
    if (event.body.length > 0) this.#pieces.push(event.body)
    return event.more ? undefined : Exit.succeed(join(this.#pieces, this.#length))
  }

  readonly all: Effect.Effect<Uint8Array, BodyProblem> = Effect.flatMap(
    Effect.suspend(() => this.#receive),
    (event) => this.#take(event) ?? this.all
  )
}

/** All of the content, unless it is longer than `limit` bytes. */
export const collect = (
  receive: Receive<HttpReceiveEvent>,
  limit: ByteSize.ByteSize | undefined
): Effect.Effect<Uint8Array, BodyProblem> =>
  new Collector(receive, limit === undefined ? Number.POSITIVE_INFINITY : Number(limit)).all

/** The content as it comes. */
export const stream = (receive: Receive<HttpReceiveEvent>): Stream.Stream<Uint8Array, BodyProblem> =>
  Stream.filter(
    Stream.unfold(true, (more) =>
      more
        ? Effect.flatMap(receive, (event) =>
            event.type === "http.disconnect"
              ? Effect.fail<BodyProblem>("gone")
              : Effect.succeed([event.body, event.more] as const)
          )
        : Effect.undefined
    ),
    (piece) => piece.length > 0
  )
