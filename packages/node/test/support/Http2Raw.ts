/** HTTP/2 by hand, for what Node's client does not do. */
import { toBytes } from "@pagi/core/bytes/ByteString"

/** The types of frames that are needed here (RFC 9113 §6). */
export const DATA = 0
export const HEADERS = 1
export const RST_STREAM = 3
export const SETTINGS = 4
export const PING = 6
export const GOAWAY = 7

export const END_STREAM = 0x1
export const ACK = 0x1
export const END_HEADERS = 0x4

/** What a client sends first. */
export const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

/** A frame as it is on the wire. */
export interface Frame {
  readonly type: number
  readonly flags: number
  readonly streamId: number
  readonly payload: Buffer
}

export const frame = (type: number, flags: number, streamId: number, payload: string | Uint8Array = ""): Buffer => {
  const content = typeof payload === "string" ? toBytes(payload) : payload
  const header = Buffer.alloc(9)
  header.writeUIntBE(content.length, 0, 3)
  header[3] = type
  header[4] = flags
  header.writeUInt32BE(streamId, 5)
  return Buffer.concat([header, content])
}

/** The frames of a text of bytes; what is left of one that is not complete is dropped. */
export const framesOf = (bytes: Buffer): ReadonlyArray<Frame> => {
  const frames: Array<Frame> = []
  for (let start = 0; start + 9 <= bytes.length;) {
    const end = start + 9 + bytes.readUIntBE(start, 3)
    if (end > bytes.length) break
    const [type = 0, flags = 0] = bytes.subarray(start + 3, start + 5)
    frames.push({ type, flags, streamId: bytes.readUInt32BE(start + 5), payload: bytes.subarray(start + 9, end) })
    start = end
  }
  return frames
}

/** GET http://test/ without Huffman codes, and without a place in the table. */
const getFields = "\x82\x86\x84\x01\x04test"

/** GET / on a stream. */
export const getFrame = (streamId: number): Buffer => frame(HEADERS, END_STREAM | END_HEADERS, streamId, getFields)

/** All that a client has to send to have GET / answered. */
export const opening = Buffer.concat([toBytes(preface), frame(SETTINGS, 0, 0), getFrame(1)])
