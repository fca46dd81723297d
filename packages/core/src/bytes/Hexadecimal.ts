/** The values of hexadecimal digits, as a table over all bytes. */

/** What `hexadecimalValue` holds for a byte that is no hexadecimal digit. */
export const NOT_HEXADECIMAL = 255

/** The value of each hexadecimal digit, `NOT_HEXADECIMAL` for every other byte. */
export const hexadecimalValue: Uint8Array = new Uint8Array(256).map((_, byte) => {
  const value = byte < 0x80 ? "0123456789abcdef".indexOf(String.fromCharCode(byte).toLowerCase()) : -1
  return value === -1 ? NOT_HEXADECIMAL : value
})

/** The value of the hexadecimal digit at an index of a text; `undefined` when there is none. */
export const digitAt = (text: string, index: number): number | undefined => {
  const value = index < text.length ? hexadecimalValue[text.charCodeAt(index)] : undefined
  return value === NOT_HEXADECIMAL ? undefined : value
}
