/** How large names and texts of topics may be: what a link can rely on, and checks of what others send. */
import { utf8Length } from "../bytes/ByteString.ts"

/** Bytes of UTF-8 in the name of a topic. */
export const maxNameBytes = 255

/** Bytes of UTF-8 in a message. */
export const maxMessageBytes = 1_048_576

/** Bytes of UTF-8 in what is told of a member. */
export const maxMemberBytes = 16_384

/** Whether the text has at most so many bytes as UTF-8. Looks at the characters only where the length does not say it. */
export const fits = (text: string, bytes: number): boolean =>
  text.length * 3 <= bytes || (text.length <= bytes && utf8Length(text) <= bytes)
