import { copyBytes } from "@pagi/core/ByteString"

const nothing = new Uint8Array(0)
const viewOfNothing: DataView = new DataView(nothing.buffer)

/** The first allocation for a frame header or control frame that arrives in several pieces. */
const INITIAL_CAPACITY = 256

/** Lent memory is mostly the same again, so that its view can be too. */
let lentView: DataView = viewOfNothing

const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset)

const viewOfLent = (bytes: Uint8Array): DataView => {
  if (lentView.buffer !== bytes.buffer || lentView.byteOffset !== bytes.byteOffset) lentView = viewOf(bytes)
  return lentView
}

/**
 * The received bytes that have not been decoded yet: `bytes` from `start` up to `end`; `view` shows the same memory. A
 * piece that arrives while nothing is left over is used as it is, also when it is only lent until `keep`. Otherwise bytes
 * are appended, the capacity doubling each time, so that a peer that sends byte by byte costs linear time. Bytes before
 * `end` never move inside an array.
 */
export class ReceiveBuffer {
  bytes: Uint8Array = nothing
  view: DataView = viewOfNothing
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
    if (length === 0) {
      this.bytes = piece
      this.view = isLent ? viewOfLent(piece) : viewOf(piece)
      this.start = 0
      this.end = piece.length
      this.isLent = isLent
      return
    }
    // Lent bytes end where their array does, so that they are copied here too.
    if (this.end + piece.length > this.bytes.length) {
      const grown = new Uint8Array(Math.max(INITIAL_CAPACITY, 2 * (length + piece.length)))
      grown.set(this.bytes.subarray(this.start, this.end))
      this.own(grown, length)
    }
    this.bytes.set(piece, this.end)
    this.end += piece.length
  }

  /** Copies what is left of a lent piece, because its memory is about to be used again. */
  keep(): void {
    if (this.isLent) this.own(copyBytes(this.bytes, this.start, this.end), this.length)
  }

  private own(bytes: Uint8Array, length: number): void {
    this.bytes = bytes
    this.view = viewOf(bytes)
    this.start = 0
    this.end = length
    this.isLent = false
  }

  /** Moves `start` up to an index in `bytes`, and lets go of the memory when nothing is left. */
  consumeTo(index: number): void {
    this.start = index
    if (index === this.end) this.clear()
  }

  clear(): void {
    this.bytes = nothing
    this.view = viewOfNothing
    this.start = 0
    this.end = 0
    this.isLent = false
  }
}
