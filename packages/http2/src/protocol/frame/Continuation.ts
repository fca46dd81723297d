/** The CONTINUATION frame (RFC 9113 §6.10). */
import { connectionError, type ConnectionError } from "../wire/ProtocolError.ts"
import type { FrameHeader } from "./FrameHeader.ts"

/** Checks a frame whose payload is all field block fragment (RFC 9113 §6.10). */
export const readContinuation = (header: FrameHeader): ConnectionError | undefined =>
  header.streamId === 0 ? connectionError("missing-stream-id") : undefined
