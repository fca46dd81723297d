import { ClosedStreams } from "./ClosedStreams.ts"
import type { Stream } from "./Stream.ts"

/** The streams of a connection: those that are open, and what has to be known of all others (RFC 9113 §5.1.1). */
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

  remove(id: number, how: "reset" | "ended"): void {
    this.open.delete(id)
    this.closed.note(id, how)
  }

  /** Whether there never was such a stream; only a server could open an even one, and ours opens none. */
  isIdle(id: number): boolean {
    return id > this.lastId || id % 2 === 0
  }

  /** How a stream that is not open came to its end, if that is remembered. */
  endOf(id: number): "reset" | "ended" | undefined {
    return this.closed.find(id)
  }
}
