import { randomBytes } from "node:crypto"

export type MessageKind = "text" | "binary"

const opcodes = { text: 0x1, binary: 0x2 } as const
const finalFrame = 0x80
const maskedBit = 0x80

const alphabet = "abcdefghijklmnopqrstuvwxyz ABCDEFGHIJKLMNOPQRSTUVWXYZ 0123456789"

/** Text is ASCII. Messages of different numbers differ in every byte, so that none can pass for another. */
export const payloadOf = (kind: MessageKind, length: number, number: number): Buffer =>
  kind === "binary"
    ? randomBytes(length)
    : Buffer.alloc(length, alphabet.slice(number % alphabet.length) + alphabet.slice(0, number % alphabet.length))

/** RFC 6455 §5.2 */
const headerOf = (kind: MessageKind, length: number, mask: number): Buffer => {
  const first = finalFrame | opcodes[kind]
  if (length < 126) return Buffer.from([first, mask | length])
  if (length < 65_536) return Buffer.from([first, mask | 126, length >>> 8, length & 0xff])
  const header = Buffer.from([first, mask | 127, 0, 0, 0, 0, 0, 0, 0, 0])
  header.writeUInt32BE(length, 6)
  return header
}

/** As a server sends it. */
export const serverFrame = (kind: MessageKind, payload: Buffer): Buffer =>
  Buffer.concat([headerOf(kind, payload.length, 0), payload])

/** As a client sends it, with a random key (RFC 6455 §5.3). */
export const clientFrame = (kind: MessageKind, payload: Buffer): Buffer => {
  const key = randomBytes(4)
  const masked = payload.map((byte, index) => byte ^ (key[index & 3] ?? 0))
  return Buffer.concat([headerOf(kind, payload.length, maskedBit), key, masked])
}

/** What the frame says that comes instead of the expected one, for a person to read. */
export const describeFrame = (frame: Buffer): string => {
  const opcode = (frame[0] ?? 0) & 0x0f
  if (opcode !== 0x8) return `a frame that begins with ${frame.toString("hex", 0, 4)}`
  const code = frame.length < 4 ? "without a code" : `with code ${frame.readUInt16BE(2)}`
  const reason = frame.toString("utf8", 4, 2 + ((frame[1] ?? 0) & 0x7f))
  return `a close frame ${code}${reason === "" ? "" : ` (${reason})`}`
}
