import type { ByteString } from "@pagi/core/bytes/ByteString"
import type { DeflateParameters } from "./protocol/PerMessageDeflate.ts"

/**
 * Compression of one session's messages at the server's end (RFC 7692 §7.2), off the event loop. Each way has its own
 * order: messages are taken one after the other, and `done` is called in that order, never before the method returns.
 */
export interface MessageCompression {
  /**
   * Compresses a whole message, which must stay as it is until then. `done` gets the payload, without the four bytes that
   * every payload would end with (§7.2.1).
   */
  compress(message: Uint8Array, done: (payload: Uint8Array) => void): void
  /**
   * Decompresses the payload of a whole message. `maxSize` (0: no limit) is enforced while inflating, so that a bomb never
   * becomes memory. The bytes are the receiver's own. After another result what follows cannot be understood any more,
   * and no further `done` is called.
   */
  decompress(payload: Uint8Array, maxSize: number, done: (result: Uint8Array | "too-large" | "invalid") => void): void
  /** Frees memory, also while work is under way. No `done` is called afterwards. */
  close(): void
}

/** What sessions need of the platform that they run on. */
export interface WebSocketPlatform {
  /** SHA-1 of a byte string, in base64. */
  readonly digest: (text: ByteString) => ByteString
  readonly makeCompression: (parameters: DeflateParameters) => MessageCompression
}
