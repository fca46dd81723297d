import { lingerBytes } from "./Linger.ts"
import type { Transport } from "./Transport.ts"

/**
 * How a driver reads its transport: it pauses it while there is too much to do, and discards what comes while it lingers.
 * A base class rather than an object of its own, because an idle connection should cost little.
 */
export abstract class TransportInput {
  protected readonly transport: Transport
  protected isPaused = false
  private discarded = 0

  constructor(transport: Transport) {
    this.transport = transport
  }

  /** The peer is not read for a while. */
  protected onPaused(): void {}
  /** The peer is read again, after a pause. */
  protected onResumed(): void {}

  protected setPaused(paused: boolean): void {
    if (this.isPaused === paused) return
    this.isPaused = paused
    if (paused) {
      this.transport.pause()
      this.onPaused()
    } else {
      this.transport.resume()
      this.onResumed()
    }
  }

  /** Takes no notice of so many bytes; ends the connection when a peer that has read everything goes on for too long. */
  protected discard(length: number): void {
    this.discarded += length
    if (this.discarded <= lingerBytes) return
    // The peer may still be reading what it was sent; the write deadline watches over that.
    if (this.transport.bufferedAmount > 0) this.setPaused(true)
    else this.transport.destroy()
  }
}
