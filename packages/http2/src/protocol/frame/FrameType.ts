/** Types of frames (RFC 9113 §6). */
export const DATA = 0x00
export const HEADERS = 0x01
export const PRIORITY = 0x02
export const RST_STREAM = 0x03
export const SETTINGS = 0x04
export const PUSH_PROMISE = 0x05
export const PING = 0x06
export const GOAWAY = 0x07
export const WINDOW_UPDATE = 0x08
export const CONTINUATION = 0x09
