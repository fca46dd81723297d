import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import type * as Event from "../contract/Event.ts"
import type { NativeHandler, NativeRequest } from "../contract/NativeHandler.ts"
import * as NotAnEffect from "../contract/NotAnEffect.ts"
import type { Application, Receive, Send } from "../contract/PagiApp.ts"
import type { Scope } from "../contract/Scope.ts"

/** As `Effect.isEffect`, but fast for an application whose Effects are all of one kind, whatever other code looks at. */
const isEffect = (value: unknown): value is Effect.Effect<unknown, unknown> =>
  (typeof value === "object" || typeof value === "function") && value !== null && Effect.TypeId in value

/** Calls the application; an Effect comes of it in any case, one that fails if the application gave something else. */
export const callApplication = (
  application: Application<unknown, never>,
  scope: Scope,
  receive: Receive<Event.ReceiveEvent>,
  send: Send<Event.SendEvent>
): Effect.Effect<unknown, unknown> => {
  try {
    const effect = application(scope, receive, send)
    // Nobody has checked the types of an application in plain JavaScript.
    return isEffect(effect) ? effect : Exit.fail(NotAnEffect.notAnEffect(effect))
  } catch (defect) {
    const misfit = NotAnEffect.ofThrown(application, defect)
    return misfit === undefined ? Exit.die(defect) : Exit.fail(misfit)
  }
}

/** Calls a native handler; what it throws, which it must not, is how its fiber has ended. */
export const callNative = (
  handler: NativeHandler,
  request: NativeRequest,
  context: Context.Context<never>
): Fiber.Fiber<unknown, unknown> => {
  try {
    return handler(request, context)
  } catch (defect) {
    return Effect.runFork(Effect.die(defect))
  }
}
