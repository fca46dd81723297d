/**
 * Reads what may never end: modules that compute or wait for ever, and named pipes that nobody writes to. Whoever waits
 * for one can end the process by a signal, at once: there is nothing to be finished yet.
 */
import * as Effect from "effect/Effect"
import * as StopSignals from "../signals/StopSignals.ts"
import { Asker } from "./CommandCheck.ts"
import type { UsageError } from "./ServerValues.ts"

let isGuarded = false

/** A process that checks a command line for another one has no purpose without that, and may be too busy to notice. */
const guard = Effect.gen(function* () {
  const asker = yield* Asker
  if (asker === undefined || isGuarded) return
  isGuarded = true
  const { start } = yield* Effect.promise(() => import("@pagi/node/worker/OrphanGuard"))
  start(0, asker.parent)
})

/** Reads a source, whose failure is told by `failure`. */
export const read = <A>(
  load: () => Promise<A>,
  failure: (error: unknown) => UsageError
): Effect.Effect<A, UsageError> =>
  Effect.andThen(guard, Effect.tryPromise({ try: () => StopSignals.leaveAllToSystem(load), catch: failure }))
