/** What a peer can do wrong in a session, and how the session ends for it (RFC 6455 §7.4.1). */
import type { DisconnectReason } from "@pagi/core/contract/DisconnectReason"
import type { Limit } from "@pagi/core/observe/Observer"
import type { ErrorReason, ProtocolError } from "./protocol/ProtocolError.ts"

export interface Violation {
  /** Names the rule that was broken, for observers. */
  readonly rule: string
  /** The limit that was exceeded, of which observers are told in place of the rule. */
  readonly limit: Limit | undefined
  /** What our close frame says. */
  readonly code: number
  readonly message: string
  /** What the application and the access log are told. */
  readonly reason: DisconnectReason
}

/** More messages wait for the application than may. */
export const queueOverflow: Violation = {
  rule: "queue-overflow",
  limit: "maxReceiveQueue",
  code: 1008,
  message: "message queue overflow",
  reason: "queue_overflow"
}

export const inflatedTooLarge: Violation = {
  rule: "message-too-large",
  limit: "maxWsMessageSize",
  code: 1009,
  message: "the inflated message is too large",
  reason: "body_too_large"
}

export const malformedCompression: Violation = {
  rule: "malformed-compression",
  limit: undefined,
  code: 1007,
  message: "the compressed message is malformed",
  reason: "protocol_error"
}

/** A compressed message of text is not valid UTF-8; others are checked by the protocol machine. */
export const invalidInflatedText: Violation = {
  rule: "invalid-text",
  limit: undefined,
  code: 1007,
  message: "text is not valid UTF-8",
  reason: "protocol_error"
}

/** Rules of the protocol machine that are about a limit. */
const limits: { readonly [Reason in ErrorReason]?: Limit } = {
  "frame-too-large": "maxWsFrameSize",
  "message-too-large": "maxWsMessageSize",
  "too-many-fragments": "maxWsFragments"
}

/** What the protocol machine has found. */
export const violationOf = ({ code, message, reason }: ProtocolError): Violation => ({
  rule: reason,
  limit: limits[reason],
  code,
  message,
  reason: code === 1009 ? "body_too_large" : "protocol_error"
})
