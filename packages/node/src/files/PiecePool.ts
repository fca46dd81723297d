/** Memory for pieces of files, which is used again and again. */

/** Bytes of a file that are read at a time. */
export const pieceSize = 65_536

/** Buffers that are kept while nobody needs them. */
const spareLimit = 32

/**
 * Memory for pieces of files, which is used again and again: a new buffer for each piece would soon have the whole heap
 * collected, over and over.
 */
export class PiecePool {
  readonly #spare: Array<Buffer> = []

  take(): Buffer {
    return this.#spare.pop() ?? Buffer.allocUnsafeSlow(pieceSize)
  }

  /** Takes back a buffer that nobody uses any more; one that is never given back is left to the garbage collector. */
  give(buffer: Buffer): void {
    if (this.#spare.length < spareLimit) this.#spare.push(buffer)
  }
}
