import * as Effect from "effect/Effect"
import { type Log, runCallbacks } from "./Callbacks.ts"
import type { Follower } from "./DirectSend.ts"

/** How far the peer lags behind what was sent to it, as `scope.transport`. All sizes in bytes. */
export interface TransportState {
  /** What was sent and has not been taken by the operating system. */
  readonly bufferedAmount: number
  /** The amount above which `send` suspends: the option `writeHighWatermark`. */
  readonly highWaterMark: number
  /** The amount at which `send` goes on: the option `writeLowWatermark`. */
  readonly lowWaterMark: number
  /** Runs on each rise above the high mark; at once when it is above already. */
  readonly onHighWater: (callback: () => void) => void
  /** Runs on each fall from above the high mark to the low mark or below. */
  readonly onDrain: (callback: () => void) => void
}

/** The marks of a write buffer, in bytes. */
export interface WriteBufferOptions {
  readonly highWaterMark: number
  readonly lowWaterMark: number
  /** Is told of callbacks that throw. */
  readonly log: Log
}

/** Who is told of a write buffer. */
interface Callbacks {
  readonly high: Array<() => void>
  readonly drain: Array<() => void>
  followers: Set<Follower> | undefined
}

/** Whose writes are counted. */
interface WriteSource {
  readonly bufferedAmount: number
  /** Whether it writes to a peer that has gone, for longer than `disconnectGrace`. */
  readonly isUnattended?: boolean
}

/** The server's side of `TransportState`: edge-triggered, with hysteresis between the two marks. */
export class WriteBuffer implements TransportState {
  /** Whether the amount rose above the high mark and has not yet fallen to the low mark. */
  isFull = false
  readonly #source: WriteSource
  readonly #options: WriteBufferOptions
  #isReleased = false
  /** Made for the first callback; most applications have none. */
  #callbacks: Callbacks | undefined = undefined
  #waiters: Set<() => void> | undefined = undefined

  constructor(source: WriteSource, options: WriteBufferOptions) {
    this.#source = source
    this.#options = options
  }

  get bufferedAmount(): number {
    return this.#source.bufferedAmount
  }

  /** Whether the application writes to a peer that has gone, and should have ended. It is not told so itself. */
  get isUnattended(): boolean {
    return this.#source.isUnattended === true
  }

  get highWaterMark(): number {
    return this.#options.highWaterMark
  }

  get lowWaterMark(): number {
    return this.#options.lowWaterMark
  }

  onHighWater(callback: () => void): void {
    this.#ownCallbacks.high.push(callback)
    if (this.isFull) callback()
  }

  onDrain(callback: () => void): void {
    this.#ownCallbacks.drain.push(callback)
  }

  /** As of `DirectSend`. */
  follow(follower: Follower): void {
    if (this.#isReleased) follower.onEnd()
    else (this.#ownCallbacks.followers ??= new Set()).add(follower)
  }

  unfollow(follower: Follower): void {
    this.#callbacks?.followers?.delete(follower)
  }

  get #ownCallbacks(): Callbacks {
    return (this.#callbacks ??= { high: [], drain: [], followers: undefined })
  }

  /** Call after the buffered amount has changed. */
  update(): void {
    const amount = this.#source.bufferedAmount
    const { highWaterMark, log, lowWaterMark } = this.#options
    if (this.isFull) {
      if (amount <= lowWaterMark) {
        this.isFull = false
        runCallbacks(this.#callbacks?.drain, undefined, log)
        this.#wake()
        if (this.#callbacks?.followers !== undefined) this.#tellOfRoom(this.#callbacks.followers)
      }
    } else if (amount > highWaterMark) {
      this.isFull = true
      runCallbacks(this.#callbacks?.high, undefined, log)
    }
  }

  /** Each in turn: who was told last is told first when there is room again. */
  #tellOfRoom(followers: Set<Follower>): void {
    for (const follower of [...followers]) {
      if (this.isFull) return
      if (!followers.delete(follower)) continue
      followers.add(follower)
      follower.onRoom()
    }
  }

  /** Lets every `send` go on from now on: the peer is gone and sends have become no-ops. */
  release(): void {
    this.#isReleased = true
    this.#wake()
    const followers = this.#callbacks?.followers
    if (followers === undefined) return
    for (const follower of followers) follower.onEnd()
    followers.clear()
  }

  #wake(): void {
    const waiters = this.#waiters
    this.#waiters = undefined
    if (waiters !== undefined) for (const waiter of waiters) waiter()
  }

  /** Suspends while the buffer is full and `release` has not been called. */
  get drained(): Effect.Effect<void> {
    return Effect.callback((resume) => {
      // The fiber may have been scheduled away before it got here, while the buffer drained.
      if (!this.isFull || this.#isReleased) return resume(Effect.void)
      const waiter = () => resume(Effect.void)
      ;(this.#waiters ??= new Set()).add(waiter)
      return Effect.sync(() => {
        this.#waiters?.delete(waiter)
      })
    })
  }
}
