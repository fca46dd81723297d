/** Integers with a prefix, as HPACK writes them (RFC 7541 §5.1). */
import type { OutputBuffer } from "../wire/OutputBuffer.ts"
import type { BlockInput } from "./BlockInput.ts"

/** Larger values are an error, and nothing has them: what they count has to be in memory. */
const maxValue = 2 ** 31 - 1

/** Octets behind the first that an integer may have: as many as `maxValue` needs. */
const maxContinuation = 5

/** What `writeInteger` writes at most. */
export const maxIntegerLength: number = 1 + maxContinuation

/**
 * Reads an integer with a prefix (RFC 7541 §5.1), `prefix` being its bits in the first octet; -1 when it does not end in
 * the block, is too large, or has too many octets.
 */
export const readInteger = (input: BlockInput, prefix: number): number => {
  const first = input.next() & prefix
  return first < prefix ? first : readContinuation(input, prefix)
}

const readContinuation = (input: BlockInput, prefix: number): number => {
  let value = prefix
  let factor = 1
  for (let count = 0; count < maxContinuation && !input.isAtEnd; count++) {
    const octet = input.next()
    // At most 2^35, which a number has exactly.
    value += (octet & 0x7f) * factor
    if (octet < 0x80) return value <= maxValue ? value : -1
    factor *= 0x80
  }
  return -1
}

/** Writes an integer with a prefix; `flags` are the other bits of the first octet. There must be room. */
export const writeInteger = (out: OutputBuffer, flags: number, prefix: number, value: number): void => {
  if (value < prefix) return out.byte(flags | value)
  out.byte(flags | prefix)
  let rest = value - prefix
  for (; rest >= 0x80; rest >>>= 7) out.byte(0x80 | (rest & 0x7f))
  out.byte(rest)
}
