/** Opcodes, which say what a frame is (RFC 6455 §5.2 and §11.8). */

export const CONTINUATION = 0x0
export const TEXT = 0x1
export const BINARY = 0x2
export const CLOSE = 0x8
export const PING = 0x9
export const PONG = 0xa

/** Control frames have the highest bit of the opcode set (RFC 6455 §5.5). */
export const isControl = (opcode: number): boolean => opcode >= CLOSE

/** Opcodes that no version of the protocol has defined yet. */
export const isReserved = (opcode: number): boolean => opcode > PONG || (opcode > BINARY && opcode < CLOSE)

/** The longest payload of a control frame (RFC 6455 §5.5), and the longest whose length fits into the second byte. */
export const MAX_SHORT_LENGTH = 125
