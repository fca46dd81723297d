import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type * as EffectScope from "effect/Scope"
import type { RequestRunner } from "./RequestRunner.ts"

/** Who is told that the scope above is closing, so that its exchanges learn the reason before they are interrupted. */
export interface ScopedConnection {
  onScopeClose(): void
}

/** So few are not worth a look at whether they have ended. */
const smallest = 4

const isRunning = (fiber: Fiber.Fiber<unknown, unknown>): boolean => fiber.pollUnsafe() === undefined

/**
 * The fibers of a connection's applications, which live no longer than the scope above. There are none but of those that
 * have to wait for something; most connections never have one, and an idle one should cost nothing.
 */
export class ConnectionFibers {
  readonly #listener: ListenerFibers
  #connection: ScopedConnection
  /** The one that was added last. */
  #fiber: Fiber.Fiber<unknown, unknown> | undefined = undefined
  /** Those before it, of which some may have ended; mostly there are none. */
  #earlier: Array<Fiber.Fiber<unknown, unknown>> | undefined = undefined
  /** How many of those there may be before the ended ones are left out: twice as many as ran on the last time. */
  #limit = smallest

  constructor(listener: ListenerFibers, connection: ScopedConnection) {
    this.#listener = listener
    this.#connection = connection
  }

  get fibers(): ReadonlyArray<Fiber.Fiber<unknown, unknown>> {
    const earlier = this.#earlier ?? []
    return this.#fiber === undefined ? earlier : [...earlier, this.#fiber]
  }

  /** Keeps a running application until it ends or the connection does. */
  add(fiber: Fiber.Fiber<unknown, unknown>): void {
    if (this.#fiber !== undefined && isRunning(this.#fiber)) (this.#earlier ??= []).push(this.#fiber)
    if (this.#earlier !== undefined && this.#earlier.length > this.#limit) {
      this.#earlier = this.#earlier.filter(isRunning)
      this.#limit = Math.max(smallest, 2 * this.#earlier.length)
    }
    this.#fiber = fiber
    this.#listener.open(this)
  }

  /** The connection goes on as another, whose protocol it has changed to. */
  handOver(connection: ScopedConnection): void {
    this.#connection = connection
  }

  /** Interrupts the applications that are still running; nobody waits for them. */
  interrupt(): void {
    this.#listener.runner.background(Fiber.interruptAll(this.fibers))
  }

  /** No application is running any more. */
  close(): void {
    if (this.#fiber === undefined) return
    this.#fiber = undefined
    this.#earlier = undefined
    this.#listener.remove(this)
  }

  /** The listener's scope closes. */
  tell(): void {
    this.#connection.onScopeClose()
  }
}

/**
 * The fibers of all of a listener's connections. They end with the listener's scope, by one finalizer for all of them: a
 * scope of Effect's for each would be a quarter of what an idle WebSocket costs.
 */
export class ListenerFibers {
  readonly runner: RequestRunner
  readonly #open = new Set<ConnectionFibers>()
  #isClosed = false

  private constructor(runner: RequestRunner) {
    this.runner = runner
  }

  /** Those below the current scope, which waits at its end for the applications that it interrupts and their finalizers. */
  static make(runner: RequestRunner): Effect.Effect<ListenerFibers, never, EffectScope.Scope> {
    return Effect.suspend(() => {
      const fibers = new ListenerFibers(runner)
      return Effect.as(
        Effect.addFinalizer(() => fibers.#close),
        fibers
      )
    })
  }

  /** How many connections have any. */
  get size(): number {
    return this.#open.size
  }

  open(fibers: ConnectionFibers): void {
    this.#open.add(fibers)
    if (this.#isClosed) fibers.interrupt()
  }

  remove(fibers: ConnectionFibers): void {
    this.#open.delete(fibers)
  }

  readonly #close = Effect.suspend(() => {
    this.#isClosed = true
    const open = [...this.#open]
    for (const fibers of open) fibers.tell()
    return Effect.andThen(Fiber.interruptAll(open.flatMap(({ fibers }) => fibers)), this.runner.released)
  })
}
