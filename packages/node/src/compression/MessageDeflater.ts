import { constants, createDeflateRaw } from "node:zlib"
import type { CompressionLimiter } from "./CompressionLimiter.ts"
import { ZlibQueue, type ZlibStream } from "./ZlibQueue.ts"

/**
 * A smaller window than was agreed on is always allowed (RFC 7692 §7.1.2.1). With 13 bits, and memory for symbols to
 * match, a deflater has 130 KiB; zlib's defaults, 15 and 8, make it 230, and small JSON messages a twelfth shorter.
 * Still smaller ones save less, as half of the rest is a table of fixed size.
 */
const maxWindowBits = 13
const memLevel = 6

/** Memory for output that a deflater keeps while it is idle; more of it makes long messages hardly any faster. */
const chunkSize = 4096

/** What every payload would end with, and does not (RFC 7692 §7.2.1). */
const tailLength = 4

/** The empty message: what remains of an empty block (RFC 7692 §7.2.3.6). */
const emptyPayload = [0]

const maxStoredLength = 65_535

/** Bytes before the content of a stored block. */
const storedOverhead = 5

interface DeflateJob {
  readonly input: Uint8Array
  readonly done: (payload: Uint8Array) => void
}

/** Compresses messages, with what the ones before them were made of if the context is kept. */
export class MessageDeflater extends ZlibQueue<DeflateJob> {
  readonly #windowBits: number
  readonly #flush: number

  constructor(limiter: CompressionLimiter, windowBits: number, keepsContext: boolean) {
    super(limiter)
    this.#windowBits = Math.min(windowBits, maxWindowBits)
    // A full flush forgets what was before it, and does so in the other thread.
    this.#flush = keepsContext ? constants.Z_SYNC_FLUSH : constants.Z_FULL_FLUSH
  }

  compress(message: Uint8Array, done: (payload: Uint8Array) => void): void {
    this.add({ input: message, done })
  }

  protected open(): ZlibStream {
    return createDeflateRaw({ windowBits: this.#windowBits, memLevel, chunkSize, flush: this.#flush })
  }

  protected begin({ input }: DeflateJob): void {
    this.write(input)
  }

  protected onOutput(): void {}

  protected onWritten(_stream: ZlibStream, outputLength: number): void {
    // Zlib does not flush twice when nothing came in between.
    const payload = outputLength === 0 ? Uint8Array.from(emptyPayload) : this.takeOutput(outputLength - tailLength)
    this.end()?.done(payload)
  }

  /** Only memory can be missing. The message goes out as it is, and the next one tries again. */
  protected onError(): void {
    const job = this.end()
    job?.done(storedPayload(job.input))
  }
}

/** A payload without compression (RFC 1951 §3.2.4). */
export const storedPayload = (message: Uint8Array): Uint8Array => {
  const blocks = Math.ceil(message.length / maxStoredLength)
  const payload = new Uint8Array(message.length + blocks * storedOverhead + emptyPayload.length)
  const view = new DataView(payload.buffer)
  let offset = 0
  for (let start = 0; start < message.length; start += maxStoredLength) {
    const content = message.subarray(start, start + maxStoredLength)
    view.setUint16(offset + 1, content.length, true)
    view.setUint16(offset + 3, ~content.length, true)
    payload.set(content, offset + storedOverhead)
    offset += storedOverhead + content.length
  }
  payload.set(emptyPayload, offset)
  return payload
}
