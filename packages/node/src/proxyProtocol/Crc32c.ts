/** The checksum CRC-32C (RFC 3385), which version 2 may carry. */

const makeTable = (): Uint32Array => {
  const table = new Uint32Array(256)
  for (let byte = 0; byte < 256; byte++) {
    let value = byte
    for (let bit = 0; bit < 8; bit++) value = (value & 1) === 1 ? (value >>> 1) ^ 0x82f6_3b78 : value >>> 1
    table[byte] = value
  }
  return table
}

const table = makeTable()

/** The checksum of bytes of which those from `start` until `end` count as zeros. */
export const crc32c = (bytes: Uint8Array, start = 0, end = start): number => {
  let value = 0xffff_ffff
  for (let index = 0; index < bytes.length; index++) {
    const byte = index >= start && index < end ? 0 : (bytes[index] ?? 0)
    value = (table[(value ^ byte) & 255] ?? 0) ^ (value >>> 8)
  }
  return ~value >>> 0
}
