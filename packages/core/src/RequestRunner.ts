import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import type * as Event from "./Event.ts"
import type { Application, Receive, Send } from "./PagiApp.ts"
import type { Scope } from "./Scope.ts"

/** Who is told how the application ended. */
export interface RunObserver {
  onApplicationExit(exit: Exit.Exit<unknown, unknown>): void
}

/**
 * Runs the application, once for each exchange: the one place on the way of a request that forks. The fiber starts on
 * the caller's stack and most often also ends there; `run` then answers `undefined` and nobody has to be waited for.
 * Otherwise the caller puts the fiber into the connection's scope.
 */
export class RequestRunner {
  readonly #application: Application<unknown, never>
  readonly #fork: <A, E>(effect: Effect.Effect<A, E>) => Fiber.Fiber<A, E>
  readonly #forkOwn: <A, E>(effect: Effect.Effect<A, E>) => Fiber.Fiber<A, E>
  #count = 0

  /** `context` is the application's; `ownContext` is the server's, which has the least level that is logged. */
  constructor(
    application: Application<unknown, never>,
    context: Context.Context<never>,
    ownContext: Context.Context<never> = context
  ) {
    this.#application = application
    this.#fork = Effect.runForkWith(context)
    this.#forkOwn = Effect.runForkWith(ownContext)
  }

  /** How many times the application was started. */
  get count(): number {
    return this.#count
  }

  run<ReceiveEvent extends Event.ReceiveEvent, SendEvent extends Event.SendEvent>(
    scope: Scope,
    receive: Receive<ReceiveEvent>,
    send: Send<SendEvent>,
    observer: RunObserver
  ): Fiber.Fiber<unknown, unknown> | undefined {
    this.#count++
    // `send` checks every event at run time, whatever its static type says.
    const fiber = this.#fork(this.#start(scope, receive, send as Send<Event.SendEvent>))
    const exit = fiber.pollUnsafe()
    if (exit !== undefined) {
      observer.onApplicationExit(exit)
      return undefined
    }
    fiber.addObserver((exit) => observer.onApplicationExit(exit))
    return fiber
  }

  /** Runs a short effect of the server's own, such as a log line, that nobody waits for. */
  readonly background = (effect: Effect.Effect<void>): void => {
    this.#forkOwn(effect)
  }

  #start(
    scope: Scope,
    receive: Receive<Event.ReceiveEvent>,
    send: Send<Event.SendEvent>
  ): Effect.Effect<unknown, unknown> {
    try {
      return this.#application(scope, receive, send)
    } catch (defect) {
      return Exit.die(defect)
    }
  }
}
