/** Encodes and decodes texts by the Huffman code of HPACK (RFC 7541 §5.2). */
import { type ByteString, fromBytes } from "@pagi/core/bytes/ByteString"
import { codeLengths, codes } from "./HuffmanCode.ts"
import {
  ACCEPTED,
  FIRST_SHIFT,
  INVALID,
  makeStep,
  ONE_OR_TWO,
  SECOND_SHIFT,
  STATE,
  steps,
  TWO
} from "./HuffmanSteps.ts"

/** How many bytes a text has when it is encoded. */
export const encodedLength = (text: ByteString): number => {
  let bits = 0
  for (let index = 0; index < text.length; index++) bits += codeLengths[text.charCodeAt(index) & 0xff] ?? 0
  return (bits + 7) >>> 3
}

/** Writes the code of a text from `offset`, where there is room for it (RFC 7541 §5.2). */
export const encode = (bytes: Uint8Array, text: ByteString, offset: number): void => {
  let position = offset
  // The last bits of `pending` that have not been written, fewer than 8 of them between two bytes of the text.
  let pending = 0
  let count = 0
  for (let index = 0; index < text.length; index++) {
    const symbol = text.charCodeAt(index) & 0xff
    const code = codes[symbol] ?? 0
    let length = codeLengths[symbol] ?? 0
    if (length > 24) {
      // In two parts: all of it together with what is pending may have more than 32 bits.
      length -= 16
      pending = (pending << length) | (code >>> 16)
      for (count += length; count >= 8;) bytes[position++] = pending >>> (count -= 8)
      length = 16
      pending = (pending << 16) | (code & 0xffff)
    } else pending = (pending << length) | code
    for (count += length; count >= 8;) bytes[position++] = pending >>> (count -= 8)
  }
  if (count > 0) bytes[position] = (pending << (8 - count)) | (0xff >>> count)
}

/** Where texts are decoded to before they become strings. */
let scratch = new Uint8Array(4096)

/** What `scratch` may grow to; longer texts have memory of their own. */
const maxScratch = 65_536

/** The shortest code has 5 bits. */
const maxDecodedLength = (length: number): number => Math.floor((length * 8) / 5)

const memoryFor = (length: number): Uint8Array => {
  if (length <= scratch.length) return scratch
  const memory = new Uint8Array(length)
  if (length <= maxScratch) scratch = memory
  return memory
}

/** The text from `start` up to `end`; `undefined` when it has EOS in it, or its padding is wrong (RFC 7541 §5.2). */
export const decode = (bytes: Uint8Array, start: number, end: number): ByteString | undefined => {
  const output = memoryFor(maxDecodedLength(end - start))
  let length = 0
  let step = ACCEPTED
  let index = start
  while (index < end) {
    // A loop that calls nothing takes half the time.
    for (; index < end; index++) {
      const next = steps[((step & STATE) << 8) | (bytes[index] ?? 0)] ?? 0
      if (next === 0) break
      step = next
      if ((step & ONE_OR_TWO) !== 0) output[length++] = step >>> FIRST_SHIFT
      if ((step & TWO) !== 0) output[length++] = step >>> SECOND_SHIFT
      if ((step & INVALID) !== 0) return undefined
    }
    if (index < end) makeStep(((step & STATE) << 8) | (bytes[index] ?? 0))
  }
  return (step & ACCEPTED) === 0 ? undefined : fromBytes(output, 0, length)
}
