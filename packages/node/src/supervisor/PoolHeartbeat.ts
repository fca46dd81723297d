import * as Effect from "effect/Effect"
import * as FiberMap from "effect/FiberMap"
import type * as EffectScope from "effect/Scope"
import type { WorkerId } from "../pool/PoolEvent.ts"
import { makeNow } from "../process/MonotonicClock.ts"
import { lateness } from "./PoolTimers.ts"

/** As much of a worker as its heartbeat needs. */
interface Watched {
  readonly id: WorkerId
  /** When it was heard of last. */
  readonly heardAt: number | undefined
}

/** Watches that the workers of a pool say something, and tells of those that are silent for too long. */
export interface PoolHeartbeat {
  /** From now on; a worker that is watched already is so anew. */
  readonly watch: (worker: Watched) => Effect.Effect<void>
  readonly forget: (id: WorkerId) => Effect.Effect<void>
  /** Whether a worker has still not been heard of: its report may have come while its silence was. */
  readonly isSilent: (worker: Watched) => boolean
}

/**
 * Watches workers for as long as the scope is open. One that was not heard of for `timeout` milliseconds is told once;
 * 0 watches nobody. When this process did not run, its workers have another period to be heard in.
 */
export const make = (
  timeout: number,
  onSilent: (id: WorkerId) => void
): Effect.Effect<PoolHeartbeat, never, EffectScope.Scope> =>
  Effect.gen(function* () {
    const fibers = yield* FiberMap.make<WorkerId>()
    const now = yield* makeNow
    const deadlineOf = ({ heardAt }: Watched, otherwise: number): number => (heardAt ?? otherwise) + timeout
    const untilSilent = (worker: Watched) =>
      Effect.gen(function* () {
        const since = now()
        let due = Math.max(deadlineOf(worker, since), since)
        while (due > now()) {
          yield* Effect.sleep(due - now())
          const woken = now()
          due = woken - due > lateness ? woken + timeout : deadlineOf(worker, since)
        }
        onSilent(worker.id)
      })
    return {
      watch: (worker) =>
        timeout === 0 ? Effect.void : Effect.asVoid(FiberMap.run(fibers, worker.id, untilSilent(worker))),
      forget: (id) => FiberMap.remove(fibers, id),
      isSilent: (worker) => deadlineOf(worker, 0) <= now()
    }
  })
