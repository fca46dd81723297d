/** The Huffman code of HPACK: which bits stand for which byte (RFC 7541 appendix B). */

/** How many bits the code of each byte has (RFC 7541 appendix B), in rows of 16; the last is that of EOS. */
const lengths = [
  [13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28],
  [28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28],
  [6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6],
  [5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10],
  [13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7],
  [7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6],
  [15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5],
  [6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28],
  [20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23],
  [24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24],
  [22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23],
  [21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23],
  [26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25],
  [19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27],
  [20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23],
  [26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26],
  [30]
].flat()

/** The symbol that no text has; only its first bits may occur, as padding (RFC 7541 §5.2). */
export const EOS = 256

/** Codes have 5 to 30 bits. */
export const maxCodeLength = 30

/** The bits of each symbol's code, by symbol. */
export const codeLengths: Uint8Array = Uint8Array.from(lengths)

/**
 * The code of each symbol, by symbol. The code is canonical: among codes in the order of their lengths, then of their
 * symbols, each is the one before it plus one, with zeros at its end if it is longer.
 */
export const codes: Int32Array = new Int32Array(lengths.length)

let nextCode = 0
for (let length = 1; length <= maxCodeLength; length++) {
  nextCode <<= 1
  for (let symbol = lengths.indexOf(length); symbol !== -1; symbol = lengths.indexOf(length, symbol + 1)) {
    codes[symbol] = nextCode++
  }
}
