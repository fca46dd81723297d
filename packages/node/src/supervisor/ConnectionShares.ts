import * as Effect from "effect/Effect"
import * as FiberHandle from "effect/FiberHandle"
import type * as EffectScope from "effect/Scope"

/** As much of a worker as its share needs. */
interface Sharer {
  readonly connections: number
  readonly tellShare: (connections: number) => boolean
}

/** Tells workers how many connections each of them has on average. */
export interface ConnectionShares {
  /** The number of connections or of workers may be another one: all workers are told soon if it matters. */
  readonly update: () => void
}

/** Milliseconds between two messages to the same worker. */
const pause = 250

/** Part of the average by which another one is as good. */
const tolerance = 0.1

/** Tells the workers of `sharers` for as long as the scope is open. While nothing changes, nothing is done. */
export const make = (sharers: () => ReadonlyArray<Sharer>): Effect.Effect<ConnectionShares, never, EffectScope.Scope> =>
  Effect.gen(function* () {
    const told = new WeakMap<Sharer, number>()
    const fiber = yield* FiberHandle.make<void>()
    const fork = yield* FiberHandle.runtime(fiber)()
    const outdated = (): { readonly share: number; readonly workers: ReadonlyArray<Sharer> } => {
      const all = sharers()
      const share = all.reduce((sum, { connections }) => sum + connections, 0) / Math.max(1, all.length)
      const isOutdated = (before: number): boolean => Math.abs(share - before) > Math.max(1, before * tolerance)
      return { share, workers: all.filter((worker) => isOutdated(told.get(worker) ?? 0)) }
    }
    let isWaiting = false
    const tellAll = Effect.gen(function* () {
      yield* Effect.sleep(pause)
      isWaiting = false
      const { share, workers } = outdated()
      for (const worker of workers) if (worker.tellShare(share)) told.set(worker, share)
    })
    return {
      update: () => {
        if (isWaiting || outdated().workers.length === 0) return
        isWaiting = true
        fork(tellAll)
      }
    }
  })
