/** How a server stops: it lets go on what was begun, says what it waits for, and interrupts the rest when the time is over. */
import { liveClock } from "@pagi/core/server/LiveClock"
import type { ServerContext } from "@pagi/core/server/ServerContext"
import * as Unended from "@pagi/core/server/Unended"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { IncompleteDrain } from "./IncompleteDrain.ts"
import { durationOf } from "./process/Amounts.ts"
import { makeNow } from "./process/MonotonicClock.ts"
import { describe, type UnderWay, underWay } from "./process/UnderWay.ts"

/** Whether it is more than connections that are about to be closed. */
const isWaitedFor = ({ eventStreams, requests, webSockets }: UnderWay): boolean =>
  eventStreams + requests + webSockets > 0

/** Milliseconds after which a drain says what it waits for: most requests have ended by then. */
const patience = 100

/** And how often it says that it still waits. */
const reminderInterval = 5000

/** Gives whoever sends clients here the time to see that the server is not ready, and to stop doing so. */
export const delay = ({ options, refuseWork }: ServerContext): Effect.Effect<void> =>
  Effect.gen(function* () {
    yield* refuseWork
    if (Duration.isZero(options.drainDelay)) return
    yield* Effect.logInfo(`not ready any more; accepting for another ${Duration.format(options.drainDelay)}`)
    yield* Effect.sleep(options.drainDelay)
  })

/**
 * From now on time limits pass by the live clock too. A server of a test may have one that nobody moves while it closes,
 * but its sockets are real: an idle connection gets the same 300 ms for a request that is under way.
 */
export const besidesLiveClock = ({ clock, deadlines }: ServerContext) =>
  // A child of the fiber that stops the server, as the scope may be closing already.
  clock === liveClock ? Effect.void : Effect.forkChild(deadlines.runBesides(liveClock))

/** Says what is waited for, and says it again while that takes long. Never ends. */
const tellProgress = (server: ServerContext, limit: Duration.Duration): Effect.Effect<never> =>
  Effect.gen(function* () {
    const now = yield* makeNow
    const startedAt = now()
    const within = (passed: number): string =>
      Duration.isFinite(limit) ? `, for up to ${durationOf(Duration.toMillis(limit) - passed)}` : ""
    yield* Effect.sleep(patience)
    const first = underWay(server)
    if (isWaitedFor(first)) yield* Effect.logInfo(`waiting for ${describe(first)}${within(0)}`)
    yield* Effect.sleep(reminderInterval - patience)
    while (true) {
      const passed = now() - startedAt
      const rest = underWay(server)
      const names = Unended.describe(server.runner.running)
      const which = names === "" ? "" : `: ${names}`
      yield* Effect.logInfo(`still waiting for ${describe(rest)} after ${durationOf(passed)}${within(passed)}${which}`)
      yield* Effect.sleep(reminderInterval)
    }
  })

/** Lets every connection finish what it has begun, within the time limit; then tells the rest that it is over. */
export const drain = (server: ServerContext): Effect.Effect<void, IncompleteDrain> =>
  Effect.gen(function* () {
    const { registry } = server
    server.leaving.begunAt = server.deadlines.now
    registry.drain()
    // Afterwards, so that a response which only waited for this already says that its connection closes.
    yield* server.beginShutdown
    const { shutdownTimeout } = server.options
    const limit = Duration.isZero(shutdownTimeout) ? Duration.infinity : shutdownTimeout
    const telling = yield* Effect.forkChild(tellProgress(server, limit), { startImmediately: true })
    const finished = yield* Effect.as(registry.empty, true).pipe(
      Effect.timeoutOrElse({ duration: limit, orElse: () => Effect.succeed(false) })
    )
    yield* Fiber.interrupt(telling)
    if (finished) return
    const { unfinished } = registry
    const incomplete = new IncompleteDrain({ connections: unfinished, shutdownTimeout })
    if (unfinished > 0) yield* Effect.logWarning(incomplete.message)
    registry.abort("server_shutdown")
    if (unfinished > 0) return yield* incomplete
  })

/** Interrupts what is left of the exchanges, and waits for it; what cannot be interrupted is told, and left alone. */
export const endExchanges = ({ registry, runner }: ServerContext, close: Effect.Effect<void>): Effect.Effect<void> =>
  Unended.waitFor(Effect.andThen(close, registry.empty), () => Unended.describe(runner.running))
