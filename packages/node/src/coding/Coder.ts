/** Content on its way through a stream of `node:zlib`, piece by piece. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as zlib from "node:zlib"
import type { CompressionLimiter, LimitedWork } from "../compression/CompressionLimiter.ts"
import type { Coding } from "../static/ContentCoding.ts"

/** Content could not be compressed: most likely there is no memory left. */
export class CoderError extends Schema.TaggedError<CoderError>()("CoderError", { message: Schema.String }) {}

type Stream = zlib.Gzip | zlib.BrotliCompress | zlib.ZstdCompress

/**
 * How far a coder looks back, as a power of two. 512 KiB is as far as text has much to gain by; clients have to be prepared for 8 MiB with `zstd` (RFC 9659) and 16 MiB with `br`.
 */
const windowLog = 19

/**
 * MiB that a coder takes at most, as measured with content of 1 MB: 0.6 with `gzip`, 1.6 with `br` 4, 3.2 with 6, 21 with
 * 9 and 7.4 with 11, 1.4 with `zstd` 3 and 8.9 with 9.
 */
export const memoryOf = (coding: Coding, level: number): number => {
  if (coding === "gzip") return 1
  if (coding === "zstd") return level <= 6 ? 2 : 9
  return level <= 4 ? 2 : level <= 6 ? 4 : level <= 9 ? 22 : 8
}

/** What a coding needs of `node:zlib`. */
interface Making {
  readonly open: (level: number) => Stream
  /** What has the stream put out all that it was given. */
  readonly flush: number
}

const { constants } = zlib

const makings: Readonly<Record<Coding, Making>> = {
  br: {
    open: (level) =>
      zlib.createBrotliCompress({
        params: { [constants.BROTLI_PARAM_QUALITY]: level, [constants.BROTLI_PARAM_LGWIN]: windowLog }
      }),
    flush: constants.BROTLI_OPERATION_FLUSH
  },
  zstd: {
    open: (level) =>
      zlib.createZstdCompress({
        params: { [constants.ZSTD_c_compressionLevel]: level, [constants.ZSTD_c_windowLog]: windowLog }
      }),
    flush: constants.ZSTD_e_flush
  },
  gzip: { open: (level) => zlib.createGzip({ level }), flush: constants.Z_SYNC_FLUSH }
}

/** Whether this version of Node has the coding: `zstd` came with 22.15 and 23.8. */
export const isAvailable = (coding: Coding): boolean => coding !== "zstd" || "createZstdCompress" in zlib

/** One thing that a coder does: to take a piece, to put out all that it has, or to end with a last piece. */
export type Kind = "write" | "flush" | "end"

interface Step {
  readonly kind: Kind
  readonly input: Uint8Array
  readonly done: (exit: Effect.Effect<void, CoderError>) => void
}

const nothing = new Uint8Array(0)

/**
 * Codes the content of one response. It does one thing at a time, each when the limiter lets it.
 *
 * The stream is not destroyed while another thread works with it, for what that comes to could not be told any more, and
 * its place in the limiter would be lost.
 */
export class Coder implements LimitedWork {
  readonly #limiter: CompressionLimiter
  readonly #stream: Stream
  readonly #flush: number
  readonly #onClose: () => void
  #step: Step | undefined = undefined
  #isUnderWay = false
  #isClosed = false
  #output: Array<Uint8Array> = []
  #outputLength = 0

  /** Throws when there is no memory. `onClose` is called once, when its memory is free. */
  constructor(limiter: CompressionLimiter, coding: Coding, level: number, onClose: () => void) {
    const { flush, open } = makings[coding]
    this.#limiter = limiter
    this.#stream = open(level)
    this.#flush = flush
    this.#onClose = onClose
    this.#stream.on("data", this.#onData)
    this.#stream.on("end", this.#onThrough)
    this.#stream.on("error", this.#onError)
  }

  /** How much output there is to be taken, in bytes. */
  get outputLength(): number {
    return this.#outputLength
  }

  /** The output so far. */
  take(): Uint8Array {
    const output = this.#output
    this.#output = []
    this.#outputLength = 0
    return output.length === 1 ? (output[0] ?? nothing) : Buffer.concat(output)
  }

  /**
   * Does one thing, once the one before is done; the input must stay as it is until then. It is not interrupted, as nobody
   * could tell what had become of the input. Once the coder is closed it does nothing.
   */
  run(kind: Kind, input: Uint8Array = nothing): Effect.Effect<void, CoderError> {
    return Effect.uninterruptible(
      Effect.callback((resume) => {
        if (this.#isClosed) return resume(Effect.void)
        this.#step = { kind, input, done: resume }
        this.#limiter.add(this)
      })
    )
  }

  get length(): number {
    return this.#step?.input.length ?? 0
  }

  start(): boolean {
    const step = this.#step
    if (step === undefined) return false
    this.#isUnderWay = true
    if (step.kind === "write") this.#stream.write(step.input, this.#onWritten)
    else if (step.kind === "flush") this.#stream.flush(this.#flush, this.#onThrough)
    else this.#stream.end(step.input)
    return true
  }

  /** Gives up what is not done, and frees the memory as soon as no other thread uses it. */
  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    if (this.#isUnderWay) return
    const step = this.#step
    this.#step = undefined
    this.#free()
    step?.done(Effect.void)
  }

  readonly #onData = (piece: Uint8Array): void => {
    if (this.#isClosed) return
    this.#output.push(piece)
    this.#outputLength += piece.length
  }

  /** Of errors `#onError` is told. */
  readonly #onWritten = (error?: Error | null): void => {
    if (!error) this.#onThrough()
  }

  readonly #onThrough = (): void => this.#settle(Effect.void)

  readonly #onError = (error: Error): void =>
    this.#settle(Effect.fail(new CoderError({ message: `the content cannot be compressed: ${error.message}` })))

  #settle(exit: Effect.Effect<void, CoderError>): void {
    const step = this.#step
    if (step === undefined || !this.#isUnderWay) return
    this.#step = undefined
    this.#isUnderWay = false
    if (this.#isClosed) this.#free()
    this.#limiter.release(step.input.length)
    step.done(exit)
  }

  #free(): void {
    this.#output = []
    this.#outputLength = 0
    this.#stream.destroy()
    this.#onClose()
  }
}
