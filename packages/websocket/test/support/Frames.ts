import { type ByteString, fromBytes, toBytes } from "@pagi/core/bytes/ByteString"

/** The bytes that a text of hexadecimal digits and blanks names, as in "81 05". */
export const hex = (digits: string): ByteString =>
  digits
    .split(/\s+/)
    .filter((digit) => digit !== "")
    .map((digit) => String.fromCharCode(Number.parseInt(digit, 16)))
    .join("")

/** The opposite of `hex`. */
export const toHex = (bytes: ByteString): string =>
  [...bytes].map((byte) => byte.charCodeAt(0).toString(16).padStart(2, "0")).join(" ")

/** Text as a byte string of its UTF-8. */
export const utf8 = (text: string): ByteString => Buffer.from(text).toString("latin1")

/** What can be chosen of a frame besides opcode and payload. */
export interface FrameOptions {
  /** The default is a whole message or a control frame. */
  readonly isFinal?: boolean
  /** The three reserved bits as a number, RSV1 being 4. */
  readonly reserved?: number
  /** Four bytes, `undefined` for a frame from a server. */
  readonly key?: ByteString | undefined
}

export const key = hex("37 fa 21 3d")

const integer = (value: number, size: number): ByteString =>
  hex(
    value
      .toString(16)
      .padStart(2 * size, "0")
      .replaceAll(/../g, "$& ")
  )

const encodeLength = (length: number, maskBit: number): ByteString => {
  if (length < 126) return integer(maskBit + length, 1)
  return length < 65_536
    ? integer(maskBit + 126, 1) + integer(length, 2)
    : integer(maskBit + 127, 1) + integer(length, 8)
}

const mask = (payload: ByteString, key: ByteString): ByteString => {
  const bytes = toBytes(payload).map((byte, index) => byte ^ key.charCodeAt(index % 4))
  return fromBytes(bytes, 0, bytes.length)
}

/** A frame as RFC 6455 §5.2 draws it, written for clarity alone; the machine's own encoder is tested against it. */
export const frame = (opcode: number, payload: ByteString, options: FrameOptions = {}): ByteString => {
  const { isFinal = true, reserved = 0 } = options
  const usedKey = "key" in options ? options.key : key
  const first = integer((isFinal ? 128 : 0) + reserved * 16 + opcode, 1)
  return usedKey === undefined
    ? first + encodeLength(payload.length, 0) + payload
    : first + encodeLength(payload.length, 128) + usedKey + mask(payload, usedKey)
}

export const text = (content: string, options?: FrameOptions): ByteString => frame(1, utf8(content), options)
export const binary = (content: ByteString, options?: FrameOptions): ByteString => frame(2, content, options)
export const ping = (content: ByteString, options?: FrameOptions): ByteString => frame(9, content, options)
export const pong = (content: ByteString, options?: FrameOptions): ByteString => frame(10, content, options)

/** A close frame, empty without a code. */
export const close = (code?: number, reason: ByteString = "", options?: FrameOptions): ByteString =>
  frame(8, code === undefined ? "" : integer(code, 2) + reason, options)

/** A message in several frames; the first has the opcode. */
export const fragments = (
  opcode: number,
  parts: ReadonlyArray<ByteString>,
  options: FrameOptions = {}
): ReadonlyArray<ByteString> =>
  parts.map((part, index) =>
    frame(index === 0 ? opcode : 0, part, {
      ...options,
      isFinal: index === parts.length - 1,
      reserved: index === 0 ? (options.reserved ?? 0) : 0
    })
  )

/** Cuts a text into pieces of one size. */
export const chop = (content: ByteString, size: number): ReadonlyArray<ByteString> => {
  const pieces: Array<ByteString> = []
  for (let start = 0; start < content.length; start += size) pieces.push(content.slice(start, start + size))
  return pieces
}
