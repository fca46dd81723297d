/** The rules that a peer can break, by name, and the close code for each (RFC 6455 §7.4.1). */

/** Close codes for what a peer did wrong (RFC 6455 §7.4.1). */
export type ErrorCode = 1002 | 1007 | 1009

const table = {
  "reserved-bits": [1002, "Reserved bits of a frame are set"],
  "unexpected-compression": [1002, "A frame is marked as compressed where it may not be"],
  "reserved-opcode": [1002, "The opcode of a frame is reserved"],
  "fragmented-control-frame": [1002, "A control frame is fragmented"],
  "control-frame-too-long": [1002, "A control frame is longer than 125 bytes"],
  "unmasked-frame": [1002, "A frame from a client is not masked"],
  "masked-frame": [1002, "A frame from a server is masked"],
  "unexpected-continuation": [1002, "There is no message to continue"],
  "unfinished-message": [1002, "A message begins inside of another"],
  "malformed-length": [1002, "The length of a frame is not in its shortest form, or negative"],
  "malformed-close": [1002, "The payload of a close frame has one byte"],
  "invalid-close-code": [1002, "The code of a close frame is not valid"],
  "invalid-close-reason": [1007, "The reason of a close frame is not valid UTF-8"],
  "invalid-text": [1007, "A text message is not valid UTF-8"],
  "frame-too-large": [1009, "A frame is too large"],
  "message-too-large": [1009, "A message is too large"],
  "too-many-fragments": [1009, "A message has too many frames"]
} as const satisfies Record<string, readonly [ErrorCode, string]>

/** Names the rule that the peer broke; stable, so that logs, metrics and tests can rely on it. */
export type ErrorReason = keyof typeof table

/** The peer broke the protocol: close with `code` and `message`, and do not read any further (RFC 6455 §7.1.7). */
export interface ProtocolError {
  readonly type: "error"
  readonly code: ErrorCode
  readonly reason: ErrorReason
  /** ASCII text for the log and for the close frame, where it fits. */
  readonly message: string
}

/** The error for a reason. */
export const protocolError = (reason: ErrorReason): ProtocolError => {
  const [code, message] = table[reason]
  return { type: "error", code, reason, message }
}
