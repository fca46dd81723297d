import { chunkSize } from "./Limits.ts"

/** A piece of the queue: what is in it from `start` to `end` has not been taken. */
interface Chunk {
  readonly buffer: Buffer
  start: number
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
  #chunks: Array<Chunk> = []
  #first = 0
  #spare: Buffer | undefined = undefined
  #taken: Buffer | undefined = undefined

  /** Makes room for so many bytes behind the others, which are to be written at `offset` of what is answered. */
  reserve(length: number): Buffer {
    let last = this.#chunks.at(-1)
    if (last === undefined || last.buffer.length - last.end < length) {
      last = { buffer: this.#allocate(length), start: 0, end: 0 }
      this.#chunks.push(last)
    }
    this.offset = last.end
    last.end += length
    this.size += length
    return last.buffer
  }

  /** The next piece; nothing when none waits. */
  take(): Buffer | undefined {
    if (this.size === 0) return undefined
    if (this.#taken?.length === chunkSize) this.#spare = this.#taken
    this.#taken = undefined
    let chunk = this.#chunks[this.#first]
    // What is left of a chunk that was too small for the next message has been taken already.
    while (chunk !== undefined && chunk.start === chunk.end) {
      this.#drop()
      chunk = this.#chunks[this.#first]
    }
    if (chunk === undefined) return undefined
    const bytes = chunk.buffer.subarray(chunk.start, chunk.end)
    this.size -= bytes.length
    chunk.start = chunk.end
    // The last one is written into on, if there is room worth the name.
    if (this.size > 0 || chunk.buffer.length - chunk.end < chunkSize / 4) {
      this.#taken = chunk.buffer
      this.#drop()
    }
    return bytes
  }

  #drop(): void {
    this.#first += 1
    if (this.#first * 2 < this.#chunks.length && this.#first < 32) return
    this.#chunks = this.#chunks.slice(this.#first)
    this.#first = 0
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
