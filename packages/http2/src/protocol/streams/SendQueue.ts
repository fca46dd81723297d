import { Fifo } from "@pagi/core/bytes/Fifo"
import { initialWindow } from "../wire/FlowWindow.ts"
import type { Stream } from "./Stream.ts"

/**
 * The streams that have content to send and a window for it, in turn: whoever has sent a frame goes to the end. The
 * connection's own window is theirs together.
 */
export class SendQueue<Owner> {
  /** Bytes that the peer takes on all streams together. */
  window = initialWindow
  private readonly ready = new Fifo<Stream<Owner>>()
  /** Streams in it that have been removed, which are passed over. */
  private removed = 0

  get isEmpty(): boolean {
    return this.ready.length === this.removed
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
