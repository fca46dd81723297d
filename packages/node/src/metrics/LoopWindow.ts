/** How late and how busy the event loop was of late: in the last whole window, and since. */
import { type EventLoopUtilization, monitorEventLoopDelay, performance } from "node:perf_hooks"

/** How long a window is: longer than the time between two looks of whoever draws charts, shorter than most scrapes. */
export const windowLength = "10 seconds"

/** Milliseconds between two looks at the clock; a delay is found when it makes one of them late. */
const resolution = 20

/** Delays in seconds. */
export interface Delays {
  readonly mean: number
  readonly p50: number
  readonly p99: number
  readonly max: number
}

const none: Delays = { mean: 0, p50: 0, p99: 0, max: 0 }

/** The histogram counts nanoseconds between looks. */
const toDelay = (nanoseconds: number): number => Math.max(0, (nanoseconds / 1e6 - resolution) / 1000)

const delaysOf = (histogram: ReturnType<typeof monitorEventLoopDelay>): Delays =>
  histogram.count === 0
    ? none
    : {
        mean: toDelay(histogram.mean),
        p50: toDelay(histogram.percentile(50)),
        p99: toDelay(histogram.percentile(99)),
        max: toDelay(histogram.max)
      }

/** Watches the event loop until `stop`; costs next to nothing, as it does not run JavaScript. */
export class LoopWindow {
  readonly #histogram = monitorEventLoopDelay({ resolution })
  /** Of the last whole window. */
  #before: Delays | undefined = undefined
  #since: EventLoopUtilization = performance.eventLoopUtilization()
  #windowStart = this.#since

  constructor() {
    this.#histogram.enable()
  }

  /** The usual delays of the last whole window, and the long ones of that and of what has followed. */
  get delay(): Delays {
    const now = delaysOf(this.#histogram)
    const before = this.#before
    if (before === undefined) return now
    return { ...before, p99: Math.max(before.p99, now.p99), max: Math.max(before.max, now.max) }
  }

  /** The busy part of the time since the last whole window began. */
  get utilization(): number {
    return performance.eventLoopUtilization(this.#since).utilization
  }

  /** Seconds since the process was started. */
  get time(): { readonly active: number; readonly idle: number } {
    const { active, idle } = performance.eventLoopUtilization()
    return { active: active / 1000, idle: idle / 1000 }
  }

  /** A window is over. */
  rotate(): void {
    this.#before = delaysOf(this.#histogram)
    this.#histogram.reset()
    this.#since = this.#windowStart
    this.#windowStart = performance.eventLoopUtilization()
  }

  stop(): void {
    this.#histogram.disable()
  }
}
