import { FrameHeader, type Role } from "./FrameHeader.ts"
import { type Limits, messageMaximum, toMaximum } from "./Limits.ts"

/**
 * The rules for all connections of a kind: which end they are, what the peer may send, and whether compression was agreed
 * on. Made once, since an idle connection should cost little.
 */
export class Rules {
  /** Read anew for each frame; nothing in it lasts. */
  readonly header: FrameHeader
  readonly maxFrameSize: number
  readonly maxMessageSize: number
  readonly maxFragments: number
  /** Whether what is received is masked. */
  readonly isMasked: boolean
  /** The source of keys, where what is sent is masked. */
  readonly maskingKey: (() => number) | undefined

  private constructor(role: Role, limits: Limits, compression: boolean, maskingKey: (() => number) | undefined) {
    this.header = new FrameHeader(role, compression)
    this.maxFrameSize = toMaximum(limits.maxFrameSize)
    this.maxMessageSize = messageMaximum(limits)
    this.maxFragments = toMaximum(limits.maxFragments)
    this.isMasked = role === "server"
    this.maskingKey = maskingKey
  }

  /** Those of servers; `compression` tells whether compressed messages have been agreed on (RFC 7692). */
  static forServer(limits: Limits, compression: boolean): Rules {
    return new Rules("server", limits, compression, undefined)
  }

  /** Those of clients; `maskingKey` gives 32 bits that nobody can predict, fresh for each frame (RFC 6455 §5.3 and §10.3). */
  static forClient(limits: Limits, compression: boolean, maskingKey: () => number): Rules {
    return new Rules("client", limits, compression, maskingKey)
  }
}
