/** The rules that a peer can break, by name, and how each is answered. */

/** Statuses with which the server answers a message that it cannot accept (RFC 9110 §15.5 and §15.6). */
export type ErrorStatus = 400 | 408 | 413 | 414 | 417 | 431 | 501 | 505

const table = {
  "bare-line-feed": [400, "A line must end with CR LF"],
  "malformed-request-line": [400, "The request line is malformed"],
  "malformed-target": [400, "The request target is malformed"],
  "malformed-path": [400, "The path has malformed percent-encoding or a NUL"],
  "malformed-header": [400, "A header field is malformed"],
  "obsolete-folding": [400, "A header field may not start with a blank"],
  "missing-host": [400, "HTTP/1.1 needs a Host header"],
  "duplicate-host": [400, "There is more than one Host header"],
  "invalid-host": [400, "The Host header is not valid"],
  "invalid-content-length": [400, "The Content-Length header is not valid"],
  "duplicate-content-length": [400, "There is more than one Content-Length header"],
  "conflicting-framing": [400, "Content-Length and Transfer-Encoding exclude each other"],
  "invalid-transfer-encoding": [400, "The Transfer-Encoding header is not valid"],
  "transfer-encoding-in-1.0": [400, "HTTP/1.0 has no Transfer-Encoding"],
  "malformed-chunk": [400, "The chunked body is malformed"],
  "chunk-extensions-too-large": [400, "The chunk extensions are too large"],
  "incomplete-head": [400, "The connection ended inside a request head"],
  "incomplete-body": [400, "The connection ended inside a request body"],
  "head-timeout": [408, "The request head took too long"],
  "body-timeout": [408, "The request body took too long"],
  "body-too-large": [413, "The request body is too large"],
  "request-line-too-long": [414, "The request line is too long"],
  "unknown-expectation": [417, "The only supported expectation is 100-continue"],
  "headers-too-large": [431, "The header section is too large"],
  "too-many-headers": [431, "There are too many header fields"],
  "method-too-long": [501, "The method is longer than any that is known"],
  "unknown-transfer-coding": [501, "The only supported transfer coding is chunked"],
  "connect-unsupported": [501, "CONNECT is not supported"],
  "unsupported-version": [505, "The supported versions are HTTP/1.0 and HTTP/1.1"]
} as const satisfies Record<string, readonly [ErrorStatus, string]>

/** Names the rule that the peer broke; stable, so that logs, metrics and tests can rely on it. */
export type ErrorReason = keyof typeof table

/** The peer broke the protocol: answer once with `status` (when no response has started), then close. */
export interface ProtocolError {
  readonly type: "error"
  readonly status: ErrorStatus
  readonly reason: ErrorReason
  /** ASCII text for the log and for the body of the answer. */
  readonly message: string
}

/** The error for a reason. The timeouts are for the driver, since a machine has no clock. */
export const protocolError = (reason: ErrorReason): ProtocolError => {
  const [status, message] = table[reason]
  return { type: "error", status, reason, message }
}
