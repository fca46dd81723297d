/** Masks and unmasks payloads: those of a client are XORed with a key of four bytes, repeated (RFC 6455 §5.3). */

const NOT_ASCII = 0x80808080

/** From so many bytes on, an array of words over the memory is worth making. */
const LONG = 1024

/** Words of an array are in the byte order of the machine, and keys are little-endian. */
const hasOrderOfKeys = new Uint8Array(Int32Array.of(1).buffer)[0] === 1

/**
 * Masks or unmasks the bytes from `start` up to `end` in place, and answers whether all of the result is ASCII. The key
 * is read as a little-endian integer.
 */
export const applyMask = (view: DataView, start: number, end: number, key: number): boolean => {
  const seen =
    end - start >= LONG && hasOrderOfKeys ? maskLong(view, start, end, key) : maskShort(view, start, end, key)
  return (seen & NOT_ASCII) === 0
}

/**
 * Aligned words in an array are as fast to mask as to copy. Through a DataView, V8 gives up its bounds checks at the end
 * of a long loop, and then each word is a call. Each loop is in a function of its own, since one that V8 has compiled for
 * the first of two loops it leaves at the second.
 */
const maskLong = (view: DataView, start: number, end: number, key: number): number => {
  const offset = view.byteOffset
  const firstWord = start + (-(offset + start) & 3)
  const wordKey = advanceKey(key, firstWord - start)
  const count = (end - firstWord) >>> 2
  const seen = maskWords(new Int32Array(view.buffer, offset + firstWord, count), wordKey)
  return seen | maskBytes(view, start, firstWord, key) | maskBytes(view, firstWord + 4 * count, end, wordKey)
}

const maskWords = (words: Int32Array, key: number): number => {
  let seen = 0
  for (let index = 0; index < words.length; index++) {
    const word = (words[index] ?? 0) ^ key
    seen |= word
    words[index] = word
  }
  return seen
}

const maskShort = (view: DataView, start: number, end: number, key: number): number => {
  const stop = start + ((end - start) & ~3)
  let seen = 0
  for (let index = start; index < stop; index += 4) {
    const word = view.getInt32(index, true) ^ key
    seen |= word
    view.setInt32(index, word, true)
  }
  return seen | maskBytes(view, stop, end, key)
}

const maskBytes = (view: DataView, start: number, end: number, key: number): number => {
  let seen = 0
  for (let index = start, shift = 0; index < end; index++, shift += 8) {
    const byte = view.getUint8(index) ^ ((key >>> shift) & 0xff)
    seen |= byte
    view.setUint8(index, byte)
  }
  return seen
}

/** The key as it applies behind so many bytes of the payload. */
export const advanceKey = (key: number, count: number): number => {
  const shift = (count & 3) * 8
  // A shift by 32 is one by 0, which leaves the key as it is.
  return (key >>> shift) | (key << (32 - shift))
}
