/** Runs the callbacks of applications, none of which keeps the others or the server from going on. */
import * as Effect from "effect/Effect"

/** Runs a log line of the server's own. */
export type Log = (effect: Effect.Effect<void>) => void

/**
 * Runs an application's callbacks in the order of their registration. One that throws is logged and keeps neither the
 * others nor the server from going on. Callbacks that are registered meanwhile are not run.
 */
export const runCallbacks = <Value>(
  callbacks: ReadonlyArray<(value: Value) => void> | undefined,
  value: Value,
  log: Log
): void => {
  if (callbacks === undefined) return
  const registered = callbacks.length
  for (let index = 0; index < registered; index++) {
    try {
      callbacks[index]?.(value)
    } catch (defect) {
      log(Effect.logError("a callback of the application failed", defect))
    }
  }
}
