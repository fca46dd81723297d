const isSafe = /^[\x20-\x21\x23-\x5b\x5d-\x7e]*$/
const unsafe = /[^\x20-\x21\x23-\x5b\x5d-\x7e]/g
const outsideAscii = /[\x7f-\uffff]/g

const hexadecimal = (character: string, digits: number): string =>
  character.charCodeAt(0).toString(16).padStart(digits, "0")

const escapeCharacter = (character: string): string =>
  character === '"' || character === "\\" ? `\\${character}` : `\\x${hexadecimal(character, 2)}`

/** Text from a request, made safe for a line of a log: quotes, control bytes and bytes above 0x7E are escaped. */
export const escapeLogText = (text: string): string =>
  isSafe.test(text) ? text : text.replace(unsafe, escapeCharacter)

/** A JSON string of ASCII characters only (RFC 8259 §7); reading it gives the same code units again. */
export const escapeJsonText = (text: string): string =>
  isSafe.test(text)
    ? `"${text}"`
    : JSON.stringify(text).replace(outsideAscii, (character) => `\\u${hexadecimal(character, 4)}`)
