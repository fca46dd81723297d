/** Codes and reasons with which WebSockets are closed (RFC 6455 §7.4). */
import { encodeText } from "../bytes/ByteString.ts"

/** Stands for a close frame without a code, and is never sent. */
export const NO_STATUS = 1005

/** Bytes of the longest reason: a control frame has up to 125 bytes, and the code takes two. */
export const MAX_REASON_LENGTH = 123

/**
 * Whether a close frame may have this code: one that RFC 6455 §7.4.1 or the registry of §11.7 gives to close frames, or
 * one of the ranges for libraries and applications (§7.4.2). 1010 is meant for clients, but a server that answers a close
 * frame repeats its code (§5.5.1), so what may be received may also be sent.
 */
export const isCloseCode = (code: number): boolean =>
  Number.isInteger(code) &&
  ((code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) || (code >= 3000 && code <= 4999))

/** Why a close frame cannot carry this code and reason, in words for whoever chose them. */
export const closeFrameProblem = (code: number, reason: string): string | undefined => {
  if (!isCloseCode(code)) {
    return `${code} is not a code that can be sent: 1000 to 1003, 1007 to 1014 and 3000 to 4999 can`
  }
  return reason.length > MAX_REASON_LENGTH || encodeText(reason).length > MAX_REASON_LENGTH
    ? `the reason is longer than ${MAX_REASON_LENGTH} bytes`
    : undefined
}
