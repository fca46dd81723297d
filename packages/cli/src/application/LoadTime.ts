/** Says what is being loaded when that takes long, and gives it up when it takes too long. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { AppLoadError, TimedOut } from "./AppLoadError.ts"

/** What takes the time, as messages name it; changes while an application is loaded. */
export interface Progress {
  subject: string
  /** Whether what takes the time has begun to serve. */
  isServing: () => boolean
}

const noticeDelay = Duration.seconds(1)

/**
 * Loads an application.
 *
 * @param limit how long that may take; 0 for no limit
 */
export const watch = <A, E, R>(
  path: string,
  limit: Duration.Duration,
  load: (progress: Progress) => Effect.Effect<A, E, R>
): Effect.Effect<A, E | AppLoadError, R> =>
  Effect.gen(function* () {
    const progress: Progress = { subject: "its import", isServing: () => false }
    // Of its own: what cannot be interrupted is left to itself when it is given up, since the process ends then.
    const loading = yield* Effect.forkDetach(load(progress), { startImmediately: true })
    const notice = Effect.delay(Effect.logInfo(`loading ${path}`), noticeDelay)
    return yield* Effect.raceFirst(Fiber.join(loading), Effect.andThen(notice, Effect.never)).pipe(
      Effect.timeoutOrElse({
        duration: Duration.isZero(limit) ? Duration.infinity : limit,
        orElse: () =>
          Effect.suspend(() => {
            const reason = new TimedOut({ subject: progress.subject, limit, isServing: progress.isServing() })
            loading.interruptUnsafe()
            return Effect.fail(new AppLoadError({ path, reason }))
          })
      }),
      Effect.onInterrupt(() => Fiber.interrupt(loading))
    )
  })
