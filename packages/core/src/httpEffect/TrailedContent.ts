import type * as Stream from "effect/Stream"
import type { HeaderBlock } from "../http/HeaderBlock.ts"

/** The name by which it is known, also to another copy of this package. */
const trailed: unique symbol = Symbol.for("@pagi/core/TrailedContent")

/** Raw content that trailers end, for servers of ours; others have no place for them. */
export class TrailedContent {
  readonly [trailed] = true
  readonly content: Stream.Stream<Uint8Array, unknown>
  /** Known when the content has come to its end. */
  readonly trailers: () => HeaderBlock

  constructor(content: Stream.Stream<Uint8Array, unknown>, trailers: () => HeaderBlock) {
    this.content = content
    this.trailers = trailers
  }
}

export const isTrailed = (content: unknown): content is TrailedContent =>
  typeof content === "object" && content !== null && trailed in content
