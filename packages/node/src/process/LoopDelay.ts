import { monitorEventLoopDelay, performance } from "node:perf_hooks"

/** Milliseconds between two looks at the clock; a delay is found when it makes one of them late. */
const resolution = 50

/** How late the event loop has been. */
export interface LoopDelay {
  /** The longest delay in milliseconds since somebody has asked. */
  readonly take: () => number
  readonly stop: () => void
}

/** Watches the event loop; costs next to nothing, as it does not run JavaScript. */
export const watch = (): LoopDelay => {
  const histogram = monitorEventLoopDelay({ resolution })
  histogram.enable()
  return {
    take: () => {
      // It counts the time between looks.
      const longest = histogram.max / 1e6 - resolution
      const isEmpty = histogram.count === 0
      histogram.reset()
      return isEmpty ? 0 : Math.max(0, Math.round(longest * 10) / 10)
    },
    stop: () => histogram.disable()
  }
}

/** Says at each call which part of the time since the one before the event loop was busy, from 0 to 1. */
export const watchUtilization = (): (() => number) => {
  let before = performance.eventLoopUtilization()
  return () => {
    const now = performance.eventLoopUtilization()
    const { utilization } = performance.eventLoopUtilization(now, before)
    before = now
    return utilization
  }
}
