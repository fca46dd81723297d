import { type ByteString, fromBytes, toBytes } from "@pagi/core/bytes/ByteString"
import * as Arbitrary from "effect/Arbitrary"
import * as Schema from "effect/Schema"
import * as ErrorCode from "../../src/protocol/wire/ErrorCode.ts"
import { FrameHeader, frameHeaderSize } from "../../src/protocol/frame/FrameHeader.ts"
import { PayloadRange } from "../../src/protocol/frame/PayloadRange.ts"
import { OutputBuffer, OutputPool } from "../../src/protocol/wire/OutputBuffer.ts"
import type { ProtocolError } from "../../src/protocol/wire/ProtocolError.ts"

const integer = (minimum: number, maximum: number): Arbitrary.Arbitrary<number> =>
  Arbitrary.schema(Schema.Int.check(Schema.isBetween({ minimum, maximum })))

export const boolean = Arbitrary.schema(Schema.Boolean)

/** Byte strings of up to `maxLength` bytes. */
export const byteStrings = (maxLength: number): Arbitrary.Arbitrary<ByteString> =>
  Arbitrary.array(integer(0, 255), { maxLength }).pipe(Arbitrary.map((codes) => String.fromCharCode(...codes)))

export const smallIntegers = (maximum: number): Arbitrary.Arbitrary<number> => integer(0, maximum)

/** Integers whose size in bits is as likely to be small as large. */
const unsigned = (bits: number): Arbitrary.Arbitrary<number> =>
  Arbitrary.all({ shift: integer(0, bits - 1), value: integer(0, 2 ** bits - 1) }).pipe(
    Arbitrary.map(({ shift, value }) => Math.floor(value / 2 ** shift))
  )

export const uint16s = unsigned(16)
export const uint31s = unsigned(31)
export const uint32s = unsigned(32)

/** Stream identifiers other than 0. */
export const streamIds = uint31s.pipe(Arbitrary.map((id) => id || 1))

/** The bytes that a text of hexadecimal digits and blanks names, as in "00 ff". */
export const hex = (digits: string): Uint8Array =>
  Uint8Array.from(
    digits.split(" ").filter((digit) => digit !== ""),
    (digit) => Number.parseInt(digit, 16)
  )

export const toHex = (bytes: Uint8Array): string =>
  Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(" ")

/** The bytes that a function writes. */
export const written = (write: (out: OutputBuffer) => void): Uint8Array => {
  const out = new OutputBuffer(new OutputPool())
  write(out)
  const taken = out.take()
  return typeof taken === "string" ? toBytes(taken) : taken
}

/** The same in digits. */
export const writtenHex = (write: (out: OutputBuffer) => void): string => toHex(written(write))

/** A frame whose header has been read. */
export interface ReadFrame {
  readonly bytes: Uint8Array
  readonly header: FrameHeader
  /** Where the payload begins. */
  readonly start: number
}

/** Reads the header of the frame at `offset`, and checks that the payload is as long as it says. */
export const readHeader = (bytes: Uint8Array, offset = 0): ReadFrame => {
  const header = new FrameHeader()
  header.read(bytes, offset)
  return { bytes, header, start: offset + frameHeaderSize }
}

/** The only frame in the bytes, around which there is something else, so that an offset of 0 would not do. */
export const frameOf = (bytes: Uint8Array): ReadFrame => {
  const memory = new Uint8Array(bytes.length + 20).fill(0xa5)
  memory.set(bytes, 7)
  const frame = readHeader(memory, 7)
  if (frame.header.length !== bytes.length - frameHeaderSize) throw new Error(`wrong length in ${toHex(bytes)}`)
  return frame
}

export const frameOfHex = (digits: string): ReadFrame => frameOf(hex(digits))

/** A frame with any header and payload. */
export const anyFrame = (maxLength: number): Arbitrary.Arbitrary<ReadFrame> =>
  Arbitrary.all({
    payload: byteStrings(maxLength),
    type: integer(0, 255),
    flags: integer(0, 255),
    streamId: uint31s
  }).pipe(
    Arbitrary.map(({ payload, type, flags, streamId }) => {
      const header = new FrameHeader()
      Object.assign(header, { length: payload.length, type, flags, streamId })
      return { bytes: toBytes(`${payload}more`), header, start: 0 }
    })
  )

/** What a reader has said, in a form that is easy to compare. */
export const outcome = (result: ProtocolError | number | undefined): string => {
  if (result === undefined) return "valid"
  return typeof result === "number" ? String(result) : `${result.type} ${ErrorCode.name(result.code)} ${result.reason}`
}

/** The content that a reader finds, or its error. */
export const contentOf = (
  read: (bytes: Uint8Array, start: number, header: FrameHeader, range: PayloadRange) => ProtocolError | undefined,
  { bytes, header, start }: ReadFrame
): string => {
  const range = new PayloadRange()
  const problem = read(bytes, start, header, range)
  return problem === undefined ? fromBytes(bytes, range.start, range.end) : outcome(problem)
}
