/** Timers for which time passes when a test says so. */
import { vi } from "@effect/vitest"
import * as Effect from "effect/Effect"

/** Until the scope ends, and for all other code of this process as well. */
export const fakeTimers = (kind: "Interval" | "Timeout") =>
  Effect.acquireRelease(
    Effect.sync(() => vi.useFakeTimers({ toFake: [`set${kind}`, `clear${kind}`] })),
    () => Effect.sync(() => vi.useRealTimers())
  )
