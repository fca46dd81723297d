/** The checks of a process, and how they are run: together, within their time limits, and not more often than it is of use. */
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { SharedResult } from "./SharedResult.ts"

/** One check. */
export interface RegisteredCheck {
  readonly name: string
  readonly limit: Duration.Duration
  /** What is wrong; nothing when all is well. */
  readonly run: Effect.Effect<string | undefined>
}

/** What is wrong, by the names of the checks; empty when all is well. */
export type Problems = Readonly<Record<string, string>>

/** Names may come more than once, and may be those that every object has. */
export const problemsOf = (all: Iterable<readonly [name: string, problem: string]>): Problems => {
  const problems = new Map<string, string>()
  for (const [name, problem] of all) {
    const before = problems.get(name)
    problems.set(name, before === undefined ? problem : `${before}; ${problem}`)
  }
  return Object.fromEntries(problems)
}

/** Holds checks and runs them. */
export class CheckRegistry {
  readonly #checks = new Set<RegisteredCheck>()
  /** Runs that have exceeded their limits and have not ended since. */
  readonly #overdue = new Set<RegisteredCheck>()
  readonly #shared = new SharedResult(Effect.suspend(() => this.#runAll))

  add(checks: ReadonlyArray<RegisteredCheck>): void {
    for (const check of checks) this.#checks.add(check)
    this.#shared.forget()
  }

  remove(checks: ReadonlyArray<RegisteredCheck>): void {
    for (const check of checks) this.#checks.delete(check)
    this.#shared.forget()
  }

  /** Runs all checks, or takes what they have found within the last second; several who ask at once share one run. */
  readonly problems: Effect.Effect<Problems> = Effect.suspend(() =>
    this.#checks.size === 0 ? Effect.succeed({}) : this.#shared.get
  )

  readonly #runAll: Effect.Effect<Problems> = Effect.gen({ self: this }, function* () {
    const checks = [...this.#checks]
    const found = yield* Effect.forEach(checks, (check) => this.#runOne(check), { concurrency: "unbounded" })
    return problemsOf(
      checks.flatMap(({ name }, index) => {
        const problem = found[index]
        return problem === undefined ? [] : [[name, problem] as const]
      })
    )
  })

  /** The limit holds for what cannot be interrupted too; that is not begun again before it has ended. */
  #runOne(check: RegisteredCheck): Effect.Effect<string | undefined> {
    const tooLong = `no answer within ${Duration.format(check.limit)}`
    return Effect.gen({ self: this }, function* () {
      if (this.#overdue.has(check)) return `${tooLong}, and still none`
      const fiber = yield* Effect.forkDetach(check.run)
      const problem = yield* Effect.timeoutOption(Effect.exit(Fiber.join(fiber)), check.limit)
      if (problem._tag === "Some") return problem.value._tag === "Success" ? problem.value.value : "it was interrupted"
      this.#overdue.add(check)
      yield* Effect.forkDetach(
        Effect.andThen(
          Fiber.interrupt(fiber),
          Effect.sync(() => this.#overdue.delete(check))
        )
      )
      return tooLong
    })
  }
}

/**
 * Where checks are registered. By default one for the whole process; a program with several servers whose checks are not
 * to be mixed provides each of them another `CheckRegistry`.
 */
export const HealthChecks = Context.Reference<CheckRegistry>("@pagi/core/HealthChecks", {
  defaultValue: () => new CheckRegistry()
})
