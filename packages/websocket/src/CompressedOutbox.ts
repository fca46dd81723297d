import { copyBytes, encodeText, toBytes } from "@pagi/core/bytes/ByteString"
import type { WebSocketMessage } from "@pagi/core/exchange/WebSocket"
import { Fifo } from "@pagi/core/bytes/Fifo"
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
  writeClose(code: number, reason: string): void
  /** Less is pending than before. */
  onOutboxProgress(): void
}

/** What is still to be sent; `length` is in bytes, before compression. */
type Job = { readonly length: number } & (
  | { readonly type: "compress"; readonly isText: boolean; readonly bytes: Uint8Array }
  | { readonly type: "plain"; readonly message: WebSocketMessage }
  | { readonly type: "close"; readonly code: number; readonly reason: string }
)

/** What an application sends with compression: it leaves in order, although compressing takes its time. */
export class CompressedOutbox {
  readonly #session: OutboxSession
  readonly #compression: MessageCompression
  readonly #jobs = new Fifo<Job>()
  /** Whether a job is being done. */
  #isBusy = false
  /** Bytes of messages that have not been written, as long as they were before compression. */
  pendingBytes = 0

  constructor(session: OutboxSession, compression: MessageCompression) {
    this.#session = session
    this.#compression = compression
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
      if (job.type === "plain") this.#session.writeMessage(job.message)
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

  #done(length: number): void {
    this.#isBusy = false
    this.pendingBytes -= length
  }
}
