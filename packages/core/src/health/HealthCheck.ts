/**
 * The application's own checks: whether it can do its work, as `/readyz` of the admin listener asks. A Layer adds them,
 * and they count for as long as it is in use:
 *
 * ```ts
 * const checks = HealthCheck.layer({ database: Effect.flatMap(SqlClient, (sql) => sql`SELECT 1`) })
 * ```
 *
 * In a program that embeds a server it may stand anywhere among the program's layers. A module that the command serves
 * puts it into the Layer that it exports, or runs `HealthCheck.register` in the Effect that it exports or in its lifespan
 * handler. With workers, each of them is asked.
 */
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { format } from "effect/Formatter"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import { HealthChecks } from "./HealthChecks.ts"

export { CheckRegistry, HealthChecks } from "./HealthChecks.ts"

/** What the checks have in common. */
export interface Options {
  /** How long each of them may take; what takes longer has failed. One second by default. */
  readonly timeLimit?: Duration.Input
}

/** A probe of Kubernetes does not wait longer, unless it is told to. */
const defaultTimeLimit = Duration.seconds(1)

/** Checks by their names. One fails to say that something is wrong; what it yields is ignored. */
export type Checks = Readonly<Record<string, Effect.Effect<unknown, unknown, unknown>>>

/** What checks need. */
type ServicesOf<All extends Checks> = Effect.Services<All[keyof All]>

/**
 * Adds checks until the scope closes. They run when somebody asks, all at the same time, and at most once a second. Several
 * may have one name; all of them count.
 */
export const register = <All extends Checks>(
  checks: All,
  { timeLimit = defaultTimeLimit }: Options = {}
): Effect.Effect<void, never, ServicesOf<All> | Scope.Scope> =>
  Effect.gen(function* () {
    const registry = yield* HealthChecks
    const services = yield* Effect.context<ServicesOf<All>>()
    const limit = Duration.fromInputUnsafe(timeLimit)
    const added = Object.entries(checks).map(([name, check]) => ({
      name,
      limit,
      // The types of `Object.entries` do not know that it needs no more than all of them.
      run: Effect.provideContext(describe(check as Effect.Effect<unknown, unknown, ServicesOf<All>>), services)
    }))
    yield* Effect.acquireRelease(
      Effect.sync(() => registry.add(added)),
      () => Effect.sync(() => registry.remove(added))
    )
  })

/** Adds checks for as long as the layer is in use. Fails and provides nothing. */
export const layer = <All extends Checks>(
  checks: All,
  options?: Options
): Layer.Layer<never, never, Exclude<ServicesOf<All>, Scope.Scope>> => Layer.effectDiscard(register(checks, options))

/** What is wrong, in a line; nothing when all is well. */
const describe = <R>(check: Effect.Effect<unknown, unknown, R>): Effect.Effect<string | undefined, never, R> =>
  Effect.matchCause(check, {
    onSuccess: () => undefined,
    onFailure: (cause) => {
      const [line = ""] = textOf(Cause.squash(cause)).split("\n", 1)
      // Somebody may look at it in a terminal.
      return line.replaceAll(/\p{Cc}/gu, " ").trim() || "it has failed"
    }
  })

/** Errors without a message have a name. */
const textOf = (error: unknown): string => {
  if (error instanceof Error) return error.message || error.name
  return typeof error === "string" ? error : format(error)
}
