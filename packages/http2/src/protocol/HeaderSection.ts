import { FieldList } from "./FieldList.ts"
import { Decoder } from "./hpack/Decoder.ts"

/** CONTINUATION frames of one header section; more would only be there to keep us busy (CVE-2024-27983). */
const maxContinuations = 32

/** The SETTINGS_HEADER_TABLE_SIZE that every connection starts with (RFC 9113 §6.5.2), which is what we use. */
const headerTableSize = 4096

/** The header section that is arriving: gathered from its frames, then decoded. */
export class HeaderSection {
  readonly list: FieldList
  /** The stream whose section is not complete; 0 when there is none. */
  streamId = 0
  /** Whether the stream ends with it. */
  ends = false
  private readonly decoder = new Decoder(headerTableSize)
  private readonly maxSize: number
  private fragments: Array<Uint8Array> = []
  private size = 0

  constructor(maxSize: number, maxCount: number) {
    this.list = new FieldList(maxSize, maxCount)
    this.maxSize = maxSize
  }

  /** A section of several frames begins. */
  begin(streamId: number, ends: boolean): void {
    this.streamId = streamId
    this.ends = ends
  }

  /** Adds what a frame has of it; answers whether it is still of a size that can be served. */
  add(fragment: Uint8Array): boolean {
    this.fragments.push(fragment)
    this.size += fragment.length
    return this.size <= this.maxSize && this.fragments.length <= maxContinuations + 1
  }

  /** Decodes what was gathered; `false` when it cannot be understood, and with it nothing that follows. */
  decodeGathered(): boolean {
    const bytes = new Uint8Array(this.size)
    let length = 0
    for (const fragment of this.fragments) {
      bytes.set(fragment, length)
      length += fragment.length
    }
    this.fragments = []
    this.size = 0
    this.streamId = 0
    return this.decode(bytes, 0, length)
  }

  /** Decodes a section that came in one frame. */
  decode(bytes: Uint8Array, start: number, end: number): boolean {
    this.list.clear()
    return this.decoder.decode(bytes, start, end, this.list)
  }
}
