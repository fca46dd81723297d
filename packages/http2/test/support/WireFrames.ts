/** Frames as byte strings, right or wrong, for tests that are the client. */
import { type ByteString, fromBytes, toBytes } from "@pagi/core/bytes/ByteString"
import { ACK, END_HEADERS, END_STREAM } from "../../src/protocol/frame/Flag.ts"
import { writeFrameHeader } from "../../src/protocol/frame/FrameHeader.ts"
import * as FrameType from "../../src/protocol/frame/FrameType.ts"
import { writeString } from "../../src/protocol/hpack/StringLiteral.ts"
import { OutputBuffer, OutputPool } from "../../src/protocol/wire/OutputBuffer.ts"
import { preface } from "../../src/protocol/Preface.ts"

const pool = new OutputPool()

const write = (put: (out: OutputBuffer) => void): ByteString => {
  const out = new OutputBuffer(pool)
  put(out)
  const taken = out.take()
  return typeof taken === "string" ? taken : fromBytes(taken, 0, taken.length)
}

/** An integer in network order. */
export const uint = (bits: 8 | 16 | 24 | 32, value: number): ByteString => {
  let text = ""
  for (let shift = bits - 8; shift >= 0; shift -= 8) text += String.fromCharCode(Math.floor(value / 2 ** shift) % 256)
  return text
}

/** Any frame; `length` may lie about the payload. */
export const frame = (
  type: number,
  flags: number,
  streamId: number,
  payload: ByteString = "",
  length: number = payload.length
): ByteString => write((out) => writeFrameHeader(out, length, type, flags, streamId)) + payload

/** A field as a literal that leaves no trace in tables (RFC 7541 §6.2.2), from "name: value". */
export const literal = (field: ByteString): ByteString => {
  const colon = field.indexOf(":", 1)
  return write((out) => {
    out.reserve(2 * field.length + 20)
    out.byte(0)
    writeString(out, field.slice(0, colon))
    writeString(out, field.slice(colon + 2))
  })
}

/** A header block of such literals; it means the same on every connection and at every time. */
export const block = (...fields: ReadonlyArray<ByteString>): ByteString => fields.map(literal).join("")

export const getFields = (path: ByteString = "/", method = "GET"): Array<ByteString> => [
  `:method: ${method}`,
  ":scheme: http",
  `:path: ${path}`,
  ":authority: a.example"
]

export const getBlock: ByteString = block(...getFields())

/** HEADERS with any block and flags. */
export const headers = (streamId: number, fragment: ByteString, flags: number = END_HEADERS | END_STREAM): ByteString =>
  frame(FrameType.HEADERS, flags, streamId, fragment)

/** A request without content. */
export const get = (streamId: number, path: ByteString = "/", ...fields: ReadonlyArray<ByteString>): ByteString =>
  headers(streamId, block(...getFields(path), ...fields))

/** A request whose content follows. */
export const post = (streamId: number, path: ByteString = "/echo", ...fields: ReadonlyArray<ByteString>): ByteString =>
  headers(streamId, block(...getFields(path, "POST"), ...fields), END_HEADERS)

export const trailers = (streamId: number, ...fields: ReadonlyArray<ByteString>): ByteString =>
  headers(streamId, block(...fields))

export const continuation = (streamId: number, fragment: ByteString, flags: number = END_HEADERS): ByteString =>
  frame(FrameType.CONTINUATION, flags, streamId, fragment)

export const data = (streamId: number, text: ByteString, flags = 0): ByteString =>
  frame(FrameType.DATA, flags, streamId, text)

export const lastData = (streamId: number, text: ByteString): ByteString => data(streamId, text, END_STREAM)

export const settings = (...entries: ReadonlyArray<readonly [id: number, value: number]>): ByteString =>
  frame(FrameType.SETTINGS, 0, 0, entries.map(([id, value]) => uint(16, id) + uint(32, value)).join(""))

export const settingsAck: ByteString = frame(FrameType.SETTINGS, ACK, 0)

export const reset = (streamId: number, code = 8): ByteString =>
  frame(FrameType.RST_STREAM, 0, streamId, uint(32, code))

export const windowUpdate = (streamId: number, increment: number): ByteString =>
  frame(FrameType.WINDOW_UPDATE, 0, streamId, uint(32, increment))

/** Depends on stream 0 unless said otherwise; the highest bit of `dependency` says "exclusive". */
export const priority = (streamId: number, dependency = 0, weight = 15): ByteString =>
  frame(FrameType.PRIORITY, 0, streamId, uint(32, dependency) + uint(8, weight))

export const ping = (payload: ByteString = "pingpong", flags = 0): ByteString =>
  frame(FrameType.PING, flags, 0, payload)

export const goAway = (lastStreamId = 0, code = 0, debug: ByteString = ""): ByteString =>
  frame(FrameType.GOAWAY, 0, 0, uint(32, lastStreamId) + uint(32, code) + debug)

/** What a client begins with. */
export const opening: ByteString = preface + settings()

export const bytesOf = toBytes
