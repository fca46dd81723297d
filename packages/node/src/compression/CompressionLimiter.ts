/** Keeps the compression of all connections from filling libuv's thread pool. */

/** Bytes of input for which work counts once. */
const bytesPerShare = 8192

/** What the largest work counts: two of the kind fill the limiter. */
const largestShare = 8

/**
 * How much may be under way at once.
 *
 * libuv's pool has four threads, and files are read and names resolved in them too: two large messages leave the half of
 * them free. With more a file waits behind them, and nothing is gained, since the event loop needs a processor as well.
 *
 * Of small ones sixteen can be under way. They occupy a thread for some ten microseconds, but their place becomes free
 * only when the event loop comes round to them, so in a busy process two places would mean two messages a turn.
 */
const capacity = 2 * largestShare

const shareOf = (length: number): number => Math.min(Math.max(1, Math.ceil(length / bytesPerShare)), largestShare)

/** Work for zlib that waits for its turn. */
export interface LimitedWork {
  /** Bytes that go into zlib. */
  readonly length: number
  /** Begins, and answers whether there was still something to do; if so, `release` must follow when it has ended. */
  start(): boolean
}

/** Keeps the work of all connections from filling libuv's thread pool. What comes first begins first, large or small. */
export class CompressionLimiter {
  /** From `#first` on what waits, before it what has begun. */
  readonly #queue: Array<LimitedWork> = []
  #first = 0
  #used = 0

  /** May begin the work at once. */
  add(work: LimitedWork): void {
    this.#queue.push(work)
    this.#startNext()
  }

  /** Work on so many bytes has ended. Not to be called from within `start`. */
  release(length: number): void {
    this.#used -= shareOf(length)
    this.#startNext()
  }

  #startNext(): void {
    for (let next = this.#queue[this.#first]; next !== undefined; next = this.#queue[this.#first]) {
      const share = shareOf(next.length)
      if (this.#used + share > capacity) break
      this.#first++
      if (next.start()) this.#used += share
    }
    // Seldom enough that the length of the queue does not matter, which it would if each were taken from the front.
    if (this.#first * 2 > this.#queue.length) {
      this.#queue.splice(0, this.#first)
      this.#first = 0
    }
  }
}

/** The one of the process, as there is one pool. */
export const processLimiter = new CompressionLimiter()
