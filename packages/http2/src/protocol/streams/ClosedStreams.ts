/** Remembers how streams were closed, since that decides what a frame on one of them means (RFC 9113 §5.1). */

/** How a stream was closed: by a RST_STREAM of ours, after which the peer may go on for a while, or in another way. */
export type Closing = "reset" | "ended"

/** Remembered resets: more than there can be on the way, unless the peer opens streams far faster than we answer. */
const maxResets = 256

const maxEnded = 128

/** The numbers that were added last. */
class Ring {
  private readonly entries: Uint32Array
  private index = 0

  constructor(capacity: number) {
    this.entries = new Uint32Array(capacity)
  }

  add(entry: number): void {
    this.entries[this.index] = entry
    this.index = this.index + 1 < this.entries.length ? this.index + 1 : 0
  }

  has(entry: number): boolean {
    return this.entries.includes(entry)
  }
}

/**
 * The streams that were closed last (RFC 9113 §5.1, "closed"). However many end, they do not displace those that were
 * reset, since what still comes on these is no error.
 */
export class ClosedStreams {
  // Made for the first stream that closes in this way.
  private resets: Ring | undefined = undefined
  private ended: Ring | undefined = undefined

  /** Remembers a stream; a reset counts also for one that had ended. */
  note(streamId: number, how: Closing): void {
    if (how === "reset") (this.resets ??= new Ring(maxResets)).add(streamId)
    else (this.ended ??= new Ring(maxEnded)).add(streamId)
  }

  /** How a stream was closed, if that was not too long ago. */
  find(streamId: number): Closing | undefined {
    if (this.resets?.has(streamId) === true) return "reset"
    return this.ended?.has(streamId) === true ? "ended" : undefined
  }
}
