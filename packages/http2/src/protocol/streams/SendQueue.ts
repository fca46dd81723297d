import { Fifo } from "@pagi/core/bytes/Fifo"
import { initialWindow, maxWindow } from "../wire/FlowWindow.ts"
import { minFrameSize } from "../wire/PeerSettings.ts"
import type { Stream } from "./Stream.ts"

/**
 * The streams that have content to send and a window for it, in turn: whoever has sent a frame goes to the end. The windows
 * for what we send are written here only, those of streams and the connection's own, which is theirs together (RFC 9113
 * §5.2).
 */
export class SendQueue<Owner> {
  /** Bytes that the peer takes on all streams together. */
  window = initialWindow
  /** Those that wait for their turn, and some that were removed since. */
  private readonly ready = new Fifo<Stream<Owner>>()
  /** How many of them were removed, which are passed over when their turn comes. */
  private removed = 0

  get isEmpty(): boolean {
    return this.ready.length === this.removed
  }

  /** The peer takes so many bytes more on all streams together; `false` when a window cannot be that large. */
  widen(increment: number): boolean {
    this.window += increment
    return this.window <= maxWindow
  }

  /** The same on one stream, of which it may also be fewer bytes (RFC 9113 §6.9.2). */
  widenStream(stream: Stream<Owner>, increment: number): boolean {
    stream.sendWindow += increment
    if (stream.sendWindow > maxWindow) return false
    this.add(stream)
    return true
  }

  /**
   * Bytes of a stream that the windows allow in one frame. A peer may allow larger frames, but nobody else gets a turn
   * before one ends.
   */
  roomFor(stream: Stream<Owner>): number {
    return Math.min(stream.sendWindow, this.window, minFrameSize)
  }

  /** Whether the windows allow a stream nothing. */
  isShut(stream: Stream<Owner>): boolean {
    return stream.sendWindow <= 0 || this.window <= 0
  }

  /** So much of a stream was sent. */
  spend(stream: Stream<Owner>, length: number): void {
    stream.sendWindow -= length
    this.window -= length
  }

  /** Lines a stream up, if it has something to send and may. */
  add(stream: Stream<Owner>): void {
    if (stream.isReady || stream.queuedBytes === 0 || stream.sendWindow <= 0) return
    stream.isReady = true
    this.ready.push(stream)
  }

  /** Takes the next stream out, if the connection's window allows anybody to send. */
  take(): Stream<Owner> | undefined {
    while (this.window > 0) {
      const stream = this.ready.shift()
      if (stream === undefined) return undefined
      if (!stream.isReady) {
        this.removed--
        continue
      }
      stream.isReady = false
      // The peer may have made its window smaller meanwhile.
      if (stream.sendWindow > 0) return stream
    }
    return undefined
  }

  /** The stream has nothing more to send, whatever it had, and never will. */
  remove(stream: Stream<Owner>): void {
    if (!stream.isReady) return
    stream.isReady = false
    this.removed++
  }
}
