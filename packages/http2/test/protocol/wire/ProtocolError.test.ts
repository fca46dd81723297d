import { assert, describe, it } from "@effect/vitest"
import * as ErrorCode from "../../../src/protocol/wire/ErrorCode.ts"
import {
  connectionError,
  type ConnectionErrorReason,
  streamError,
  type StreamErrorReason
} from "../../../src/protocol/wire/ProtocolError.ts"

// Complete, or it would not compile.
const connectionCodes: Record<ConnectionErrorReason, string> = {
  "invalid-preface": "PROTOCOL_ERROR",
  "missing-settings": "PROTOCOL_ERROR",
  "missing-stream-id": "PROTOCOL_ERROR",
  "unexpected-stream-id": "PROTOCOL_ERROR",
  "even-stream-id": "PROTOCOL_ERROR",
  "idle-stream": "PROTOCOL_ERROR",
  "unexpected-push": "PROTOCOL_ERROR",
  "padding-too-long": "PROTOCOL_ERROR",
  "section-interrupted": "PROTOCOL_ERROR",
  "unexpected-continuation": "PROTOCOL_ERROR",
  "zero-increment": "PROTOCOL_ERROR",
  "invalid-enable-push": "PROTOCOL_ERROR",
  "invalid-initial-window-size": "FLOW_CONTROL_ERROR",
  "invalid-max-frame-size": "PROTOCOL_ERROR",
  "invalid-enable-connect-protocol": "PROTOCOL_ERROR",
  "frame-too-large": "FRAME_SIZE_ERROR",
  "frame-too-short": "FRAME_SIZE_ERROR",
  "wrong-frame-size": "FRAME_SIZE_ERROR",
  "connection-window-exceeded": "FLOW_CONTROL_ERROR",
  "window-overflow": "FLOW_CONTROL_ERROR",
  "stream-closed": "STREAM_CLOSED",
  "malformed-section": "COMPRESSION_ERROR",
  "section-too-large": "ENHANCE_YOUR_CALM",
  "too-many-control-frames": "ENHANCE_YOUR_CALM",
  "too-many-resets": "ENHANCE_YOUR_CALM"
}

const streamCodes: Record<StreamErrorReason, string> = {
  "self-dependency": "PROTOCOL_ERROR",
  "zero-increment": "PROTOCOL_ERROR",
  "malformed-request": "PROTOCOL_ERROR",
  "malformed-trailers": "PROTOCOL_ERROR",
  "headers-without-end": "PROTOCOL_ERROR",
  "content-length-mismatch": "PROTOCOL_ERROR",
  "wrong-frame-size": "FRAME_SIZE_ERROR",
  "stream-window-exceeded": "FLOW_CONTROL_ERROR",
  "window-overflow": "FLOW_CONTROL_ERROR",
  "stream-closed": "STREAM_CLOSED",
  "too-many-streams": "REFUSED_STREAM"
}

/** The pairs of a record whose keys are known. */
const pairs = <Key extends string>(record: Record<Key, string>): Array<[Key, string]> =>
  // `Object.entries` forgets of which type the keys are.
  Object.entries(record) as Array<[Key, string]>

describe("ProtocolError", () => {
  it("a reason has its code, and a short message in ASCII", () => {
    for (const [reason, code] of pairs(connectionCodes)) {
      const error = connectionError(reason)
      assert.deepStrictEqual([error.type, error.reason, ErrorCode.name(error.code)], ["connection-error", reason, code])
      assert.match(error.message, /^[\x20-\x7e]{10,80}$/)
    }
    for (const [reason, code] of pairs(streamCodes)) {
      const error = streamError(reason)
      assert.deepStrictEqual([error.type, error.reason, ErrorCode.name(error.code)], ["stream-error", reason, code])
      assert.match(error.message, /^[\x20-\x7e]{10,80}$/)
    }
  })

  it("an error is made once", () => {
    assert.strictEqual(connectionError("zero-increment"), connectionError("zero-increment"))
    assert.strictEqual(streamError("zero-increment"), streamError("zero-increment"))
  })
})
