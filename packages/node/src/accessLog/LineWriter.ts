import * as Effect from "effect/Effect"
import { write } from "node:fs"
import type { Write } from "./StandardOutput.ts"

/** Bytes that wait for the system above which further lines are dropped; nobody could tell when they would be written. */
const pendingLimit = 8_388_608

/** The size of a buffer at first; it doubles when more lines come together. */
const initialSize = 65_536

/** The most bytes that a character of a line takes in UTF-8, for each of its code units. */
const bytesPerUnit = 3

/** Entries that become lines together: one after the other in a row, they take half the time that they do between requests. */
const batchSize = 256

/** Units of text that become bytes together: each conversion has its price, and short-lived text costs little. */
const textSize = 4096

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
 * Writes a line for each entry to a file descriptor: all that came together in a short time in one write, and one write
 * at a time, so that no line is torn.
 */
export class LineWriter<Entry> {
  readonly #toLine: (entry: Entry) => string
  readonly #system: Write
  readonly #mayStall: boolean
  readonly #observer: LineWriterObserver
  #buffer: Buffer = Buffer.allocUnsafeSlow(initialSize)
  /** The buffer of the last write, to be used again. */
  #spare: Buffer | undefined = undefined
  /** Bytes in the buffer. */
  #pending = 0
  /** Whose lines come behind them. */
  readonly #entries: Array<Entry> = []
  /** Of the bytes and the entries. */
  #pendingLines = 0
  #isWriting = false
  #isEnded = false
  #retries = 0
  #lost = 0
  #reported = ""
  #onIdle: (() => void) | undefined = undefined

  /** `stalling` is how to write where somebody has to read, who may have stopped to. */
  constructor(descriptor: number, toLine: (entry: Entry) => string, observer: LineWriterObserver, stalling?: Write) {
    this.#toLine = toLine
    this.#system = stalling ?? ((bytes, done) => write(descriptor, bytes, done))
    this.#mayStall = stalling !== undefined
    this.#observer = observer
  }

  /** Takes an entry, which must not change, unless the writer has ended: its descriptor may be another file's by then. */
  write(entry: Entry): void {
    if (this.#isEnded) return
    if (this.#pending > pendingLimit) {
      this.#lost++
      return
    }
    if (this.#pendingLines === 0 && !this.#isWriting) setTimeout(this.#writePending, gatherDelay)
    this.#pendingLines++
    if (this.#entries.push(entry) >= batchSize) this.#encode()
  }

  #encode(): void {
    let text = ""
    for (const entry of this.#entries) {
      text += this.#toLine(entry)
      if (text.length < textSize) continue
      this.#append(text)
      text = ""
    }
    this.#append(text)
    this.#entries.length = 0
  }

  #append(text: string): void {
    this.#reserve(this.#pending + text.length * bytesPerUnit)
    this.#pending += this.#buffer.write(text, this.#pending)
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
