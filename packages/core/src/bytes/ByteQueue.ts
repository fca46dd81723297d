import { type ByteString, writeBytes } from "./ByteString.ts"
import { Fifo } from "./Fifo.ts"

/** Pieces below this size are gathered when several follow each other: each by itself would cost more than it holds. */
const smallPiece = 1024

/** Memory for those that are gathered. */
const gatheredSize = 4096

interface Piece {
  readonly data: ByteString | Uint8Array
  /** How much of `data` counts: what it had when it came, or how far the memory is filled. */
  length: number
}

/**
 * Bytes that wait to be sent, in the order they came. Small pieces are gathered, large ones are not copied. So an array
 * is still the application's, which may transfer its buffer to a worker or resize it, although it must not. That is
 * noticed: whatever came behind would otherwise be taken for the bytes that are missing.
 */
export class ByteQueue {
  /** Bytes that wait. */
  length = 0
  private readonly pieces = new Fifo<Piece>()
  /** How much of the first piece has been taken. */
  private taken = 0
  /** What the last piece is, if small ones are gathered there. */
  private memory: Uint8Array | undefined = undefined

  push(data: ByteString | Uint8Array): void {
    const { length } = data
    if (length === 0) return
    this.length += length
    if (length < smallPiece && this.gather(data)) return
    this.memory = undefined
    this.pieces.push({ data, length })
  }

  /** Puts a small piece behind another one; answers `false` when it comes behind a large one, or is the first. */
  private gather(data: ByteString | Uint8Array): boolean {
    const { last } = this.pieces
    if (last === undefined) return false
    if (this.memory !== undefined && this.memory.length - last.length >= data.length) {
      writeAt(this.memory, last.length, data)
      last.length += data.length
      return true
    }
    if (this.memory === undefined && last.length >= smallPiece) return false
    this.memory = new Uint8Array(gatheredSize)
    writeAt(this.memory, 0, data)
    this.pieces.push({ data: this.memory, length: data.length })
    return true
  }

  /**
   * Takes up to so many bytes, as many as are in one piece; `undefined` when there are none any more where there were
   * some, which only the application can have done.
   */
  take(maxLength: number): ByteString | Uint8Array | undefined {
    const piece = this.pieces.head
    if (piece === undefined || piece.data.length < piece.length) return undefined
    const { data, length } = piece
    const start = this.taken
    const end = Math.min(length, start + maxLength)
    if (end === length) this.drop()
    else this.taken = end
    this.length -= end - start
    if (end - start === data.length) return data
    return typeof data === "string" ? data.slice(start, end) : data.subarray(start, end)
  }

  private drop(): void {
    this.pieces.shift()
    this.taken = 0
    if (this.pieces.length === 0) this.memory = undefined
  }

  clear(): void {
    this.pieces.clear()
    this.length = 0
    this.taken = 0
    this.memory = undefined
  }
}

const writeAt = (memory: Uint8Array, offset: number, data: ByteString | Uint8Array): void => {
  if (typeof data === "string") writeBytes(memory, data, offset)
  else memory.set(data, offset)
}

/** What the log says when `take` finds that bytes have gone. */
export const goneMessage =
  "an array that was sent has become shorter before the peer could get it; transfer or resize the buffer of a copy"
