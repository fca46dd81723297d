import { chunkSize } from "./Limits.ts"

/** A piece of the queue: what is in it up to `end` waits. */
interface Chunk {
  readonly buffer: Buffer
  end: number
}

/**
 * Bytes that wait to be written, in pieces of a size that is good for a write. A piece that was taken may be written into
 * again when the next one is taken, so a caller takes one when the system has the one before.
 */
export class ChunkQueue {
  /** How many bytes wait. */
  size = 0
  /** Where the room begins that was made last. */
  offset = 0
  /** The last one is written into; the ones before it are full. */
  readonly #chunks: Array<Chunk> = []
  /** Memory of the usual size: what was taken last, and what may be used again. */
  #taken: Buffer | undefined = undefined
  #spare: Buffer | undefined = undefined

  /** Makes room for so many bytes behind the others, which are to be written at `offset` of what is answered. */
  reserve(length: number): Buffer {
    let last = this.#chunks.at(-1)
    if (last === undefined || last.buffer.length - last.end < length) {
      last = { buffer: this.#allocate(length), end: 0 }
      this.#chunks.push(last)
    }
    this.offset = last.end
    last.end += length
    this.size += length
    return last.buffer
  }

  /** The next piece; nothing when none waits. */
  take(): Buffer | undefined {
    const chunk = this.#chunks.shift()
    if (chunk === undefined) return undefined
    const { buffer, end } = chunk
    this.#spare = this.#taken
    this.#taken = buffer.length === chunkSize ? buffer : undefined
    this.size -= end
    return buffer.subarray(0, end)
  }

  #allocate(length: number): Buffer {
    const spare = this.#spare
    if (spare !== undefined && length <= spare.length) {
      this.#spare = undefined
      return spare
    }
    return Buffer.allocUnsafeSlow(Math.max(length, chunkSize))
  }
}
