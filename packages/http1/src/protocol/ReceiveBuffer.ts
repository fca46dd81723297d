import { copyBytes } from "@pagi/core/ByteString"

const nothing = new Uint8Array(0)

/** The first allocation for a message that arrives in several pieces; about the size of a browser's request head. */
const INITIAL_CAPACITY = 1024

/**
 * The received bytes that have not been turned into events: `bytes` from `start` up to `end`. One piece that arrives
 * while nothing is left over is used as it is, also when it is only lent until `keep`. Otherwise bytes are appended, the capacity doubling each time, so that a
 * peer that sends byte by byte costs linear time. Bytes before `end` never move inside an array, so views stay true.
 */
export class ReceiveBuffer {
  bytes: Uint8Array = nothing
  start = 0
  end = 0
  /** Whether `bytes` belongs to somebody else, who will use it again after `keep`. */
  private isLent = false

  get length(): number {
    return this.end - this.start
  }

  /** Adds a piece. A lent one may be used until `keep` is called. */
  append(piece: Uint8Array, isLent: boolean): void {
    if (piece.length === 0) return
    const length = this.length
    if (length === 0) {
      this.bytes = piece
      this.start = 0
      this.end = piece.length
      this.isLent = isLent
      return
    }
    this.keep()
    if (this.end + piece.length > this.bytes.length) {
      const grown = new Uint8Array(Math.max(INITIAL_CAPACITY, 2 * (length + piece.length)))
      grown.set(this.bytes.subarray(this.start, this.end))
      this.bytes = grown
      this.start = 0
      this.end = length
    }
    this.bytes.set(piece, this.end)
    this.end += piece.length
  }

  /** Copies what is left of a lent piece, because its memory is about to be used again. */
  keep(): void {
    if (!this.isLent) return
    this.isLent = false
    if (this.length === 0) return
    this.bytes = copyBytes(this.bytes, this.start, this.end)
    this.end -= this.start
    this.start = 0
  }

  /** Moves `start` up to an index in `bytes`, and lets go of the memory when nothing is left. */
  consumeTo(index: number): void {
    this.start = index
    if (index === this.end) this.clear()
  }

  /** Takes up to `length` bytes out, as a view of memory that nobody will write to again. */
  take(length: number): Uint8Array {
    const { bytes, start } = this
    const stop = Math.min(start + length, this.end)
    const isWhole = start === 0 && stop === bytes.length
    const taken = this.isLent ? copyBytes(bytes, start, stop) : isWhole ? bytes : bytes.subarray(start, stop)
    this.consumeTo(stop)
    return taken
  }

  clear(): void {
    this.bytes = nothing
    this.start = 0
    this.end = 0
    this.isLent = false
  }
}
