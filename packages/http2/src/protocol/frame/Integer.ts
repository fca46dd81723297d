/** Integers in network order, as frames have them (RFC 9113 §2.2). Bytes that are not there count as 0. */

export const readUint16 = (bytes: Uint8Array, offset: number): number =>
  ((bytes[offset] ?? 0) << 8) | (bytes[offset + 1] ?? 0)

export const readUint24 = (bytes: Uint8Array, offset: number): number =>
  ((bytes[offset] ?? 0) << 16) | readUint16(bytes, offset + 1)

/** The lower 31 bits of four bytes: stream identifiers and increments, beside which a bit is reserved. */
export const readUint31 = (bytes: Uint8Array, offset: number): number => readUint32(bytes, offset) & 0x7fff_ffff

export const readUint32 = (bytes: Uint8Array, offset: number): number =>
  (((bytes[offset] ?? 0) << 24) | readUint24(bytes, offset + 1)) >>> 0
