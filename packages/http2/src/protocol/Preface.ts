/** The preface, by which a client says that it speaks HTTP/2 (RFC 9113 §3.4). */
import { type ByteString, toBytes } from "@pagi/core/bytes/ByteString"

/** What a client sends first on every connection (RFC 9113 §3.4). */
export const preface: ByteString = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

const prefaceBytes = toBytes(preface)

/** How much of the preface the bytes from `start` up to `end` are; -1 when they are something else. */
export const matchPreface = (bytes: Uint8Array, start: number, end: number): number => {
  const length = Math.min(end - start, prefaceBytes.length)
  for (let index = 0; index < length; index++) {
    if (bytes[start + index] !== prefaceBytes[index]) return -1
  }
  return length
}
