import { copyBytes } from "@pagi/core/bytes/ByteString"
import { DecodedFields } from "../hpack/DecodedFields.ts"
import { readContinuation } from "../frame/Continuation.ts"
import { END_HEADERS, END_STREAM } from "../frame/Flag.ts"
import type { FrameHeader } from "../frame/FrameHeader.ts"
import { readHeaders } from "../frame/Headers.ts"
import { PayloadRange } from "../frame/PayloadRange.ts"
import { Decoder } from "../hpack/Decoder.ts"
import { defaultTableSize } from "../hpack/DynamicTable.ts"
import { connectionError, type ConnectionError, type StreamError } from "../wire/ProtocolError.ts"

/** CONTINUATION frames of one header section; more would only be there to keep us busy (CVE-2024-27983). */
const maxContinuations = 32

/** Read anew for each frame; nothing in it lasts. */
const range = new PayloadRange()

/** The header section that is arriving, in one HEADERS frame or with CONTINUATIONs behind it (RFC 9113 §4.3). */
export class HeaderSection {
  /** The fields of the section that was decoded last. */
  readonly list: DecodedFields
  streamId = 0
  /** Whether the stream ends with it. */
  ends = false
  /** What is wrong with its first frame; it has to be decoded all the same. */
  problem: StreamError | undefined = undefined
  /** Whether more of it has to come. */
  isOpen = false
  private readonly decoder = new Decoder(defaultTableSize)
  private readonly maxSize: number
  private fragments: Array<Uint8Array> = []
  private size = 0

  constructor(maxSize: number, maxCount: number) {
    this.list = new DecodedFields(maxSize, maxCount)
    this.maxSize = maxSize
  }

  /** Takes a HEADERS frame; `undefined` when it has been decoded or more has to come. */
  begin(bytes: Uint8Array, start: number, header: FrameHeader): ConnectionError | undefined {
    const problem = readHeaders(bytes, start, header, range)
    if (problem?.type === "connection-error") return problem
    if (header.streamId % 2 === 0) return connectionError("even-stream-id")
    this.streamId = header.streamId
    this.ends = header.has(END_STREAM)
    this.problem = problem
    this.isOpen = !header.has(END_HEADERS)
    return this.isOpen ? this.add(bytes, range.start, range.end) : this.decode(bytes, range.start, range.end)
  }

  /** Takes a CONTINUATION frame, as `begin` does HEADERS. */
  proceed(bytes: Uint8Array, start: number, header: FrameHeader): ConnectionError | undefined {
    const problem = readContinuation(header) ?? this.add(bytes, start, start + header.length)
    if (problem !== undefined || !header.has(END_HEADERS)) return problem
    this.isOpen = false
    const whole = this.gather()
    return this.decode(whole, 0, whole.length)
  }

  private add(bytes: Uint8Array, start: number, end: number): ConnectionError | undefined {
    this.fragments.push(copyBytes(bytes, start, end))
    this.size += end - start
    const isServable = this.size <= this.maxSize && this.fragments.length <= maxContinuations + 1
    return isServable ? undefined : connectionError("section-too-large")
  }

  private gather(): Uint8Array {
    const whole = new Uint8Array(this.size)
    let length = 0
    for (const fragment of this.fragments) {
      whole.set(fragment, length)
      length += fragment.length
    }
    this.fragments = []
    this.size = 0
    return whole
  }

  /** One that cannot be understood leaves nothing that follows to be understood either (RFC 9113 §4.3). */
  private decode(bytes: Uint8Array, start: number, end: number): ConnectionError | undefined {
    this.list.clear()
    return this.decoder.decode(bytes, start, end, this.list) ? undefined : connectionError("malformed-section")
  }
}
