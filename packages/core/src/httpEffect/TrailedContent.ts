import type * as Stream from "effect/Stream"
import type { HeaderBlock } from "../http/HeaderBlock.ts"

/** Raw content that trailers end, for servers of ours; others have no place for them. */
export class TrailedContent {
  readonly content: Stream.Stream<Uint8Array, unknown>
  /** Known when the content has come to its end. */
  readonly trailers: () => HeaderBlock

  constructor(content: Stream.Stream<Uint8Array, unknown>, trailers: () => HeaderBlock) {
    this.content = content
    this.trailers = trailers
  }
}
