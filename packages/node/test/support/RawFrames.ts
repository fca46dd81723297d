import { deflateRawSync, constants, inflateRawSync } from "node:zlib"

/** What can be chosen of a frame besides opcode and payload. */
export interface FrameOptions {
  readonly isFinal?: boolean
  readonly isCompressed?: boolean
}

const maskingKey = Buffer.of(0x37, 0xfa, 0x21, 0x3d)

/** A frame of a client (RFC 6455 §5.2). */
export const frame = (
  opcode: number,
  payload: Buffer,
  { isCompressed = false, isFinal = true }: FrameOptions = {}
): Buffer => {
  const first = (isFinal ? 0x80 : 0) | (isCompressed ? 0x40 : 0) | opcode
  const header = Buffer.alloc(payload.length < 126 ? 2 : payload.length < 65_536 ? 4 : 10)
  header[0] = first
  header[1] = 0x80 | (header.length === 2 ? payload.length : header.length === 4 ? 126 : 127)
  if (header.length === 4) header.writeUInt16BE(payload.length, 2)
  else if (header.length === 10) header.writeBigUInt64BE(BigInt(payload.length), 2)
  return Buffer.concat([header, maskingKey, payload.map((byte, index) => byte ^ (maskingKey[index % 4] ?? 0))])
}

/** The payload of a compressed message (RFC 7692 §7.2.1), which needs nothing of those before it. */
export const deflate = (message: Buffer): Buffer =>
  deflateRawSync(message, { finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, -4)

/** A frame of a server. */
export interface ServerFrame {
  readonly opcode: number
  readonly payload: Buffer
}

const tail = Buffer.of(0, 0, 0xff, 0xff)

/** All whole frames of a server, decompressed with what came before them as the context (RFC 7692 §7.2.2). */
export const readFrames = (bytes: Buffer): ReadonlyArray<ServerFrame> => {
  const frames: Array<ServerFrame> = []
  let context = Buffer.alloc(0)
  for (let start = 0; start + 2 <= bytes.length;) {
    const first = bytes.readUInt8(start)
    const short = bytes.readUInt8(start + 1)
    const headerLength = short === 126 ? 4 : short === 127 ? 10 : 2
    if (start + headerLength > bytes.length) break
    const length =
      short === 126 ? bytes.readUInt16BE(start + 2) : short === 127 ? Number(bytes.readBigUInt64BE(start + 2)) : short
    const payloadStart = start + headerLength
    start = payloadStart + length
    if (start > bytes.length) break
    let payload = bytes.subarray(payloadStart, start)
    if ((first & 0x40) !== 0) {
      const options = { finishFlush: constants.Z_SYNC_FLUSH, ...(context.length > 0 ? { dictionary: context } : {}) }
      payload = inflateRawSync(Buffer.concat([payload, tail]), options)
      context = Buffer.concat([context, payload]).subarray(-32_768)
    }
    frames.push({ opcode: first & 0xf, payload })
  }
  return frames
}
