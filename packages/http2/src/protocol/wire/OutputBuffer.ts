import { type ByteString, copyBytes, fromBytes, writeBytes } from "@pagi/core/bytes/ByteString"

/** Bytes of one buffer; about what a turn with several dozen short responses writes. */
const bufferSize = 16_384

/** Buffers that are kept while nobody writes. */
const maxFree = 64

/** Bytes up to which a string is handed on: a transport joins strings at less cost than arrays, as long as they are short. */
const textLimit = 4096

const nothing = new Uint8Array(0)

/** Memory to write into, for all connections of a server: each has some only from its first byte in a turn to its last. */
export class OutputPool {
  private readonly free: Array<Uint8Array> = []

  take(): Uint8Array {
    return this.free.pop() ?? new Uint8Array(bufferSize)
  }

  giveBack(bytes: Uint8Array): void {
    if (bytes.length === bufferSize && this.free.length < maxFree) this.free.push(bytes)
  }
}

/** The bytes of frames that are written together. */
export class OutputBuffer {
  /** What was written are the first `length` of these. */
  bytes: Uint8Array = nothing
  length = 0
  private readonly pool: OutputPool

  constructor(pool: OutputPool) {
    this.pool = pool
  }

  /** Makes room for so many bytes more; to be called before the methods that write. */
  reserve(count: number): void {
    const needed = this.length + count
    if (needed <= this.bytes.length) return
    const bytes = this.bytes === nothing ? this.pool.take() : this.bytes
    this.bytes = needed <= bytes.length ? bytes : new Uint8Array(Math.max(needed, 2 * bytes.length))
    if (this.bytes === bytes) return
    this.bytes.set(bytes.subarray(0, this.length))
    this.pool.giveBack(bytes)
  }

  byte(value: number): void {
    this.bytes[this.length++] = value
  }

  uint16(value: number): void {
    this.byte(value >>> 8)
    this.byte(value)
  }

  uint24(value: number): void {
    this.byte(value >>> 16)
    this.byte(value >>> 8)
    this.byte(value)
  }

  uint32(value: number): void {
    this.byte(value >>> 24)
    this.byte(value >>> 16)
    this.byte(value >>> 8)
    this.byte(value)
  }

  text(text: ByteString): void {
    writeBytes(this.bytes, text, this.length)
    this.length += text.length
  }

  /** Copies the bytes from `start` up to `end`. */
  copy(bytes: Uint8Array, start: number, end: number): void {
    this.bytes.set(bytes.subarray(start, end), this.length)
    this.length += end - start
  }

  /** What was written, which is forgotten here. */
  take(): ByteString | Uint8Array {
    const { bytes, length } = this
    const taken = length <= textLimit ? fromBytes(bytes, 0, length) : copyBytes(bytes, 0, length)
    this.pool.giveBack(bytes)
    this.bytes = nothing
    this.length = 0
    return taken
  }
}
