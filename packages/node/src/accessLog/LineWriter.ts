import * as Effect from "effect/Effect"
import { write } from "node:fs"
import type { Write } from "./StandardOutput.ts"

/** Bytes that wait for the system above which further lines are dropped; nobody could tell when they would be written. */
const pendingLimit = 8_388_608

/** The size of a buffer at first; it doubles when more lines come together. */
const initialSize = 65_536

/** The most bytes that a character of a line takes in UTF-8, for each of its code units. */
const bytesPerUnit = 3

/** Units of text that become bytes together: each conversion has its price, and short-lived text costs little. */
const textSize = 1024

/** Milliseconds for which lines are gathered: a write in every turn would cost a busy server more than the lines do. */
const gatherDelay = 20

/** Milliseconds until a pipe that was full is tried again. */
const retryDelay = 10

/** How often a full pipe is tried again after the last line: a reader that has stopped must not keep the process. */
const finalRetries = 100

/** Who is told that lines did not arrive. */
export interface LineWriterObserver {
  /** Writing failed with this code of the operating system; told again only for another code, or after a success. */
  readonly onError: (code: string) => void
  readonly onLoss: (count: number) => void
}

/**
 * Writes lines to a file descriptor: all that came together in a short time in one write, and one write at a time, so
 * that no line is torn. Lines become bytes soon: text that is kept for a while is work for the garbage collector.
 */
export class LineWriter {
  readonly #system: Write
  readonly #mayStall: boolean
  readonly #observer: LineWriterObserver
  #buffer: Buffer = Buffer.allocUnsafeSlow(initialSize)
  /** The buffer of the last write, to be used again. */
  #spare: Buffer | undefined = undefined
  /** Bytes in the buffer. */
  #pending = 0
  /** What comes behind them. */
  #text = ""
  #pendingLines = 0
  #isWriting = false
  #isEnded = false
  #retries = 0
  #lost = 0
  #reported = ""
  #onIdle: (() => void) | undefined = undefined

  /** `stalling` is how to write where somebody has to read, who may have stopped to. */
  constructor(descriptor: number, observer: LineWriterObserver, stalling?: Write) {
    this.#system = stalling ?? ((bytes, done) => write(descriptor, bytes, done))
    this.#mayStall = stalling !== undefined
    this.#observer = observer
  }

  /** Takes a line, unless the writer has ended: its descriptor may be another file's by then. */
  write(line: string): void {
    if (this.#isEnded) return
    if (this.#pending > pendingLimit) {
      this.#lost++
      return
    }
    if (this.#pendingLines === 0 && !this.#isWriting) setTimeout(this.#writePending, gatherDelay)
    this.#pendingLines++
    this.#text += line
    if (this.#text.length >= textSize) this.#encode()
  }

  #encode(): void {
    this.#reserve(this.#pending + this.#text.length * bytesPerUnit)
    this.#pending += this.#buffer.write(this.#text, this.#pending)
    this.#text = ""
  }

  #reserve(needed: number): void {
    if (needed <= this.#buffer.length) return
    const grown = Buffer.allocUnsafeSlow(Math.max(needed, 2 * this.#buffer.length))
    this.#buffer.copy(grown, 0, 0, this.#pending)
    this.#buffer = grown
  }

  /** Takes no further line and waits until the system has all that it takes, so that the descriptor can be closed. */
  readonly end: Effect.Effect<void> = Effect.callback((resume) => {
    this.#isEnded = true
    this.#retries = 0
    const timer = this.#mayStall ? setTimeout(() => resume(Effect.void), finalRetries * retryDelay) : undefined
    this.#onIdle = () => {
      clearTimeout(timer)
      resume(Effect.void)
    }
    this.#writePending()
  })

  readonly #writePending = (): void => {
    if (this.#isWriting) return
    if (this.#pendingLines === 0) {
      if (this.#isEnded) this.#reportLoss()
      return this.#onIdle?.()
    }
    this.#encode()
    const full = this.#buffer
    const bytes = full.subarray(0, this.#pending)
    const lines = this.#pendingLines
    this.#buffer = this.#spare ?? Buffer.allocUnsafeSlow(initialSize)
    this.#spare = full
    this.#pending = 0
    this.#pendingLines = 0
    this.#isWriting = true
    this.#writeAll(bytes, lines)
  }

  #writeAll(bytes: Buffer, lines: number): void {
    this.#system(bytes, (error, written) => {
      if (error?.code === "EAGAIN" && this.#mayRetry()) {
        setTimeout(() => this.#writeAll(bytes, lines), retryDelay)
      } else if (error !== null) this.#finish(lines, error.code ?? error.message)
      else if (written < bytes.length) this.#writeAll(bytes.subarray(written), lines)
      else this.#finish(0, "")
    })
  }

  #mayRetry(): boolean {
    return !this.#isEnded || this.#retries++ < finalRetries
  }

  #finish(lost: number, code: string): void {
    this.#isWriting = false
    this.#lost += lost
    if (code !== "" && code !== this.#reported) this.#observer.onError(code)
    this.#reported = code
    if (code === "") this.#reportLoss()
    if (this.#pendingLines > 0 && !this.#isEnded) setTimeout(this.#writePending, gatherDelay)
    else this.#writePending()
  }

  #reportLoss(): void {
    if (this.#lost > 0) this.#observer.onLoss(this.#lost)
    this.#lost = 0
  }
}
