/** The content of the server's own answers: a line of ASCII text. */
import type { ByteString } from "../bytes/ByteString.ts"

/** The Content-Type of the server's own answers. */
export const errorContentType = "text/plain; charset=utf-8"

/** The content of the server's own answer, in ASCII. */
export const errorContent = (message: string): ByteString => `${message}\n`
