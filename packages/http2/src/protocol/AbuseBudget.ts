/**
 * What a peer may do that costs us more than it costs the peer: so much at once, and so much in each second (RFC 9113
 * §10.5).
 */

/** How many streams a peer may have reset. */
export interface BudgetLimits {
  /** At once. */
  readonly resetBurst: number
  /** In the long run. */
  readonly resetsPerSecond: number
}

/** Frames without content that a peer may send at once, and in the long run each second. */
const controlBurst = 1000
const controlsPerSecond = 100

/** The most that a peer may have a reason for at a time. */
const maxEarned = 10_000

/** Looks at the clock only when it is empty, and then gets what has come in since the last time. */
class TokenBucket {
  private readonly burst: number
  private readonly tokensPerSecond: number
  private readonly now: () => number
  private tokens: number
  private filledAt: number

  constructor(burst: number, tokensPerSecond: number, now: () => number, createdAt: number) {
    this.burst = burst
    this.tokensPerSecond = tokensPerSecond
    this.now = now
    this.tokens = burst
    this.filledAt = createdAt
  }

  take(): boolean {
    if (this.tokens < 1) this.refill()
    if (this.tokens < 1) return false
    this.tokens--
    return true
  }

  add(count: number): void {
    this.tokens = Math.min(this.burst, this.tokens + count)
  }

  private refill(): void {
    const now = this.now()
    this.add(((now - this.filledAt) * this.tokensPerSecond) / 1000)
    this.filledAt = now
  }
}

/** What a peer may do on a connection that costs us more than it costs the peer (RFC 9113 §10.5). */
export class AbuseBudget {
  private readonly resets: TokenBucket
  private readonly controls: TokenBucket
  /** Frames without content that the peer has a reason for. */
  private earned = 0

  /** `now` are the milliseconds of a clock that only goes forward. */
  constructor(limits: BudgetLimits, now: () => number) {
    const createdAt = now()
    this.resets = new TokenBucket(limits.resetBurst, limits.resetsPerSecond, now, createdAt)
    this.controls = new TokenBucket(controlBurst, controlsPerSecond, now, createdAt)
  }

  /** The peer has reset a stream, or made us do so (CVE-2023-44487, CVE-2025-8671); `false` when that is too many. */
  reset(): boolean {
    return this.resets.take()
  }

  /** The peer has sent a frame without content (CVE-2019-9512, -9515, -9518); `false` when that is too many. */
  control(): boolean {
    if (this.earned === 0) return this.controls.take()
    this.earned--
    return true
  }

  /** What gives the peer a reason for so many frames without content, such as DATA that it has got. */
  earn(count: number): void {
    this.earned = Math.min(maxEarned, this.earned + count)
  }
}
