/** Flags of frames; which of them a frame can have depends on its type (RFC 9113 §6). */
export const END_STREAM = 0x01
export const ACK = 0x01
export const END_HEADERS = 0x04
export const PADDED = 0x08
export const PRIORITY = 0x20
