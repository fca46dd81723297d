/** Signals that tell a running server to take up what has changed outside, such as a log file that was moved away. */
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import type * as Scope from "effect/Scope"
import * as Terminal from "../program/Terminal.ts"

/** What administrators and their tools send. */
export type ReloadSignal = "SIGHUP" | "SIGUSR1" | "SIGUSR2" | "SIGTTIN" | "SIGTTOU"

/**
 * Runs an effect at each of these signals for as long as the scope is open. Signals that come while it runs make it run
 * once more. A `SIGHUP` for the end of the terminal means something else (`StopSignals`).
 */
export const on = (
  signals: ReadonlyArray<ReloadSignal>,
  reload: Effect.Effect<void>
): Effect.Effect<void, never, Scope.Scope> =>
  Effect.gen(function* () {
    const isTerminalClosed = yield* Terminal.IsClosed
    const requested = Latch.makeUnsafe(false)
    const request = (signal: NodeJS.Signals): void => {
      if (signal !== "SIGHUP" || !isTerminalClosed()) requested.openUnsafe()
    }
    yield* Effect.acquireRelease(
      Effect.sync(() => signals.forEach((signal) => process.on(signal, request))),
      () => Effect.sync(() => signals.forEach((signal) => process.off(signal, request)))
    )
    const reloadWhenRequested = Effect.suspend(() => {
      requested.closeUnsafe()
      return Effect.catchCause(reload, (cause) => Effect.logError("what has changed could not be taken up", cause))
    })
    yield* Effect.forkScoped(Effect.forever(Effect.andThen(requested.await, reloadWhenRequested)))
  })
