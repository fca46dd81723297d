import { ClosedStreams, type Closing } from "./ClosedStreams.ts"
import type { Stream } from "./Stream.ts"
import { next, type Step } from "./StreamState.ts"

/**
 * The streams of a connection: those that are open, and what has to be known of all others (RFC 9113 §5.1.1). Whoever sends
 * or receives the end of a stream takes it a step on here, and nowhere else.
 */
export class StreamTable<Owner> {
  private readonly open = new Map<number, Stream<Owner>>()
  private readonly closed = new ClosedStreams()
  /** The one that was opened last. */
  lastId = 0
  /** The last one that is served, once the final GOAWAY has said which that is (RFC 9113 §6.8). */
  lastServedId = Number.POSITIVE_INFINITY

  get size(): number {
    return this.open.size
  }

  values(): Iterable<Stream<Owner>> {
    return this.open.values()
  }

  /** A stream that is open. */
  get(id: number): Stream<Owner> | undefined {
    return this.open.get(id)
  }

  add(stream: Stream<Owner>): void {
    this.open.set(stream.id, stream)
  }

  /** Takes a stream a step on. Of one that is closed by that, only `how` it was is remembered. */
  advance(stream: Stream<Owner>, step: Step, how: Closing = "ended"): void {
    stream.state = next(stream.state, step)
    if (!stream.isClosed) return
    this.open.delete(stream.id)
    this.closed.note(stream.id, how)
  }

  /** Remembers that a stream was reset which is not open: it was never opened, or has ended before. */
  noteReset(id: number): void {
    this.closed.note(id, "reset")
  }

  /** Whether there never was such a stream; only a server could open an even one, and ours opens none. */
  isIdle(id: number): boolean {
    return id > this.lastId || id % 2 === 0
  }

  /** How a stream that is not open came to its end, if that is remembered. */
  endOf(id: number): Closing | undefined {
    return this.closed.find(id)
  }
}
