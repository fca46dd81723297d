import { encodeText } from "../ByteString.ts"

/** What a close frame says, or 1005 for an empty one, and 1006 for the end of a connection without any. */
export interface CloseFrame {
  readonly code: number
  readonly reason: string
}

/** Whether a close frame may have this code (RFC 6455 §7.4). */
const isCode = (code: number): boolean =>
  Number.isInteger(code) &&
  ((code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) || (code >= 3000 && code <= 4999))

/** Why a close frame cannot say that; its reason has to fit into a control frame (RFC 6455 §5.5). */
export const closeFrameProblem = (code: number, reason: string): string | undefined => {
  if (!isCode(code)) {
    return `${code} is not a code that can be sent: 1000 to 1003, 1007 to 1014 and 3000 to 4999 can`
  }
  return encodeText(reason).length > 123 ? "the reason is longer than 123 bytes" : undefined
}
