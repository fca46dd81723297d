import { vi } from "@effect/vitest"
import * as Effect from "effect/Effect"

/** How long anything in these tests may take before it counts as never happening. */
const patience = "10 seconds"

// Later than `until`, which can say what did not happen.
vi.setConfig({ testTimeout: 30_000 })

/** Waits for a condition that nothing announces; it is looked at once in every turn of the event loop. */
export const until = (what: string, condition: () => boolean): Effect.Effect<void> =>
  Effect.callback<void>((resume) => {
    let timer: NodeJS.Immediate | undefined
    const look = (): void => {
      if (condition()) resume(Effect.void)
      else timer = setImmediate(look)
    }
    look()
    return Effect.sync(() => clearImmediate(timer))
  }).pipe(Effect.timeoutOrElse({ duration: patience, orElse: () => Effect.die(new Error(`never happened: ${what}`)) }))

/** Lets what the event loop has ready happen, so that something can be seen not to follow from it. */
export const turns = (count: number): Effect.Effect<void> =>
  Effect.repeat(
    Effect.promise(() => new Promise<void>((resolve) => setImmediate(resolve))),
    { times: count }
  )
