import * as Effect from "effect/Effect"

/** How long anything in these tests may take before it counts as never happening. */
const patience = "10 seconds"

/** Turns of the event loop in which to look, before it is taken that the condition needs more than what is ready. */
const eagerTurns = 50

/** Milliseconds between two looks after that, in which other tests have the processor. */
const pause = 1

/** Waits for a condition that nothing announces; it is looked at in every turn of the event loop, and seldom after a while. */
export const until = (what: string, condition: () => boolean): Effect.Effect<void> =>
  Effect.callback<void>((resume) => {
    let cancel = (): void => {}
    let looks = 0
    const look = (): void => {
      if (condition()) resume(Effect.void)
      else cancel = looks++ < eagerTurns ? atNextTurn(look) : after(pause, look)
    }
    look()
    return Effect.sync(() => cancel())
  }).pipe(Effect.timeoutOrElse({ duration: patience, orElse: () => Effect.die(new Error(`never happened: ${what}`)) }))

const atNextTurn = (run: () => void) => {
  const immediate = setImmediate(run)
  return () => clearImmediate(immediate)
}

const after = (milliseconds: number, run: () => void) => {
  const timer = setTimeout(run, milliseconds)
  return () => clearTimeout(timer)
}

/** Lets what the event loop has ready happen, so that something can be seen not to follow from it. */
export const turns = (count: number): Effect.Effect<void> =>
  Effect.repeat(
    Effect.promise(() => new Promise<void>((resolve) => setImmediate(resolve))),
    { times: count }
  )
