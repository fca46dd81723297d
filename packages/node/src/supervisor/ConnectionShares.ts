import * as Effect from "effect/Effect"
import * as FiberHandle from "effect/FiberHandle"
import type * as EffectScope from "effect/Scope"
import { tellPause, toldTolerance } from "../pool/Balance.ts"

/** As much of a worker as its share needs. */
interface Sharer {
  readonly connections: number
  /** Of how many it was started as one. */
  readonly workers: number
  readonly tellShare: (workers: number, connections: number) => boolean
}

/** Tells workers how many they are, and how many connections each of them has on average. */
export interface ConnectionShares {
  /** The number of connections or of workers may be another one: all workers are told soon if it matters. */
  readonly update: () => void
}

interface Share {
  readonly workers: number
  readonly connections: number
}

const isOutdated = (told: Share, { connections, workers }: Share): boolean =>
  told.workers <= 1 !== workers <= 1 ||
  Math.abs(connections - told.connections) > Math.max(1, told.connections * toldTolerance)

/** Tells the workers of `sharers` for as long as the scope is open. While nothing changes, nothing is done. */
export const make = (sharers: () => ReadonlyArray<Sharer>): Effect.Effect<ConnectionShares, never, EffectScope.Scope> =>
  Effect.gen(function* () {
    const told = new WeakMap<Sharer, Share>()
    const fiber = yield* FiberHandle.make<void>()
    const fork = yield* FiberHandle.runtime(fiber)()
    const outdated = (): { readonly share: Share; readonly workers: ReadonlyArray<Sharer> } => {
      const all = sharers()
      const connections = all.reduce((sum, worker) => sum + worker.connections, 0) / Math.max(1, all.length)
      const share = { workers: all.length, connections }
      return {
        share,
        workers: all.filter((worker) =>
          isOutdated(told.get(worker) ?? { workers: worker.workers, connections: 0 }, share)
        )
      }
    }
    let isWaiting = false
    const tellAll = Effect.gen(function* () {
      yield* Effect.sleep(tellPause)
      isWaiting = false
      const { share, workers } = outdated()
      for (const worker of workers) if (worker.tellShare(share.workers, share.connections)) told.set(worker, share)
    })
    return {
      update: () => {
        if (isWaiting || outdated().workers.length === 0) return
        isWaiting = true
        fork(tellAll)
      }
    }
  })
