/** What an application keeps from ending: the server waits for it so long and no longer, and says what it was. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type { Subject } from "./Subject.ts"

/** How long an application may take to end once it was interrupted. */
const interruptionAllowance = Duration.seconds(3)

/** How many are named. */
const shown = 5

const nameOf = (subject: Subject): string => {
  switch (subject.type) {
    case "lifespan":
      return "the lifespan"
    case "websocket":
      return `WebSocket ${subject.path}`
    case "sse":
    case "http":
      return `${subject.method} ${subject.path}`
  }
}

/** Names exchanges by method and path. */
export const describe = (subjects: Iterable<Subject>): string => {
  const names = [...subjects].map(nameOf)
  const more = names.length - shown
  return `${names.slice(0, shown).join(", ")}${more > 0 ? ` and ${more} more` : ""}`
}

/**
 * Waits for something that interrupts an application, for `interruptionAllowance` at most. What goes on longer goes on
 * by itself, and an error says what that is.
 */
export const waitFor = (ending: Effect.Effect<unknown>, what: () => string): Effect.Effect<void> =>
  Effect.gen(function* () {
    const fiber = yield* Effect.forkDetach(ending, { startImmediately: true })
    // Mostly in finalizers, where the losing side could not be interrupted otherwise.
    const hasEnded = Effect.interruptible(Effect.as(Fiber.await(fiber), true))
    const ended = yield* Effect.timeoutOrElse(hasEnded, {
      duration: interruptionAllowance,
      orElse: () => Effect.succeed(false)
    })
    if (ended) return
    const limit = Duration.format(interruptionAllowance)
    yield* Effect.logError(`did not end within ${limit} of being interrupted, and is left alone: ${what()}`)
  })
