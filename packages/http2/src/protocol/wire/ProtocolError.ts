/** The rules that a peer can break, by name, and whether one ends a stream or the connection (RFC 9113 §5.4). */
import {
  COMPRESSION_ERROR,
  ENHANCE_YOUR_CALM,
  FLOW_CONTROL_ERROR,
  FRAME_SIZE_ERROR,
  PROTOCOL_ERROR,
  REFUSED_STREAM,
  STREAM_CLOSED
} from "./ErrorCode.ts"

const connectionTable = {
  "invalid-preface": [PROTOCOL_ERROR, "The connection does not begin with the preface"],
  "missing-settings": [PROTOCOL_ERROR, "The first frame is not SETTINGS"],
  "missing-stream-id": [PROTOCOL_ERROR, "A frame that needs a stream is on stream 0"],
  "unexpected-stream-id": [PROTOCOL_ERROR, "A frame is on a stream where it may not be"],
  "even-stream-id": [PROTOCOL_ERROR, "A client opens streams with odd numbers only"],
  "idle-stream": [PROTOCOL_ERROR, "A frame is on a stream that is not open yet"],
  "unexpected-push": [PROTOCOL_ERROR, "A client may not push"],
  "padding-too-long": [PROTOCOL_ERROR, "The padding is longer than the rest of its frame"],
  "section-interrupted": [PROTOCOL_ERROR, "A frame is in the middle of a header section"],
  "unexpected-continuation": [PROTOCOL_ERROR, "There is no header section to continue"],
  "zero-increment": [PROTOCOL_ERROR, "A WINDOW_UPDATE has the increment 0"],
  "invalid-enable-push": [PROTOCOL_ERROR, "SETTINGS_ENABLE_PUSH is neither 0 nor 1"],
  "invalid-initial-window-size": [FLOW_CONTROL_ERROR, "SETTINGS_INITIAL_WINDOW_SIZE is above 2^31-1"],
  "invalid-max-frame-size": [PROTOCOL_ERROR, "SETTINGS_MAX_FRAME_SIZE is not from 2^14 to 2^24-1"],
  "invalid-enable-connect-protocol": [PROTOCOL_ERROR, "SETTINGS_ENABLE_CONNECT_PROTOCOL is neither 0 nor 1"],
  "frame-too-large": [FRAME_SIZE_ERROR, "A frame is larger than SETTINGS_MAX_FRAME_SIZE"],
  "frame-too-short": [FRAME_SIZE_ERROR, "A frame is too short for the fields that its flags announce"],
  "wrong-frame-size": [FRAME_SIZE_ERROR, "A frame does not have the size that its type needs"],
  "connection-window-exceeded": [FLOW_CONTROL_ERROR, "Content exceeds the window of the connection"],
  "window-overflow": [FLOW_CONTROL_ERROR, "A flow-control window is above 2^31-1"],
  "stream-closed": [STREAM_CLOSED, "A frame is on a stream that is closed"],
  "malformed-section": [COMPRESSION_ERROR, "A header section cannot be decoded"],
  "section-too-large": [ENHANCE_YOUR_CALM, "A header section is too large"],
  "too-many-control-frames": [ENHANCE_YOUR_CALM, "There are too many frames that carry no content"],
  "too-many-resets": [ENHANCE_YOUR_CALM, "Too many streams are reset"]
} as const satisfies Record<string, readonly [code: number, message: string]>

const streamTable = {
  "self-dependency": [PROTOCOL_ERROR, "A stream depends on itself"],
  "zero-increment": [PROTOCOL_ERROR, "A WINDOW_UPDATE has the increment 0"],
  "malformed-request": [PROTOCOL_ERROR, "The request is malformed"],
  "malformed-trailers": [PROTOCOL_ERROR, "The trailer section is malformed"],
  "headers-without-end": [PROTOCOL_ERROR, "A second header section does not end the stream"],
  "content-length-mismatch": [PROTOCOL_ERROR, "The content is not as long as content-length says"],
  "wrong-frame-size": [FRAME_SIZE_ERROR, "A frame does not have the size that its type needs"],
  "stream-window-exceeded": [FLOW_CONTROL_ERROR, "Content exceeds the window of the stream"],
  "window-overflow": [FLOW_CONTROL_ERROR, "A flow-control window is above 2^31-1"],
  "stream-closed": [STREAM_CLOSED, "A frame is on a stream that the peer has ended"],
  "too-many-streams": [REFUSED_STREAM, "There are more streams than SETTINGS_MAX_CONCURRENT_STREAMS"]
} as const satisfies Record<string, readonly [code: number, message: string]>

/** Names the rule that the peer broke; stable, so that logs, metrics and tests can rely on it. */
export type ConnectionErrorReason = keyof typeof connectionTable
export type StreamErrorReason = keyof typeof streamTable

/** The connection cannot go on: GOAWAY with `code`, then nothing more (RFC 9113 §5.4.1). */
export interface ConnectionError {
  readonly type: "connection-error"
  readonly code: number
  readonly reason: ConnectionErrorReason
  /** ASCII text for the log and the debug data of GOAWAY. */
  readonly message: string
}

/** A stream cannot go on: RST_STREAM with `code` (RFC 9113 §5.4.2). */
export interface StreamError {
  readonly type: "stream-error"
  readonly code: number
  readonly reason: StreamErrorReason
  readonly message: string
}

export type ProtocolError = ConnectionError | StreamError

// Made when they are needed for the first time.
const connectionErrors: { [Reason in ConnectionErrorReason]?: ConnectionError } = {}
const streamErrors: { [Reason in StreamErrorReason]?: StreamError } = {}

/** The error of a connection for a reason. */
export const connectionError = (reason: ConnectionErrorReason): ConnectionError => {
  const [code, message] = connectionTable[reason]
  return (connectionErrors[reason] ??= { type: "connection-error", code, reason, message })
}

/** The error of a stream for a reason. */
export const streamError = (reason: StreamErrorReason): StreamError => {
  const [code, message] = streamTable[reason]
  return (streamErrors[reason] ??= { type: "stream-error", code, reason, message })
}
