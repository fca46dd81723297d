const bucketMicroseconds = 10
const bucketCount = 100_000

/** Counts how long messages took, in steps of 10 µs up to a second. */
export class Latencies {
  readonly #buckets = new Uint32Array(bucketCount)
  #total = 0

  record(milliseconds: number): void {
    const bucket = Math.min(bucketCount - 1, Math.floor((milliseconds * 1000) / bucketMicroseconds))
    this.#buckets[bucket] = (this.#buckets[bucket] ?? 0) + 1
    this.#total += 1
  }

  /** The middle of the bucket in which this share of the messages has arrived. */
  microsecondsAt(share: number): number {
    let remaining = this.#total * share
    for (const [bucket, count] of this.#buckets.entries()) {
      remaining -= count
      if (count > 0 && remaining <= 0) return (bucket + 0.5) * bucketMicroseconds
    }
    return 0
  }
}
