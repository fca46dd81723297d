/** The SETTINGS frame (RFC 9113 §6.5). */
import type { OutputBuffer } from "../wire/OutputBuffer.ts"
import { connectionError, type ConnectionError } from "../wire/ProtocolError.ts"
import type { PeerSettings } from "../wire/PeerSettings.ts"
import { ACK } from "./Flag.ts"
import { type FrameHeader, frameHeaderSize, writeFrameHeader } from "./FrameHeader.ts"
import { SETTINGS } from "./FrameType.ts"
import { readUint16, readUint32 } from "./Integer.ts"

/** Bytes of an identifier and its value. */
const entrySize = 6

/** Applies the entries of the payload at `start` one after the other (RFC 9113 §6.5). */
export const readSettings = (
  bytes: Uint8Array,
  start: number,
  header: FrameHeader,
  settings: PeerSettings
): ConnectionError | undefined => {
  if (header.streamId !== 0) return connectionError("unexpected-stream-id")
  const isWellSized = header.has(ACK) ? header.length === 0 : header.length % entrySize === 0
  if (!isWellSized) return connectionError("wrong-frame-size")
  for (let offset = start; offset < start + header.length; offset += entrySize) {
    const problem = settings.set(readUint16(bytes, offset), readUint32(bytes, offset + 2))
    if (problem !== undefined) return problem
  }
  return undefined
}

/** Writes a frame with these settings; of a setting that is not there, what held before goes on to hold. */
export const writeSettings = (
  out: OutputBuffer,
  entries: ReadonlyArray<readonly [id: number, value: number]>
): void => {
  const length = entries.length * entrySize
  out.reserve(frameHeaderSize + length)
  writeFrameHeader(out, length, SETTINGS, 0, 0)
  for (const [id, value] of entries) {
    out.uint16(id)
    out.uint32(value)
  }
}

/** Confirms that the settings of the peer hold from here on. */
export const writeSettingsAck = (out: OutputBuffer): void => writeFrameHeader(out, 0, SETTINGS, ACK, 0)
