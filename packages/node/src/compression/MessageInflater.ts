import { createInflateRaw } from "node:zlib"
import type { CompressionLimiter } from "./CompressionLimiter.ts"
import { ZlibQueue, type ZlibStream } from "./ZlibQueue.ts"

/** Memory for output that an inflater keeps while it is idle; for as much a message visits another thread once. */
const chunkSize = 8192

/** What every payload would end with, and does not (RFC 7692 §7.2.2). */
const tail = [0x00, 0x00, 0xff, 0xff]

/** The last byte of a payload is below this: three zero bits begin an empty block, and zeros fill up the byte. */
const lastByteLimit = 0x20

const nothing: Uint8Array = new Uint8Array(0)

/** Final blocks that a message may have; each takes a new stream, and is made by two bytes. */
const maxFinalBlocks = 2

interface InflateJob {
  /** The payload and the tail. */
  readonly input: Uint8Array
  readonly maxSize: number
  readonly done: (result: Uint8Array | "too-large" | "invalid") => void
}

/** Decompresses messages, with what the ones before them contained if the context is kept. */
export class MessageInflater extends ZlibQueue<InflateJob> {
  readonly #windowBits: number
  readonly #keepsContext: boolean
  #maxSize = 0
  #finalBlocks = 0
  /** What was written to the stream last, and how much it had read before. */
  #written = nothing
  #readBefore = 0

  constructor(limiter: CompressionLimiter, windowBits: number, keepsContext: boolean) {
    super(limiter)
    this.#windowBits = windowBits
    this.#keepsContext = keepsContext
  }

  decompress(payload: Uint8Array, maxSize: number, done: InflateJob["done"]): void {
    // Copying costs less than writing the tail alone, which would be one more visit to another thread.
    const input = new Uint8Array(payload.length + tail.length)
    input.set(payload)
    input.set(tail, payload.length)
    this.add({ input, maxSize, done })
  }

  protected open(): ZlibStream {
    return createInflateRaw({ windowBits: this.#windowBits, chunkSize })
  }

  protected begin({ input, maxSize }: InflateJob): void {
    this.#maxSize = maxSize === 0 ? Number.POSITIVE_INFINITY : maxSize
    this.#finalBlocks = 0
    this.#feed(input)
  }

  #feed(bytes: Uint8Array): void {
    this.#written = bytes
    this.write(bytes)
  }

  protected onOutput(length: number): void {
    if (length > this.#maxSize) this.#fail("too-large")
  }

  protected onWritten(stream: ZlibStream, outputLength: number): void {
    const written = this.#written
    const rest = written.subarray(stream.bytesWritten - this.#readBefore)
    this.#written = nothing
    this.#readBefore = stream.bytesWritten
    if (rest.length > 0) this.#onFinalBlock(rest, outputLength)
    else if (endsWhole(written)) {
      if (!this.#keepsContext) stream.reset()
      this.#succeed(outputLength)
    } else this.#fail("invalid")
  }

  /**
   * A final block ends what the stream reads, but not the message: other blocks can follow in the next byte (RFC 7692
   * §7.2.1). A compressor that ends its data has nothing to refer back to when it goes on.
   */
  #onFinalBlock(rest: Uint8Array, outputLength: number): void {
    this.dropStream()
    this.#readBefore = 0
    this.#finalBlocks++
    if (rest.length < tail.length || this.#finalBlocks > maxFinalBlocks) this.#fail("invalid")
    // Some compressors leave out the byte that begins an empty block.
    else if (rest.length === tail.length) this.#succeed(outputLength)
    else this.#feed(rest)
  }

  protected onError(): void {
    this.#fail("invalid")
  }

  #succeed(length: number): void {
    const bytes = this.takeOutput(length)
    this.end()?.done(bytes)
  }

  #fail(result: "too-large" | "invalid"): void {
    this.giveUp()?.done(result)
  }
}

/**
 * Whether the payload, which the tail follows, can have been written to its end. Zlib does not tell: it waits for the rest
 * of a block that has been cut off, or takes the tail for it. Seven of eight cuts are found here, most others in the
 * messages that follow.
 */
const endsWhole = (input: Uint8Array): boolean => {
  const lastByte = input[input.length - tail.length - 1]
  return lastByte !== undefined && lastByte < lastByteLimit
}
