/** Codes by which a connection is closed (RFC 6455 §7.4), and the payload of a close frame. */
import { type ByteString, encodeText, fromBytes } from "@pagi/core/ByteString"

/** Stands for a close frame without a code, and is never sent. */
export const NO_STATUS = 1005

/** The longest reason: a control frame has up to 125 bytes, and the code takes two. */
export const MAX_REASON_LENGTH = 123

/**
 * Whether a close frame may have this code: one that RFC 6455 §7.4.1 or the registry of §11.7 gives to close frames, or
 * one of the ranges for libraries and applications (§7.4.2).
 */
export const isValidReceived = (code: number): boolean =>
  (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) || (code >= 3000 && code <= 4999)

/**
 * Whether a close frame with this code may be sent. 1010 is meant for clients, but a server that answers a close frame
 * repeats its code (RFC 6455 §5.5.1), so what may be received may also be sent.
 */
export const isValidSent = (code: number): boolean => Number.isInteger(code) && isValidReceived(code)

/** Why a close frame cannot carry this code and reason, in words for the application that chose them. */
export const closeFrameProblem = (code: number, reason: string): string | undefined => {
  if (!isValidSent(code)) {
    return `${code} is not a code that can be sent; 1000 to 1003, 1007 to 1014 and 3000 to 4999 are`
  }
  return reason.length > MAX_REASON_LENGTH || encodeText(reason).length > MAX_REASON_LENGTH
    ? `the reason is longer than ${MAX_REASON_LENGTH} bytes`
    : undefined
}

/** The payload of a close frame (RFC 6455 §5.5.1): empty without a valid code, and with as much of the reason as fits. */
export const closePayload = (code: number | undefined, reason: string): ByteString => {
  if (code === undefined || !isValidSent(code)) return ""
  return String.fromCharCode(code >>> 8, code & 0xff) + encodeReason(reason)
}

/** Cut at the end of a character, so that it stays valid UTF-8. */
const encodeReason = (reason: string): ByteString => {
  const encoded = encodeText(reason.slice(0, MAX_REASON_LENGTH))
  if (typeof encoded === "string") return encoded
  let end = Math.min(encoded.length, MAX_REASON_LENGTH)
  while (end < encoded.length && isContinuation(encoded[end])) end--
  return fromBytes(encoded, 0, end)
}

const isContinuation = (byte: number | undefined): boolean => byte !== undefined && (byte & 0xc0) === 0x80
