import * as Schema from "effect/Schema"
import type { ResponseHead } from "../bridge/BridgeResponse.ts"
import { get, type HeaderBlock } from "../http/HeaderBlock.ts"

/** A response as the peer of a test has got it. */
export class TestResponse implements ResponseHead {
  readonly status: number
  readonly headers: HeaderBlock
  readonly bytes: Uint8Array
  readonly trailers: HeaderBlock
  /** Interim responses, such as 103 Early Hints. */
  readonly informational: ReadonlyArray<ResponseHead>

  constructor(
    head: ResponseHead,
    bytes: Uint8Array,
    trailers: HeaderBlock,
    informational: ReadonlyArray<ResponseHead>
  ) {
    this.status = head.status
    this.headers = head.headers
    this.bytes = bytes
    this.trailers = trailers
    this.informational = informational
  }

  /** The body as UTF-8. */
  get text(): string {
    return new TextDecoder().decode(this.bytes)
  }

  /** The value of the first field with this name, in any case. */
  header(name: string): string | undefined {
    return get(this.headers, name.toLowerCase())
  }
}

/** The response ended before it was complete, or there was none. `received` is what had arrived when it had started. */
export class IncompleteResponse extends Schema.TaggedError<IncompleteResponse>()("IncompleteResponse", {
  reason: Schema.Literals(["truncated", "disconnected"]),
  received: Schema.optionalKey(Schema.instanceOf(TestResponse))
}) {
  override get message(): string {
    return this.reason === "truncated"
      ? "the application broke off its response, and the server closed the connection"
      : "the peer left before the response was complete"
  }
}
