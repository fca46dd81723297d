import { type ByteString, encodeText, fromBytes } from "@pagi/core/bytes/ByteString"
import { isCloseCode, MAX_REASON_LENGTH } from "@pagi/core/http/CloseCode"

/** The payload of a close frame (RFC 6455 §5.5.1): empty without a valid code, and with as much of the reason as fits. */
export const closePayload = (code: number | undefined, reason: string): ByteString => {
  if (code === undefined || !isCloseCode(code)) return ""
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
