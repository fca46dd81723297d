/** As much of HTTP/2 (RFC 9113) as it takes to open a connection with one request, without the memory of a real client. */

const dataType = 0x0
const headersType = 0x1
const settingsType = 0x4
const pingType = 0x6

const endStream = 0x1
const acknowledgement = 0x1
const endHeaders = 0x4

const headerBytes = 9
const requestStream = 1

const frame = (type: number, flags: number, stream: number, payload: Buffer = Buffer.alloc(0)): Buffer => {
  const header = Buffer.alloc(headerBytes)
  header.writeUIntBE(payload.length, 0, 3)
  header.writeUInt8(type, 3)
  header.writeUInt8(flags, 4)
  header.writeUInt32BE(stream, 5)
  return Buffer.concat([header, payload])
}

/** GET, http and / are in the static table; the authority, shorter than 127 bytes, is a literal that is to be indexed. */
const headerBlock = (authority: string): Buffer =>
  Buffer.concat([Buffer.from([0x82, 0x86, 0x84, 0x41, authority.length]), Buffer.from(authority, "latin1")])

/** The preface, settings without any, and a request for `/`. */
export const request = (authority: string): Buffer =>
  Buffer.concat([
    Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "latin1"),
    frame(settingsType, 0, 0),
    frame(headersType, endStream | endHeaders, requestStream, headerBlock(authority))
  ])

/** With a ping behind it, whose answer tells that the server has read it. */
export const settingsAcknowledgement: Buffer = Buffer.concat([
  frame(settingsType, acknowledgement, 0),
  frame(pingType, 0, 0, Buffer.alloc(8))
])

export interface Received {
  hasSettings: boolean
  areSettingsAcknowledged: boolean
  isPingAnswered: boolean
  /** Once it is complete. */
  body: Buffer | undefined
}

/** What the bytes that a server has sent since the connection began are of all that. */
export const readFrames = (bytes: Buffer): Readonly<Received> => {
  const received: Received = {
    hasSettings: false,
    areSettingsAcknowledged: false,
    isPingAnswered: false,
    body: undefined
  }
  const pieces: Array<Buffer> = []
  let position = 0
  while (position + headerBytes <= bytes.length) {
    const end = position + headerBytes + bytes.readUIntBE(position, 3)
    if (end > bytes.length) break
    const type = bytes.readUInt8(position + 3)
    const flags = bytes.readUInt8(position + 4)
    const isAcknowledgement = (flags & acknowledgement) !== 0
    if (type === settingsType) received[isAcknowledgement ? "areSettingsAcknowledged" : "hasSettings"] = true
    if (type === pingType && isAcknowledgement) received.isPingAnswered = true
    if (type === dataType) pieces.push(bytes.subarray(position + headerBytes, end))
    const isOfRequest = type === dataType || type === headersType
    if (isOfRequest && (flags & endStream) !== 0) received.body = Buffer.concat(pieces)
    position = end
  }
  return received
}
