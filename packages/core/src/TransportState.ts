import * as Effect from "effect/Effect"
import { type Log, runCallbacks } from "./Callbacks.ts"

/** How far the peer lags behind what was sent to it, as `scope.transport`. All sizes in bytes. */
export interface TransportState {
  readonly bufferedAmount: number
  readonly highWaterMark: number
  readonly lowWaterMark: number
  /** Runs on each rise above the high mark; at once when it is above already. */
  readonly onHighWater: (callback: () => void) => void
  /** Runs on each fall from above the high mark to the low mark or below. */
  readonly onDrain: (callback: () => void) => void
}

/**
 * The server's side of `TransportState`: edge-triggered, with hysteresis between the two marks. `log` is told of
 * callbacks that throw.
 */
export class WriteBuffer implements TransportState {
  readonly highWaterMark: number
  readonly lowWaterMark: number
  /** Whether the amount rose above the high mark and has not yet fallen to the low mark. */
  isFull = false
  readonly #source: { readonly bufferedAmount: number }
  readonly #log: Log
  #isReleased = false
  #highCallbacks: Array<() => void> | undefined = undefined
  #drainCallbacks: Array<() => void> | undefined = undefined
  #waiters: Array<() => void> | undefined = undefined

  constructor(source: { readonly bufferedAmount: number }, highWaterMark: number, lowWaterMark: number, log: Log) {
    this.#source = source
    this.#log = log
    this.highWaterMark = highWaterMark
    this.lowWaterMark = lowWaterMark
  }

  get bufferedAmount(): number {
    return this.#source.bufferedAmount
  }

  onHighWater(callback: () => void): void {
    ;(this.#highCallbacks ??= []).push(callback)
    if (this.isFull) callback()
  }

  onDrain(callback: () => void): void {
    ;(this.#drainCallbacks ??= []).push(callback)
  }

  /** Call after the buffered amount has changed. */
  update(): void {
    const amount = this.#source.bufferedAmount
    if (this.isFull) {
      if (amount <= this.lowWaterMark) {
        this.isFull = false
        runCallbacks(this.#drainCallbacks, undefined, this.#log)
        this.#wake()
      }
    } else if (amount > this.highWaterMark) {
      this.isFull = true
      runCallbacks(this.#highCallbacks, undefined, this.#log)
    }
  }

  /** Lets every `send` go on from now on: the peer is gone and sends have become no-ops. */
  release(): void {
    this.#isReleased = true
    this.#wake()
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
      ;(this.#waiters ??= []).push(waiter)
      return Effect.sync(() => {
        this.#waiters = this.#waiters?.filter((other) => other !== waiter)
      })
    })
  }
}
