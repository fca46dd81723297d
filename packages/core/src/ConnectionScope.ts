import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as EffectScope from "effect/Scope"
import type { RequestRunner } from "./RequestRunner.ts"

/** Who is told that the scope above is closing, so that its exchanges learn the reason before they are interrupted. */
export interface ScopedConnection {
  onScopeClose(): void
}

/**
 * A connection's scope below its listener's. It is opened by the first application that has to wait for something: most
 * connections never need it, and an idle one should cost nothing.
 */
export class ConnectionScope {
  readonly #parent: EffectScope.Scope
  readonly #runner: RequestRunner
  #connection: ScopedConnection
  #scope: EffectScope.Closeable | undefined = undefined
  /** The applications, in a scope of their own, because they end only after the connection was told why. */
  #fibers: EffectScope.Closeable | undefined = undefined

  constructor(parent: EffectScope.Scope, runner: RequestRunner, connection: ScopedConnection) {
    this.#parent = parent
    this.#runner = runner
    this.#connection = connection
  }

  /** Keeps a running application until it ends or the connection does. */
  add(fiber: Fiber.Fiber<unknown, unknown>): void {
    Fiber.runIn(fiber, this.#fibers ?? this.#open())
  }

  /** The connection goes on as another, whose protocol it has changed to. */
  handOver(connection: ScopedConnection): void {
    this.#connection = connection
  }

  /** Interrupts the applications that are still running; nobody waits for them. */
  interrupt(): void {
    if (this.#fibers !== undefined) this.#runner.background(EffectScope.close(this.#fibers, Exit.void))
  }

  /** The connection has ended and its applications too. */
  close(): void {
    if (this.#scope === undefined) return
    const closing = EffectScope.closeUnsafe(this.#scope, Exit.void)
    if (closing !== undefined) this.#runner.background(closing)
  }

  #open(): EffectScope.Closeable {
    const fibers = EffectScope.makeUnsafe("parallel")
    const scope = EffectScope.forkUnsafe(this.#parent)
    const end = Effect.suspend(() => {
      this.#connection.onScopeClose()
      return EffectScope.close(fibers, Exit.void)
    })
    this.#runner.background(EffectScope.addFinalizer(scope, end))
    this.#scope = scope
    this.#fibers = fibers
    return fibers
  }
}
