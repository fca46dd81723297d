import type { DeflateParameters } from "@pagi/websocket/protocol/PerMessageDeflate"
import type { MessageCompression } from "@pagi/websocket/WebSocketPlatform"
import { type CompressionLimiter, processLimiter } from "./CompressionLimiter.ts"
import { MessageDeflater } from "./MessageDeflater.ts"
import { MessageInflater } from "./MessageInflater.ts"

/** The server's end of a session with permessage-deflate (RFC 7692 §7), by `node:zlib`. */
export class WebSocketCompression implements MessageCompression {
  readonly #parameters: DeflateParameters
  readonly #limiter: CompressionLimiter
  // Made when they are first needed, since an idle session should cost little.
  #deflater: MessageDeflater | undefined = undefined
  #inflater: MessageInflater | undefined = undefined
  #isClosed = false

  constructor(parameters: DeflateParameters, limiter: CompressionLimiter = processLimiter) {
    this.#parameters = parameters
    this.#limiter = limiter
  }

  compress(message: Uint8Array, done: (payload: Uint8Array) => void): void {
    if (this.#isClosed) return
    const { serverMaxWindowBits, serverNoContextTakeover } = this.#parameters
    this.#deflater ??= new MessageDeflater(this.#limiter, serverMaxWindowBits, !serverNoContextTakeover)
    this.#deflater.compress(message, done)
  }

  decompress(payload: Uint8Array, maxSize: number, done: (result: Uint8Array | "too-large" | "invalid") => void): void {
    if (this.#isClosed) return
    const { clientMaxWindowBits, clientNoContextTakeover } = this.#parameters
    this.#inflater ??= new MessageInflater(this.#limiter, clientMaxWindowBits, !clientNoContextTakeover)
    this.#inflater.decompress(payload, maxSize, done)
  }

  close(): void {
    this.#isClosed = true
    this.#deflater?.close()
    this.#inflater?.close()
  }
}
