/** Tells the log of messages that cannot be read here, which come as long as another version of the program publishes. */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"

/** Milliseconds between two lines. */
const pause = 10_000

/** Takes the topic of each, and what is wrong. Nothing of the message itself goes into a warning. */
export const make = (context: Context.Context<never>): ((topic: string, problem: string) => void) => {
  const clock = Context.get(context, Clock.Clock)
  const run = Effect.runForkWith(context)
  let count = 0
  let next = Number.NEGATIVE_INFINITY
  return (topic, problem) => {
    count++
    const now = clock.currentTimeMillisUnsafe()
    if (now < next) return
    next = now + pause
    const several = count === 1 ? "a message" : `${count} messages`
    count = 0
    run(
      Effect.andThen(
        Effect.logWarning(
          `skipped ${several} or members of others that the topic's schema does not describe, the last one in ${JSON.stringify(topic)}; another version of the program may have published it`
        ),
        Effect.logDebug(`in ${JSON.stringify(topic)}: ${problem}`)
      )
    )
  }
}
