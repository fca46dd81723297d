import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import type { TopicError } from "./TopicError.ts"

/** Begins something that ends when the scope closes, or at once when it does not get ready. */
export const whileOpen = (
  begin: () => Effect.Effect<void, TopicError>,
  end: Effect.Effect<void>
): Effect.Effect<void, TopicError, Scope.Scope> =>
  Effect.uninterruptibleMask((restore) =>
    Effect.gen(function* () {
      const scope = yield* Scope.fork(yield* Effect.scope)
      const ready = begin()
      yield* Scope.addFinalizer(scope, end)
      yield* Effect.onError(restore(ready), () => Scope.close(scope, Exit.void))
    })
  )
