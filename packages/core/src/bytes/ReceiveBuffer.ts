import { copyBytes } from "./ByteString.ts"

const nothing = new Uint8Array(0)

/** The first allocation for what arrives in several pieces. */
const INITIAL_CAPACITY = 256

/**
 * The received bytes that a protocol machine has not decoded yet: `bytes` from `start` up to `end`. A piece that arrives
 * while nothing is left over is used as it is, also when it is only lent until `keep`. Otherwise bytes are appended, the
 * capacity doubling each time, so that a peer that sends byte by byte costs linear time. Bytes before `end` never move
 * inside an array, so views stay true.
 */
export class ReceiveBuffer {
  bytes: Uint8Array = nothing
  start = 0
  end = 0
  /** Whether `bytes` belongs to somebody else, who will use it again after `keep`. */
  isLent = false

  get length(): number {
    return this.end - this.start
  }

  /** Adds a piece. A lent one may be used until `keep` is called. */
  append(piece: Uint8Array, isLent: boolean): void {
    if (piece.length === 0) return
    const length = this.length
    if (length === 0) return this.use(piece, piece.length, isLent)
    // Lent bytes end where their array does, so that they are copied here too.
    if (this.end + piece.length > this.bytes.length) {
      const grown = new Uint8Array(Math.max(INITIAL_CAPACITY, 2 * (length + piece.length)))
      grown.set(this.bytes.subarray(this.start, this.end))
      this.use(grown, length, false)
    }
    this.bytes.set(piece, this.end)
    this.end += piece.length
  }

  /** Copies what is left of a lent piece, because its memory is about to be used again. */
  keep(): void {
    if (this.isLent) this.use(copyBytes(this.bytes, this.start, this.end), this.length, false)
  }

  /** Moves `start` up to an index in `bytes`, and lets go of the memory when nothing is left. */
  consumeTo(index: number): void {
    this.start = index
    if (index === this.end) this.clear()
  }

  /**
   * Takes up to `length` bytes out, as a view of memory that nobody will write to again; where nobody keeps them, of lent
   * memory too.
   */
  take(length: number, isKept = true): Uint8Array {
    const { bytes, start } = this
    const stop = Math.min(start + length, this.end)
    const isWhole = start === 0 && stop === bytes.length
    const taken = this.isLent && isKept ? copyBytes(bytes, start, stop) : isWhole ? bytes : bytes.subarray(start, stop)
    this.consumeTo(stop)
    return taken
  }

  clear(): void {
    this.use(nothing, 0, false)
  }

  private use(bytes: Uint8Array, end: number, isLent: boolean): void {
    this.bytes = bytes
    this.start = 0
    this.end = end
    this.isLent = isLent
    this.onMemory()
  }

  /** `bytes` is another array than before; for those who look at the same memory in other ways. */
  protected onMemory(): void {}
}
