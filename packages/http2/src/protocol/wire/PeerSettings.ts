/** The settings of HTTP/2: their identifiers and bounds, and what the peer has asked for (RFC 9113 §6.5.2). */
import { initialWindow, maxWindow } from "./FlowWindow.ts"
import { connectionError, type ConnectionError } from "./ProtocolError.ts"

// Identifiers (RFC 9113 §6.5.2, RFC 8441 §3).
export const HEADER_TABLE_SIZE = 0x01
export const ENABLE_PUSH = 0x02
export const MAX_CONCURRENT_STREAMS = 0x03
export const INITIAL_WINDOW_SIZE = 0x04
export const MAX_FRAME_SIZE = 0x05
export const MAX_HEADER_LIST_SIZE = 0x06
export const ENABLE_CONNECT_PROTOCOL = 0x08

/** SETTINGS_MAX_FRAME_SIZE before anybody has said otherwise, and the least that it can be. */
export const minFrameSize = 16_384
export const maxFrameSize = 2 ** 24 - 1

/** What the peer has asked of us, beginning with what holds before it has (RFC 9113 §6.5.2). */
export class PeerSettings {
  headerTableSize = 4096
  /** The smallest that has been asked for since it was last looked at, which the table was cut down to (RFC 7541 §4.2). */
  leastHeaderTableSize = 4096
  enablePush = true
  maxConcurrentStreams = Number.POSITIVE_INFINITY
  initialWindowSize = initialWindow
  maxFrameSize = minFrameSize
  maxHeaderListSize = Number.POSITIVE_INFINITY

  /** Takes over a value, if it is valid; an identifier that is not known has no meaning. */
  set(id: number, value: number): ConnectionError | undefined {
    switch (id) {
      case HEADER_TABLE_SIZE:
        this.headerTableSize = value
        this.leastHeaderTableSize = Math.min(this.leastHeaderTableSize, value)
        return undefined
      case ENABLE_PUSH:
        if (value > 1) return connectionError("invalid-enable-push")
        this.enablePush = value === 1
        return undefined
      case MAX_CONCURRENT_STREAMS:
        this.maxConcurrentStreams = value
        return undefined
      case INITIAL_WINDOW_SIZE:
        if (value > maxWindow) return connectionError("invalid-initial-window-size")
        this.initialWindowSize = value
        return undefined
      case MAX_FRAME_SIZE:
        if (value < minFrameSize || value > maxFrameSize) return connectionError("invalid-max-frame-size")
        this.maxFrameSize = value
        return undefined
      case MAX_HEADER_LIST_SIZE:
        this.maxHeaderListSize = value
        return undefined
      case ENABLE_CONNECT_PROTOCOL:
        // From a client it says nothing else.
        return value > 1 ? connectionError("invalid-enable-connect-protocol") : undefined
      default:
        return undefined
    }
  }
}
