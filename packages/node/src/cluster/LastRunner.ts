/**
 * The last runner of a cluster while it leaves: it is not registered any more, and its entities still end. Effect takes it
 * for a fault that no runner is there, and warns of that again and again until it has ended.
 */
import type { RunnerStorage } from "effect/cluster/RunnerStorage"
import * as Effect from "effect/Effect"

/** The same storage, which has nothing to say to a runner that has left when there is no other one. */
export const patient = (storage: RunnerStorage["Service"]): RunnerStorage["Service"] => {
  let hasLeft = false
  return {
    ...storage,
    unregister: (address) =>
      Effect.suspend(() => {
        hasLeft = true
        return storage.unregister(address)
      }),
    getRunners: Effect.flatMap(storage.getRunners, (runners) =>
      hasLeft && !runners.some(([, isHealthy]) => isHealthy) ? Effect.never : Effect.succeed(runners)
    )
  }
}
