/** The cluster of a pool, which there is as soon as the first worker asks for it. */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { ClusterKeeper, KeeperSettings } from "../cluster/ClusterKeeper.ts"
import type { WorkerId } from "../pool/PoolEvent.ts"

export interface PoolCluster {
  /** A worker asks for something; `answer` is called once, or never if the worker has ended by then. */
  readonly ask: (worker: WorkerId, request: unknown, hasSuccessor: boolean, answer: (answer: object) => void) => void
  /** The process of a worker has ended, and nothing that it has sent is of interest any more. */
  readonly gone: (worker: WorkerId) => void
  /** Whether a worker has asked. */
  readonly isKept: () => boolean
}

const refused = (reason: string) => ({ type: "refused", reason })

export const make = (settings: KeeperSettings): Effect.Effect<PoolCluster, never, Scope.Scope> =>
  Effect.gen(function* () {
    const scope = yield* Effect.scope
    const run = Effect.runForkWith(yield* Effect.context<Scope.Scope>())
    /** What has to be done when it is loaded, in order. */
    let waiting: Array<(keeper: ClusterKeeper | undefined) => void> | undefined
    let keeper: ClusterKeeper | undefined
    const load = Effect.gen(function* () {
      const { make } = yield* Effect.promise(() => import("../cluster/ClusterKeeper.ts"))
      keeper = yield* make(settings)
    }).pipe(
      Effect.catchCause((cause) => Effect.logError("the cluster of the workers cannot be kept", cause)),
      Effect.andThen(
        Effect.sync(() => {
          const all = waiting ?? []
          waiting = undefined
          for (const doIt of all) doIt(keeper)
        })
      ),
      Effect.forkIn(scope)
    )
    const use = (hasSuccessor: boolean, doIt: (keeper: ClusterKeeper | undefined) => void): void => {
      if (keeper !== undefined) return doIt(keeper)
      if (waiting !== undefined) return void waiting.push(doIt)
      // A successor has found that there is no cluster here, and may have begun one of its own.
      if (hasSuccessor) return doIt(undefined)
      waiting = [doIt]
      run(load)
    }
    return {
      ask: (worker, request, hasSuccessor, answer) =>
        use(hasSuccessor, (kept) => {
          if (kept === undefined) answer(refused("the supervisor keeps no cluster at the moment"))
          else kept.ask(worker, request, answer)
        }),
      gone: (worker) => {
        if (keeper !== undefined) keeper.gone(worker)
        else waiting?.push((kept) => kept?.gone(worker))
      },
      isKept: () => keeper !== undefined || waiting !== undefined
    }
  })
