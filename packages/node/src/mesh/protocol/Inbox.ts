import { Fifo } from "@pagi/core/bytes/Fifo"
import { FrameReader, type OnFrame } from "./FrameReader.ts"
import { headLength, isMessageKind } from "./Frames.ts"
import { chunkSize, creditStep, maxFrame, maxGreeting, window } from "./Limits.ts"

/** Who handles frames. For a message, the answer is whether what is held back is to wait until `resume`. */
export interface FrameHandler {
  readonly onControl: (kind: number, buffer: Buffer, start: number, end: number) => void
  readonly onMessageFrame: (kind: number, buffer: Buffer, start: number, end: number) => boolean
  /** So many bytes of messages were handled. */
  readonly onConsumed: (bytes: number) => void
}

interface Held {
  readonly kind: number
  readonly body: Buffer
}

/**
 * What has come from a peer. While a subscriber makes others wait, messages are held back, for which the peer has no more
 * than the window; everything else goes on, so that nobody else has to wait.
 */
export class Inbox {
  readonly #handler: FrameHandler
  readonly #reader = new FrameReader(maxGreeting)
  readonly #onFrame: OnFrame
  readonly #held = new Fifo<Held>()
  #heldBytes = 0
  #isPaused = false
  #isBroken = false
  #consumed = 0

  constructor(handler: FrameHandler) {
    this.#handler = handler
    this.#onFrame = (kind, buffer, start, end) => this.#frame(kind, buffer, start, end)
  }

  /** The peer has said who it is: frames may be as long as they are. */
  open(): void {
    this.#reader.limit = maxFrame
  }

  /** Whether something is held back, or would be. */
  get isHolding(): boolean {
    return this.#isPaused
  }

  /** Forgets what was held back; nothing more is read. */
  discard(): void {
    this.#held.clear()
    this.#isPaused = false
  }

  /** Answers false when the peer does not do what was agreed. */
  read(bytes: Buffer): boolean {
    return this.#reader.read(bytes, this.#onFrame) && !this.#isBroken
  }

  /** Goes on with what was held back. */
  resume(): void {
    this.#isPaused = false
    while (!this.#isPaused) {
      const held = this.#held.shift()
      if (held === undefined) return
      this.#heldBytes -= held.body.length + headLength
      this.#handle(held.kind, held.body, 0, held.body.length)
    }
  }

  #frame(kind: number, buffer: Buffer, start: number, end: number): void {
    if (!isMessageKind(kind)) return this.#handler.onControl(kind, buffer, start, end)
    if (!this.#isPaused) return this.#handle(kind, buffer, start, end)
    this.#heldBytes += end - start + headLength
    if (this.#heldBytes > window + chunkSize + maxFrame) this.#isBroken = true
    // A copy, since a short one would keep all that has come with it.
    else this.#held.push({ kind, body: Buffer.from(buffer.subarray(start, end)) })
  }

  #handle(kind: number, buffer: Buffer, start: number, end: number): void {
    this.#isPaused = this.#handler.onMessageFrame(kind, buffer, start, end)
    this.#consumed += end - start + headLength
    if (this.#consumed < creditStep) return
    const consumed = this.#consumed
    this.#consumed = 0
    this.#handler.onConsumed(consumed)
  }
}
