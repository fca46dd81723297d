import { fromBytes } from "@pagi/core/bytes/ByteString"
import type { ReceiveBuffer } from "@pagi/core/bytes/ReceiveBuffer"
import { hexadecimalValue, NOT_HEXADECIMAL } from "@pagi/core/bytes/Hexadecimal"
import { isForbiddenTrailer } from "@pagi/core/http/TrailerField"
import { CR, LF } from "./ByteClass.ts"
import { type ExtensionPlace, extensionStep, mayExtensionEnd } from "./ChunkExtension.ts"
import { type BodyPiece, type EndOfMessage, endWithoutTrailers, NeedData } from "./Event.ts"
import { readFields, scanFields } from "./FieldSection.ts"
import type { Limits } from "./Limits.ts"
import { protocolError, type ProtocolError } from "./ProtocolError.ts"
import { SectionSearch } from "./SectionSearch.ts"

/**
 * Where in the grammar of RFC 9112 §7.1 the next byte stands:
 *
 * ```
 * size ─► extension ─► size-end ─► data ─► data-end ─► data-end-line-feed ─► size …
 *   └────────┴─CR──────────┘ └─ size 0 ─► trailers ─► the end
 * ```
 */
type State = "size" | "extension" | "size-end" | "data" | "data-end" | "data-end-line-feed" | "trailers"

/** Enough for every size that a number can hold exactly; more can only be padding. */
const MAX_SIZE_DIGITS = 16

/** Data below this size is gathered with what has come behind it, since each piece by itself costs more than it holds. */
const SMALL_PIECE = 1024

/** Where it is gathered. One array serves all connections: it is filled and copied within one synchronous step. */
const gathered = new Uint8Array(4096)

/**
 * Removes the chunked transfer coding (RFC 9112 §7.1), byte by byte outside of chunk data, so that nothing of a chunk
 * line has to be buffered.
 */
export class ChunkedDecoder {
  private readonly limits: Limits
  private state: State = "size"
  /** While the size is read: its value so far; then the data bytes still missing. */
  private remaining = 0
  private digits = 0
  /** Where in the extension of the current chunk the next byte stands. */
  private extensionPlace: ExtensionPlace = "after-size"
  private extensionBytes = 0
  private received = 0
  /** What is wrong behind the piece that was reported last. */
  private problem: ProtocolError | undefined = undefined
  /** The most that may come of the body; 0 means no limit. */
  private sizeLimit: number
  private isWanted = true
  private trailerSearch: SectionSearch | undefined = undefined

  constructor(limits: Limits) {
    this.limits = limits
    this.sizeLimit = limits.maxBodySize
  }

  /** How many bytes are certainly still to come. */
  get knownRemaining(): number {
    return this.state === "data" ? this.remaining : 0
  }

  /** The body is not wanted any more, and so may have any size. */
  discard(): void {
    this.isWanted = false
    this.sizeLimit = 0
    if (this.problem?.reason === "body-too-large") this.problem = undefined
  }

  next(buffer: ReceiveBuffer): BodyPiece | EndOfMessage | ProtocolError | NeedData {
    if (this.problem !== undefined) return this.problem
    while (buffer.length > 0) {
      if (this.state === "data") return this.takeData(buffer)
      if (this.state === "trailers") return this.readTrailers(buffer)
      const problem = this.step(buffer.bytes[buffer.start] ?? 0)
      if (problem !== undefined) return problem
      buffer.consumeTo(buffer.start + 1)
    }
    return NeedData
  }

  private takeData(buffer: ReceiveBuffer): BodyPiece {
    if (this.remaining < SMALL_PIECE && this.remaining < buffer.length) return this.gatherData(buffer)
    const bytes = buffer.take(this.remaining, this.isWanted)
    this.countData(bytes.length)
    return { type: "body", bytes }
  }

  private countData(length: number): void {
    this.remaining -= length
    if (this.remaining === 0) this.state = "data-end"
  }

  /** Joins the data of small chunks, as far as they have come. */
  private gatherData(buffer: ReceiveBuffer): BodyPiece {
    let length = 0
    while (buffer.length > 0 && this.state !== "trailers") {
      const { bytes, start } = buffer
      if (this.state === "data") {
        const end = start + Math.min(this.remaining, buffer.length)
        if (end - start >= SMALL_PIECE || length + end - start > gathered.length) break
        for (let index = start; index < end; index++) gathered[length++] = bytes[index] ?? 0
        this.countData(end - start)
        buffer.consumeTo(end)
      } else {
        this.problem = this.step(bytes[start] ?? 0)
        if (this.problem !== undefined) break
        buffer.consumeTo(start + 1)
      }
    }
    return { type: "body", bytes: gathered.slice(0, length) }
  }

  /** One byte of a chunk's framing; every line must end with exactly CRLF (RFC 9112 §2.2 and §7.1). */
  private step(byte: number): ProtocolError | undefined {
    switch (this.state) {
      case "size":
        return this.stepSize(byte)
      case "extension":
        return this.stepExtension(byte)
      case "size-end":
        return byte === LF ? this.endSize() : protocolError("malformed-chunk")
      case "data-end":
        this.state = "data-end-line-feed"
        return byte === CR ? undefined : protocolError("malformed-chunk")
      case "data-end-line-feed":
        this.state = "size"
        return byte === LF ? undefined : protocolError("malformed-chunk")
      default:
        return undefined
    }
  }

  /** `chunk-size` is hexadecimal digits alone: no sign, no prefix. */
  private stepSize(byte: number): ProtocolError | undefined {
    const value = hexadecimalValue[byte] ?? NOT_HEXADECIMAL
    if (value !== NOT_HEXADECIMAL) {
      this.digits++
      this.remaining = this.remaining * 16 + value
      const isTooLong = this.digits > MAX_SIZE_DIGITS || this.remaining > Number.MAX_SAFE_INTEGER
      return isTooLong ? protocolError("malformed-chunk") : undefined
    }
    if (this.digits === 0) return protocolError("malformed-chunk")
    if (byte !== CR) {
      this.state = "extension"
      this.extensionPlace = "after-size"
      return this.stepExtension(byte)
    }
    this.state = "size-end"
    return undefined
  }

  /** Extensions mean nothing here; they are bounded over the whole body (RFC 9112 §7.1.1). */
  private stepExtension(byte: number): ProtocolError | undefined {
    if (byte === CR && mayExtensionEnd(this.extensionPlace)) {
      this.state = "size-end"
      return undefined
    }
    const place = extensionStep(this.extensionPlace, byte)
    if (place === undefined) return protocolError("malformed-chunk")
    this.extensionPlace = place
    this.extensionBytes++
    return this.extensionBytes > this.limits.maxHeaderSize ? protocolError("chunk-extensions-too-large") : undefined
  }

  private endSize(): ProtocolError | undefined {
    this.digits = 0
    this.received += this.remaining
    this.state = this.remaining === 0 ? "trailers" : "data"
    return this.sizeLimit > 0 && this.received > this.sizeLimit ? protocolError("body-too-large") : undefined
  }

  /** The trailer section and the empty line that ends the body (RFC 9112 §7.1.2). */
  private readTrailers(buffer: ReceiveBuffer): EndOfMessage | ProtocolError | NeedData {
    this.trailerSearch ??= new SectionSearch("trailers")
    const end = this.trailerSearch.find(buffer, this.limits)
    if (end === undefined) return NeedData
    if (typeof end !== "number") return end
    const { bytes, start } = buffer
    const count = scanFields(bytes, start, end)
    if (typeof count !== "number") return count
    const fields = count === 0 ? [] : readFields(fromBytes(bytes, start, end), start, count)
    buffer.consumeTo(end)
    if (fields.length === 0) return endWithoutTrailers
    return { type: "end", trailers: fields.filter(([name]) => !isForbiddenTrailer(name)) }
  }
}
