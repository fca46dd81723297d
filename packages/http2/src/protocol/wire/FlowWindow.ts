/** Windows of flow control: their bounds, and the one for what the peer may send (RFC 9113 §5.2 and §6.9). */

/** The largest window (RFC 9113 §6.9.1). */
export const maxWindow = 2 ** 31 - 1

/** The size of every window before anybody has said otherwise (RFC 9113 §6.9.2). */
export const initialWindow = 65_535

/** What the peer may send on a stream, or on all of them together (RFC 9113 §6.9). */
export class ReceiveWindow {
  /** What the peer can have on the way at most, once it knows that. */
  readonly size: number
  /** Bytes that the peer may still send. */
  available: number
  /** Bytes that were consumed and not given back yet. */
  private consumed = 0

  /** More than `size` is available to a peer that has not seen yet how small it is (RFC 9113 §6.9.3). */
  constructor(size: number, available = size) {
    this.size = size
    this.available = available
  }

  /** Counts what the peer has sent; `false` when it may not send that much. */
  receive(length: number): boolean {
    if (length > this.available) return false
    this.available -= length
    return true
  }

  /**
   * Counts what the application has taken; answers how much is to be given back now: nothing until it is half of the
   * window, so that not each piece costs a frame.
   */
  consume(length: number): number {
    this.consumed += length
    if (this.consumed * 2 < this.size) return 0
    const increment = this.consumed
    this.consumed = 0
    this.available += increment
    return increment
  }
}
