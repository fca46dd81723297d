import { headLength } from "./Frames.ts"

/** Is called with a frame's kind and where its body is, in a buffer that is the reader's. */
export type OnFrame = (kind: number, buffer: Buffer, start: number, end: number) => void

const lengthBytes = 4

/** Finds the frames in bytes that come in pieces. A frame is copied only when it comes in several. */
export class FrameReader {
  /** Bytes that the longest frame may have, without its length. */
  limit: number
  /** A frame of which a part has come. */
  #part = Buffer.allocUnsafe(0)
  #length = 0

  constructor(limit: number) {
    this.limit = limit
  }

  /** Reads on; answers false when what comes can be no frame, and then nothing more can be read. */
  read(bytes: Buffer, onFrame: OnFrame): boolean {
    let at = 0
    while (at < bytes.length) {
      if (this.#length > 0) {
        at = this.#complete(bytes, at)
        if (at < 0) return false
        const total = this.#total
        if (total === undefined || this.#length < total) continue
        const frame = this.#part
        this.#part = Buffer.allocUnsafe(0)
        this.#length = 0
        onFrame(frame[lengthBytes] ?? 0, frame, headLength, total)
        continue
      }
      if (bytes.length - at < lengthBytes) return this.#keep(bytes, at)
      const length = bytes.readUInt32BE(at)
      if (!this.#isAllowed(length)) return false
      const end = at + lengthBytes + length
      if (end > bytes.length) return this.#keep(bytes, at)
      onFrame(bytes[at + lengthBytes] ?? 0, bytes, at + headLength, end)
      at = end
    }
    return true
  }

  /** How long the frame is of which a part has come, if enough of it has. */
  get #total(): number | undefined {
    return this.#length < lengthBytes ? undefined : lengthBytes + this.#part.readUInt32BE(0)
  }

  #isAllowed(length: number): boolean {
    return length > 0 && length <= this.limit
  }

  #keep(bytes: Buffer, at: number): true {
    this.#append(bytes, at, bytes.length)
    return true
  }

  /** Takes what the frame still needs, and answers where that ends; -1 when it can be no frame. */
  #complete(bytes: Buffer, at: number): number {
    const wanted = (this.#total ?? lengthBytes) - this.#length
    const end = Math.min(bytes.length, at + wanted)
    this.#append(bytes, at, end)
    const total = this.#total
    return total !== undefined && !this.#isAllowed(total - lengthBytes) ? -1 : end
  }

  /** Memory is taken as bytes come, and not because somebody has announced them. */
  #append(bytes: Buffer, start: number, end: number): void {
    const needed = this.#length + end - start
    if (needed > this.#part.length) {
      const grown = Buffer.allocUnsafe(Math.max(needed, 2 * this.#part.length))
      this.#part.copy(grown, 0, 0, this.#length)
      this.#part = grown
    }
    bytes.copy(this.#part, this.#length, start, end)
    this.#length = needed
  }
}
