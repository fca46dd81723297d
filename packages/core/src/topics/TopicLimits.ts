/** How large names and texts of topics may be: what a link can rely on, and checks of what others send. */

/** Bytes of UTF-8 in the name of a topic. */
export const maxNameBytes = 255

/** Bytes of UTF-8 in a message. */
export const maxMessageBytes = 1_048_576

/** Bytes of UTF-8 in what is told of a member. */
export const maxMemberBytes = 16_384

/** How many bytes the text has as UTF-8. A surrogate without its other half is replaced by a character of three bytes. */
const utf8Length = (text: string): number => {
  let length = text.length
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at)
    if (unit < 0x80) continue
    if (unit < 0x800) length += 1
    else if (unit >= 0xd800 && unit < 0xdc00 && isTrail(text.charCodeAt(at + 1))) {
      // Four bytes for two units.
      length += 2
      at++
    } else length += 2
  }
  return length
}

const isTrail = (unit: number): boolean => unit >= 0xdc00 && unit < 0xe000

/** Whether the text has at most so many bytes as UTF-8. Looks at the characters only where the length does not say it. */
export const fits = (text: string, bytes: number): boolean =>
  text.length * 3 <= bytes || (text.length <= bytes && utf8Length(text) <= bytes)
