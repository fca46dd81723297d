const nothing = new Uint8Array(0)

/** The first allocation for a message that arrives in several pieces; about the size of a browser's request head. */
const INITIAL_CAPACITY = 1024

/**
 * The received bytes that have not been turned into events: `bytes` from `start` up to `end`. One piece that arrives
 * while nothing is left over is used as it is. Otherwise bytes are appended, the capacity doubling each time, so that a
 * peer that sends byte by byte costs linear time. Bytes before `end` never move inside an array, so views stay true.
 */
export class ReceiveBuffer {
  bytes: Uint8Array = nothing
  start = 0
  end = 0

  get length(): number {
    return this.end - this.start
  }

  append(piece: Uint8Array): void {
    if (piece.length === 0) return
    const length = this.length
    if (length === 0) {
      this.bytes = piece
      this.start = 0
      this.end = piece.length
      return
    }
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

  /** Moves `start` up to an index in `bytes`, and lets go of the memory when nothing is left. */
  consumeTo(index: number): void {
    this.start = index
    if (index === this.end) this.clear()
  }

  /** Takes up to `length` bytes out as a view. */
  take(length: number): Uint8Array {
    const stop = Math.min(this.start + length, this.end)
    const view = this.start === 0 && stop === this.bytes.length ? this.bytes : this.bytes.subarray(this.start, stop)
    this.consumeTo(stop)
    return view
  }

  clear(): void {
    this.bytes = nothing
    this.start = 0
    this.end = 0
  }
}
