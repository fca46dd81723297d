import { type ByteString, fromBytes, toBytes } from "@pagi/core/bytes/ByteString"
import * as ErrorCode from "../../../src/protocol/wire/ErrorCode.ts"
import { DecodedFields } from "../../../src/protocol/hpack/DecodedFields.ts"
import { ACK, END_HEADERS, END_STREAM } from "../../../src/protocol/frame/Flag.ts"
import { FrameHeader, frameHeaderSize } from "../../../src/protocol/frame/FrameHeader.ts"
import * as FrameType from "../../../src/protocol/frame/FrameType.ts"
import { Decoder } from "../../../src/protocol/hpack/Decoder.ts"

export type Fields = ReadonlyArray<readonly [name: ByteString, value: ByteString]>

/** A frame of the server, as its client understands it; header sections are whole. */
export type Frame =
  | { readonly type: "DATA"; readonly id: number; readonly body: ByteString; readonly ends: boolean }
  | { readonly type: "HEADERS"; readonly id: number; readonly fields: Fields; readonly ends: boolean }
  | { readonly type: "RST_STREAM"; readonly id: number; readonly code: string }
  | { readonly type: "SETTINGS"; readonly isAck: boolean; readonly entries: ReadonlyMap<number, number> }
  | { readonly type: "PING"; readonly isAck: boolean; readonly payload: ByteString }
  | { readonly type: "GOAWAY"; readonly last: number; readonly code: string; readonly message: ByteString }
  | { readonly type: "WINDOW_UPDATE"; readonly id: number; readonly increment: number }

/** A frame that broke a rule, which is a bug of the server under test. */
export class BadFrame extends Error {}

const uint32 = (bytes: Uint8Array, offset: number): number =>
  new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(offset)

/** Fields about a connection (RFC 9113 §8.2.2). */
const connectionFields = new Set(["connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade"])

const checkFields = (fields: Fields): Fields => {
  const names = fields.map(([name]) => name)
  for (const [name, value] of fields) {
    if (!/^:?[!#$%&'*+.^_`|~0-9a-z-]+$/.test(name)) throw new BadFrame(`the field name ${JSON.stringify(name)}`)
    if (/[\0\r\n]|^[ \t]|[ \t]$/.test(value)) throw new BadFrame(`the value ${JSON.stringify(value)} of ${name}`)
    if (connectionFields.has(name)) throw new BadFrame(`the field ${name}`)
    if (name.startsWith(":") && name !== ":status") throw new BadFrame(`the pseudo-header field ${name}`)
  }
  if (names.lastIndexOf(":status") > 0) throw new BadFrame(":status is not the first field, or not the only one")
  return fields
}

/** Reads what a server has sent, strictly. */
export class FrameReader {
  maxFrameSize = 16_384
  private rest: ByteString = ""
  private readonly decoder = new Decoder(4096)
  private section: { id: number; ends: boolean; block: ByteString } | undefined = undefined

  /** The frames in these bytes and what was left of those before. */
  read(text: ByteString): Array<Frame> {
    const frames: Array<Frame> = []
    const bytes = toBytes(this.rest + text)
    const header = new FrameHeader()
    let offset = 0
    while (bytes.length - offset >= frameHeaderSize) {
      header.read(bytes, offset)
      const end = offset + frameHeaderSize + header.length
      if (end > bytes.length) break
      if (header.length > this.maxFrameSize) throw new BadFrame(`a frame of ${header.length} bytes`)
      const frame = this.readFrame(header, bytes.subarray(offset + frameHeaderSize, end))
      if (frame !== undefined) frames.push(frame)
      offset = end
    }
    this.rest = fromBytes(bytes, offset, bytes.length)
    return frames
  }

  /** Bytes of a frame that has not come to its end. */
  get restLength(): number {
    return this.rest.length
  }

  private readFrame(header: FrameHeader, payload: Uint8Array): Frame | undefined {
    const { streamId: id, type } = header
    if ((this.section !== undefined) !== (type === FrameType.CONTINUATION)) throw new BadFrame("an interrupted section")
    const ends = header.has(END_STREAM)
    switch (type) {
      case FrameType.DATA:
        return { type: "DATA", id, body: fromBytes(payload, 0, payload.length), ends }
      case FrameType.HEADERS:
        this.section = { id, ends, block: "" }
        return this.addFragment(header, payload)
      case FrameType.CONTINUATION:
        return this.addFragment(header, payload)
      case FrameType.RST_STREAM:
        return { type: "RST_STREAM", id, code: ErrorCode.name(uint32(payload, 0)) }
      case FrameType.SETTINGS:
        return { type: "SETTINGS", isAck: header.has(ACK), entries: readEntries(payload) }
      case FrameType.PING:
        return { type: "PING", isAck: header.has(ACK), payload: fromBytes(payload, 0, payload.length) }
      case FrameType.GOAWAY: {
        const code = ErrorCode.name(uint32(payload, 4))
        return { type: "GOAWAY", last: uint32(payload, 0), code, message: fromBytes(payload, 8, payload.length) }
      }
      case FrameType.WINDOW_UPDATE:
        return { type: "WINDOW_UPDATE", id, increment: uint32(payload, 0) }
      default:
        throw new BadFrame(`a frame of type ${type}`)
    }
  }

  private addFragment(header: FrameHeader, payload: Uint8Array): Frame | undefined {
    const { section } = this
    if (section === undefined || section.id !== header.streamId) throw new BadFrame("a section on two streams")
    section.block += fromBytes(payload, 0, payload.length)
    if (!header.has(END_HEADERS)) return undefined
    this.section = undefined
    const list = new DecodedFields(2 ** 20, 1000)
    if (!this.decoder.decode(toBytes(section.block), 0, section.block.length, list)) throw new BadFrame("bad HPACK")
    const fields = checkFields(list.fields.map(({ name, value }) => [name, value] as const))
    return { type: "HEADERS", id: section.id, fields, ends: section.ends }
  }
}

const readEntries = (payload: Uint8Array): Map<number, number> => {
  const entries = new Map<number, number>()
  for (let offset = 0; offset < payload.length; offset += 6) {
    entries.set(uint32(payload, offset) >>> 16, uint32(payload, offset + 2))
  }
  return entries
}
