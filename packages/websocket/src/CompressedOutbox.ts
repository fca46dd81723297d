import { copyBytes, encodeText, toBytes } from "@pagi/core/bytes/ByteString"
import type { SharedEncoding, SharedMessage } from "@pagi/core/contract/DirectSend"
import type { WebSocketMessage } from "@pagi/core/exchange/WebSocket"
import { Fifo } from "@pagi/core/bytes/Fifo"
import { contentOf, frameOf, type SharedCompression } from "./SharedFrame.ts"
import type { MessageCompression } from "./WebSocketPlatform.ts"

/**
 * Bytes from which on a message is compressed. Below, compressing saves less than a packet and costs a visit to another
 * thread; RFC 7692 §6 leaves the choice to the sender.
 */
const compressionThreshold = 1024

/** Who writes what has been compressed. */
export interface OutboxSession {
  writeMessage(message: WebSocketMessage): void
  writeCompressed(isText: boolean, payload: Uint8Array): void
  writeFrame(frame: SharedEncoding): void
  writeClose(code: number, reason: string): void
  /** Less is pending than before. */
  onOutboxProgress(): void
}

/** What is still to be sent; `length` is in bytes, before compression. */
type Job = { readonly length: number } & (
  | { readonly type: "compress"; readonly isText: boolean; readonly bytes: Uint8Array }
  | { readonly type: "plain"; readonly message: WebSocketMessage }
  | { readonly type: "shared"; readonly message: SharedMessage }
  | { readonly type: "compressShared"; readonly message: SharedMessage; readonly windowBits: number }
  | { readonly type: "close"; readonly code: number; readonly reason: string }
)

/** What an application sends with compression: it leaves in order, although compressing takes its time. */
export class CompressedOutbox {
  readonly #session: OutboxSession
  readonly #compression: MessageCompression
  readonly #sharedCompression: SharedCompression
  readonly #sharedBits: number | undefined
  readonly #jobs = new Fifo<Job>()
  /** Whether a job is being done. */
  #isBusy = false
  #isDiscarded = false
  /** Bytes of messages that have not been written, as long as they were before compression. */
  pendingBytes = 0

  /** `sharedBits` are those of the window when messages to many may be compressed for all of them. */
  constructor(
    session: OutboxSession,
    compression: MessageCompression,
    sharedCompression: SharedCompression,
    sharedBits: number | undefined
  ) {
    this.#session = session
    this.#compression = compression
    this.#sharedCompression = sharedCompression
    this.#sharedBits = sharedBits
  }

  /** An array is copied: while another thread works with it, its memory must not be transferred or resized. */
  send(message: WebSocketMessage): void {
    const isText = typeof message === "string"
    const content = isText ? encodeText(message) : copyBytes(message, 0, message.length)
    const { length } = content
    if (length >= compressionThreshold) {
      const bytes = typeof content === "string" ? toBytes(content) : content
      this.#add({ type: "compress", isText, bytes, length })
    } else this.#add({ type: "plain", message: isText ? message : content, length })
  }

  sendShared(message: SharedMessage): void {
    const { length } = frameOf(message)
    if (length < compressionThreshold) this.#add({ type: "shared", message, length })
    else if (this.#sharedBits !== undefined) {
      this.#add({ type: "compressShared", message, windowBits: this.#sharedBits, length })
    } else this.send(contentOf(message))
  }

  /** The session is over: what is compressed for others as well must not be written to it any more. */
  discard(): void {
    this.#isDiscarded = true
  }

  /** Closes behind everything that was sent. */
  close(code: number, reason: string): void {
    this.#add({ type: "close", code, reason, length: 0 })
  }

  #add(job: Job): void {
    this.pendingBytes += job.length
    this.#jobs.push(job)
    this.#run()
  }

  /** Writes what can be written, up to the next message that has to be compressed first. Not re-entrant. */
  #run(): void {
    while (!this.#isBusy) {
      const job = this.#jobs.shift()
      if (job === undefined) return
      this.#isBusy = true
      if (job.type === "compress") return this.#compress(job.isText, job.bytes)
      if (job.type === "compressShared") {
        this.#compressShared(job.message, job.windowBits, job.length)
        continue
      }
      if (job.type === "plain") this.#session.writeMessage(job.message)
      else if (job.type === "shared") this.#session.writeFrame(frameOf(job.message))
      else this.#session.writeClose(job.code, job.reason)
      this.#done(job.length)
    }
  }

  #compress(isText: boolean, bytes: Uint8Array): void {
    this.#compression.compress(bytes, (payload) => {
      this.#session.writeCompressed(isText, payload)
      this.#done(bytes.length)
      this.#run()
      this.#session.onOutboxProgress()
    })
  }

  /** What was compressed for others already is written at once, and whoever runs the jobs goes on. */
  #compressShared(message: SharedMessage, windowBits: number, length: number): void {
    let isAtOnce = true
    this.#sharedCompression.compress(message, windowBits, (frame) => {
      if (this.#isDiscarded) return
      this.#session.writeFrame(frame)
      this.#done(length)
      if (isAtOnce) return
      this.#run()
      this.#session.onOutboxProgress()
    })
    isAtOnce = false
  }

  #done(length: number): void {
    this.#isBusy = false
    this.pendingBytes -= length
  }
}
