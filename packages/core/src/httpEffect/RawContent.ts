/** What the raw content of a response of Effect's is: programs put there what other servers would take. */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { joinBytes } from "../bytes/JoinBytes.ts"
import type { FilePart } from "../contract/FileSource.ts"
import { isFormContent } from "../http/FormContent.ts"
import { isTrailed, type TrailedContent } from "./TrailedContent.ts"

/** The name by which content of any kind says which part of a file it has. */
export const filePart: unique symbol = Symbol.for("@pagi/core/FilePart")

/** Content that has a part of a file: that is sent in the way of this server, and the content itself is not read. */
export interface FileContent {
  readonly [filePart]: FilePart
}

export const isFile = (content: unknown): content is FileContent =>
  typeof content === "object" && content !== null && filePart in content

/** Content that comes in pieces, which `join` makes bytes of. */
export type Pieces = Stream.Stream<unknown, unknown>

export type Content = string | Uint8Array | FileContent | TrailedContent | Pieces

/** What of Node's streams is needed here, which this package does not know. */
interface Destroyable {
  readonly destroy: () => void
}

const isDestroyable = (content: unknown): content is Destroyable =>
  typeof content === "object" && content !== null && "destroy" in content && typeof content.destroy === "function"

const isAsyncIterable = (content: unknown): content is AsyncIterable<unknown> =>
  typeof content === "object" && content !== null && Symbol.asyncIterator in content

/** The pieces of a stream of the web. */
const ofWeb = (body: ReadableStream<unknown>, releaseLockOnEnd = false): Pieces =>
  Stream.fromReadableStream({ evaluate: () => body, onError: (cause) => cause, releaseLockOnEnd })

/** The pieces of a response of the web. */
export const ofResponse = ({ body, headers }: globalThis.Response): Pieces =>
  body === null ? Stream.empty : ofWeb(body, isFormContent(headers.get("content-type")))

const ofIterable = (content: AsyncIterable<unknown>): Pieces => {
  const pieces = Stream.fromAsyncIterable(content, (cause) => cause)
  // The end of an iteration waits for the piece that was asked for, which may never come.
  return isDestroyable(content)
    ? Stream.ensuring(
        pieces,
        Effect.sync(() => content.destroy())
      )
    : pieces
}

/** What is to be sent, unless the content is of a kind that cannot be. */
export const of = (content: unknown): Content | undefined => {
  if (content === undefined || content === null) return ""
  if (typeof content === "string" || content instanceof Uint8Array) return content
  if (isFile(content) || isTrailed(content)) return content
  if (content instanceof ArrayBuffer) return new Uint8Array(content)
  if (content instanceof ReadableStream) return ofWeb(content)
  if (content instanceof Blob) return ofWeb(content.stream())
  return isAsyncIterable(content) ? ofIterable(content) : undefined
}

/** What is said of content that cannot be sent. */
export const problemOf = (content: unknown): Cause.IllegalArgumentError =>
  new Cause.IllegalArgumentError(
    `raw content has to be a text, bytes, a Blob, a Response, or a stream of Node's or of the web, and not ${nameOf(content)}`
  )

/** What is said of a piece that cannot be sent. */
export const pieceProblem = (): Cause.IllegalArgumentError =>
  new Cause.IllegalArgumentError("the pieces of content have to be bytes or texts")

const nameOf = (content: unknown): string => (typeof content === "object" ? "an object" : `a ${typeof content}`)

/** Lets go of content that nobody will get. What this has to say about it is of no interest any more. */
export const cancel = (content: unknown): void => {
  if (content instanceof globalThis.Response) {
    if (!isFormContent(content.headers.get("content-type"))) cancel(content.body)
  } else if (content instanceof ReadableStream) content.cancel().catch(() => {})
  else if (isDestroyable(content)) content.destroy()
}

const encoder = new TextEncoder()

const bytesOf = (piece: unknown): Uint8Array | undefined => {
  if (piece instanceof Uint8Array) return piece
  if (typeof piece === "string") return encoder.encode(piece)
  return piece instanceof ArrayBuffer ? new Uint8Array(piece) : undefined
}

/** Bytes up to which small pieces go out together. */
const gatherLimit = 65_536

/**
 * What a stream has given at a time, as portions that can wait for the client one by one: a piece, or small ones together.
 * It may be thousands of pieces, and all of them joined would be held for a client that does not read.
 */
export class Portions {
  readonly #pieces: ReadonlyArray<unknown>
  #next = 0

  constructor(pieces: ReadonlyArray<unknown>) {
    this.#pieces = pieces
  }

  get hasMore(): boolean {
    return this.#next < this.#pieces.length
  }

  /** The bytes of the next portion; `undefined` when its first piece is of another kind. */
  take(): Uint8Array | undefined {
    const first = bytesOf(this.#pieces[this.#next++])
    if (first === undefined) return undefined
    const parts = [first]
    let { length } = first
    while (this.hasMore) {
      const bytes = bytesOf(this.#pieces[this.#next])
      if (bytes === undefined || length + bytes.length > gatherLimit) break
      parts.push(bytes)
      length += bytes.length
      this.#next++
    }
    return joinBytes(parts)
  }
}
