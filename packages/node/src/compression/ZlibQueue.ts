import type { DeflateRaw, InflateRaw } from "node:zlib"
import { Fifo } from "@pagi/core/bytes/Fifo"
import type { CompressionLimiter, LimitedWork } from "./CompressionLimiter.ts"

export type ZlibStream = DeflateRaw | InflateRaw

/** A message on its way through zlib. */
interface ZlibJob {
  readonly input: Uint8Array
}

/**
 * One way of a session's compression: messages go through a stream of `node:zlib` one after the other, each when the
 * limiter lets it.
 *
 * The stream is made for the first message: most of its memory is native, and an idle session should have none. It is
 * not destroyed while another thread works with it. That would not stop the work, and if it then failed nothing would
 * tell of it, so that its place in the limiter would be lost.
 */
export abstract class ZlibQueue<Job extends ZlibJob> implements LimitedWork {
  readonly #limiter: CompressionLimiter
  /** Those that have not come to their end, the one under way first. */
  readonly #jobs = new Fifo<Job>()
  /** Bytes of input that are under way. */
  #underWay: number | undefined = undefined
  #isClosed = false
  #output: Array<Uint8Array> = []
  #outputLength = 0
  #stream: ZlibStream | undefined = undefined

  constructor(limiter: CompressionLimiter) {
    this.#limiter = limiter
  }

  /** Makes a stream. */
  protected abstract open(): ZlibStream
  /** Writes the input to the stream, all at once. */
  protected abstract begin(job: Job): void
  /** There is more output, and this is how much there is now. */
  protected abstract onOutput(length: number): void
  /** What was written has been through; there may be no output. */
  protected abstract onWritten(stream: ZlibStream, outputLength: number): void
  /** The stream has failed. */
  protected abstract onError(): void

  protected add(job: Job): void {
    if (this.#isClosed) return
    this.#jobs.push(job)
    if (this.#jobs.length === 1) this.#limiter.add(this)
  }

  get length(): number {
    return this.#jobs.head?.input.length ?? 0
  }

  start(): boolean {
    const job = this.#jobs.head
    if (job === undefined) return false
    this.#underWay = job.input.length
    this.begin(job)
    return true
  }

  /** Ends everything; what is under way when it next gives a sign. */
  close(): void {
    this.#isClosed = true
    this.#jobs.clear()
    if (this.#underWay === undefined) this.#free()
  }

  protected write(bytes: Uint8Array): void {
    this.#stream ??= this.#listenTo(this.open())
    this.#stream.write(bytes, this.#onWritten)
  }

  /**
   * So many bytes of the output, and no more of it. They are copied because the stream goes on to use the memory around
   * them, which a receiver could otherwise keep alive or, by transferring it to a worker, take away from under it.
   */
  protected takeOutput(length: number): Uint8Array {
    const bytes = new Uint8Array(length)
    let offset = 0
    for (const chunk of this.#output) {
      const part = chunk.subarray(0, length - offset)
      bytes.set(part, offset)
      offset += part.length
    }
    this.#dropOutput()
    return bytes
  }

  /** The message is through; answers what it was, unless nobody waits for it any more. */
  protected end(): Job | undefined {
    const job = this.#jobs.shift()
    const length = this.#underWay ?? 0
    this.#underWay = undefined
    if (this.#isClosed) this.#free()
    this.#limiter.release(length)
    if (this.#jobs.length > 0) this.#limiter.add(this)
    return job
  }

  /** Nothing can become of this message, which is answered, and of those after it. */
  protected giveUp(): Job | undefined {
    const job = this.#jobs.head
    this.close()
    this.end()
    return job
  }

  /** What is written next goes to a new stream. */
  protected dropStream(): void {
    this.#stream?.destroy()
    this.#stream = undefined
  }

  #listenTo(stream: ZlibStream): ZlibStream {
    stream.on("data", this.#onData)
    stream.on("error", this.#onError)
    return stream
  }

  readonly #onData = (chunk: Uint8Array): void => {
    if (!this.#isAwaited()) return
    this.#output.push(chunk)
    this.#outputLength += chunk.length
    this.onOutput(this.#outputLength)
  }

  /** Also called when the stream was destroyed from within `#onData`; of errors `#onError` is told. */
  readonly #onWritten = (error?: Error | null): void => {
    if (error || !this.#isAwaited() || this.#stream === undefined) return
    this.onWritten(this.#stream, this.#outputLength)
  }

  readonly #onError = (): void => {
    if (!this.#isAwaited()) return
    this.dropStream()
    this.#dropOutput()
    this.onError()
  }

  /** Whether somebody waits for what the stream has to tell. If not, this is the time to end the work. */
  #isAwaited(): boolean {
    if (this.#isClosed && this.#underWay !== undefined) this.end()
    return this.#underWay !== undefined
  }

  #free(): void {
    this.dropStream()
    this.#dropOutput()
  }

  #dropOutput(): void {
    this.#output = []
    this.#outputLength = 0
  }
}
