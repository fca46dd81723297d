import { type ByteString, toBytes } from "@pagi/core/bytes/ByteString"
import type { MemoryTransport } from "@pagi/core/testing/MemoryTransport"
import * as ErrorCode from "../../src/protocol/wire/ErrorCode.ts"
import { DecodedFields } from "../../src/protocol/hpack/DecodedFields.ts"
import { ACK, END_HEADERS, END_STREAM } from "../../src/protocol/frame/Flag.ts"
import { FrameHeader, frameHeaderSize } from "../../src/protocol/frame/FrameHeader.ts"
import * as FrameType from "../../src/protocol/frame/FrameType.ts"
import { readUint16, readUint31, readUint32 } from "../../src/protocol/frame/Integer.ts"
import { Decoder } from "../../src/protocol/hpack/Decoder.ts"

/** Payloads longer than that are told by their length only. */
const shownLength = 200

/**
 * The client's end of a connection. What the server has written it reads as lines, one for each frame:
 *
 *     SETTINGS 3=100 4=65535 · SETTINGS ACK · PING ACK pingpong · WINDOW_UPDATE 0 983025
 *     HEADERS 1 END :status 200; content-length 5 · DATA 1 END hello · DATA 1 16384 bytes
 *     RST_STREAM 1 CANCEL · GOAWAY 1 PROTOCOL_ERROR · end (behind the last byte, when the connection was closed)
 *
 * It throws when a frame is malformed, too large, or comes behind the end of its stream or of the connection.
 */
export class Peer {
  readonly transport: MemoryTransport
  /** Frames that the server may send (SETTINGS_MAX_FRAME_SIZE). */
  maxFrameSize = 16_384
  /** Content that came, by stream. */
  readonly content = new Map<number, number>()
  readonly #decoder: Decoder
  readonly #list = new DecodedFields(10_000_000, 10_000)
  readonly #ended = new Set<number>()
  #unread: ByteString = ""
  #block: ByteString = ""
  #frames = 0
  #isEndTold = false

  constructor(transport: MemoryTransport, headerTableSize = 4096) {
    this.transport = transport
    this.#decoder = new Decoder(headerTableSize)
  }

  push(bytes: ByteString): void {
    this.transport.push(bytes)
  }

  /** What has come since the last time. */
  lines(): Array<string> {
    const lines: Array<string> = []
    this.#unread += this.transport.read()
    while (this.#unread.length >= frameHeaderSize) {
      const header = new FrameHeader()
      header.read(toBytes(this.#unread.slice(0, frameHeaderSize)), 0)
      const end = frameHeaderSize + header.length
      if (header.length > this.maxFrameSize) throw new Error(`a frame of ${header.length} bytes`)
      if (this.#unread.length < end) break
      const payload = this.#unread.slice(frameHeaderSize, end)
      this.#unread = this.#unread.slice(end)
      const line = this.#read(header, payload)
      if (line !== undefined) lines.push(line)
    }
    if (this.transport.ending !== "open" && !this.#isEndTold) {
      if (this.#unread !== "") throw new Error("half a frame before the end")
      this.#isEndTold = true
      lines.push("end")
    }
    return lines
  }

  #read(header: FrameHeader, payload: ByteString): string | undefined {
    const { streamId, type } = header
    const bytes = toBytes(payload)
    if (this.#frames++ === 0 && type !== FrameType.SETTINGS) throw new Error("the first frame is not SETTINGS")
    if (this.#block !== "" && type !== FrameType.CONTINUATION) throw new Error("a header block was interrupted")
    switch (type) {
      case FrameType.DATA:
        this.content.set(streamId, (this.content.get(streamId) ?? 0) + payload.length)
        return `DATA ${streamId}${this.#end(header)} ${payload.length > shownLength ? `${payload.length} bytes` : payload}`
      case FrameType.HEADERS:
      case FrameType.CONTINUATION:
        return this.#readBlock(header, payload)
      case FrameType.RST_STREAM:
        this.#ended.add(streamId)
        return `RST_STREAM ${streamId} ${ErrorCode.name(readUint32(bytes, 0))}`
      case FrameType.SETTINGS:
        if (header.has(ACK)) return "SETTINGS ACK"
        return `SETTINGS${Array.from({ length: bytes.length / 6 }, (_, at) => ` ${readUint16(bytes, at * 6)}=${readUint32(bytes, at * 6 + 2)}`).join("")}`
      case FrameType.PING:
        return `PING ${header.has(ACK) ? "ACK " : ""}${payload}`
      case FrameType.GOAWAY:
        return `GOAWAY ${readUint31(bytes, 0)} ${ErrorCode.name(readUint32(bytes, 4))}`
      case FrameType.WINDOW_UPDATE:
        if (readUint32(bytes, 0) === 0 || bytes.length !== 4) throw new Error("a bad WINDOW_UPDATE")
        return `WINDOW_UPDATE ${streamId} ${readUint32(bytes, 0)}`
      default:
        throw new Error(`a frame of type ${type}`)
    }
  }

  /** Notes END_STREAM; nothing with content may follow. */
  #end(header: FrameHeader): string {
    const { streamId } = header
    if (this.#ended.has(streamId)) throw new Error(`a frame behind the end of stream ${streamId}`)
    if (!header.has(END_STREAM)) return ""
    this.#ended.add(streamId)
    return " END"
  }

  #prefix = ""

  #readBlock(header: FrameHeader, payload: ByteString): string | undefined {
    if (header.type === FrameType.HEADERS) this.#prefix = `HEADERS ${header.streamId}${this.#end(header)} `
    else this.#prefix = `CONTINUED ${this.#prefix}`
    this.#block += payload
    if (!header.has(END_HEADERS)) return undefined
    const bytes = toBytes(this.#block)
    this.#block = ""
    this.#list.clear()
    if (!this.#decoder.decode(bytes, 0, bytes.length, this.#list)) throw new Error("a bad header block")
    const shown = this.#list.fields.filter(({ name }) => name !== "date")
    return this.#prefix + shown.map(({ name, value }) => `${name} ${value}`).join("; ")
  }
}
