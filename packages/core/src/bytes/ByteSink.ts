import type { ByteString } from "./ByteString.ts"

/**
 * Where a protocol machine puts the bytes that it produces. A string is a byte string. The sink keeps what it is given
 * in order and may hold it back until the end of the turn; the bytes of an array must not change afterwards.
 */
export interface ByteSink {
  write(data: ByteString | Uint8Array): void
}
