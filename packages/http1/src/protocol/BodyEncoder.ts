import type { ByteSink } from "@pagi/core/bytes/ByteSink"
import type { ByteString } from "@pagi/core/bytes/ByteString"
import { lengthProblem } from "@pagi/core/http/ContentLength"

/** How the recipient finds the end of a response body (RFC 9112 §6.3). */
export type BodyFraming = "none" | "length" | "chunked" | "until-close"

const LAST_CHUNK = "0\r\n\r\n"

/** Writes a response body in the framing that its head announced. */
export class BodyEncoder {
  readonly framing: BodyFraming
  /** What the stated length leaves; `undefined` when no length was stated. */
  private remaining: number | undefined
  /** Whether the body ends with trailers. */
  readonly hasTrailers: boolean

  constructor(framing: BodyFraming, length: number | undefined, hasTrailers: boolean) {
    this.framing = framing
    this.remaining = framing === "none" ? undefined : length
    this.hasTrailers = hasTrailers
  }

  /** What is wrong with so many more bytes, which may be the last. */
  check(length: number, last: boolean): string | undefined {
    return lengthProblem(this.remaining, length, last)
  }

  /**
   * Writes a piece that `check` has passed behind `head`, which is empty when it has been sent, in as few writes as
   * possible. Content for a response that has none is left out (RFC 9110 §9.3.2), so the code for GET can answer HEAD.
   */
  write(sink: ByteSink, head: ByteString, data: ByteString | Uint8Array, last: boolean): void {
    if (this.remaining !== undefined) this.remaining -= data.length
    switch (this.framing) {
      case "none":
        return writeJoined(sink, head, "", "")
      case "chunked":
        return writeChunk(sink, head, data, last)
      case "length":
      case "until-close":
        return writeJoined(sink, head, data, "")
    }
  }

  /** Ends the body with trailer lines; a recipient that cannot have them is spared (RFC 9110 §6.5.1). */
  writeTrailers(sink: ByteSink, head: ByteString, lines: ByteString): void {
    writeJoined(sink, head, "", this.framing === "chunked" ? `0\r\n${lines}\r\n` : "")
  }
}

/** RFC 9112 §7.1. An empty piece must not become a chunk, since a chunk of size 0 ends the body. */
const writeChunk = (sink: ByteSink, head: ByteString, data: ByteString | Uint8Array, last: boolean): void => {
  if (data.length === 0) return writeJoined(sink, head, "", last ? LAST_CHUNK : "")
  writeJoined(sink, `${head}${data.length.toString(16)}\r\n`, data, last ? `\r\n${LAST_CHUNK}` : "\r\n")
}

/** Strings become one write; an array stays apart, since joining would mean to copy it. */
const writeJoined = (sink: ByteSink, before: ByteString, data: ByteString | Uint8Array, after: ByteString): void => {
  if (typeof data === "string") {
    const text = before + data + after
    if (text.length > 0) sink.write(text)
    return
  }
  if (before.length > 0) sink.write(before)
  if (data.length > 0) sink.write(data)
  if (after.length > 0) sink.write(after)
}
