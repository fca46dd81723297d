/** What two runs of the same tests come to. */
import type { Outcome, Outcomes } from "./cases.ts"

/** A case that cannot pass here, and why. */
export interface Exception {
  readonly name: string
  readonly reason: string
}

export interface Row {
  readonly file: string
  readonly cases: number
  readonly here: number
  readonly there: number
}

export interface Failure {
  readonly name: string
  /** What it fails with here. */
  readonly problem: string
}

export interface Difference extends Failure {
  /** Why it need not pass here; nothing when it should. */
  readonly reason: string | undefined
}

export interface Comparison {
  readonly rows: ReadonlyArray<Row>
  /** What passes there and not here. */
  readonly worse: ReadonlyArray<Difference>
  /** What passes here and not there. */
  readonly better: ReadonlyArray<string>
  /** What passes nowhere: the tests are of another version of Effect than the one that is installed. */
  readonly neither: ReadonlyArray<Failure>
  /** Exceptions that are none: such cases pass here, fail there, or are not to be found. */
  readonly needless: ReadonlyArray<string>
}

const fileOf = (name: string): string => name.split(" > ", 1)[0] ?? ""

const isPassed = (outcomes: Outcomes, name: string): boolean => outcomes.get(name)?.state === "passed"

const rowOf = (file: string, names: ReadonlyArray<string>, here: Outcomes, there: Outcomes): Row => {
  const own = names.filter((name) => fileOf(name) === file)
  const passed = (outcomes: Outcomes): number => own.filter((name) => isPassed(outcomes, name)).length
  return { file, cases: own.length, here: passed(here), there: passed(there) }
}

const problemOf = (outcome: Outcome | undefined): string =>
  outcome === undefined ? "it was not run" : (outcome.problem ?? outcome.state)

/** Cases that neither server runs, as they are skipped, do not count. */
export const compare = (here: Outcomes, there: Outcomes, exceptions: ReadonlyArray<Exception>): Comparison => {
  const names = [...new Set([...there.keys(), ...here.keys()])].filter((name) =>
    [here, there].some((outcomes) => (outcomes.get(name)?.state ?? "skipped") !== "skipped")
  )
  const reasons = new Map(exceptions.map(({ name, reason }) => [name, reason]))
  const only = (one: Outcomes, other: Outcomes): ReadonlyArray<string> =>
    names.filter((name) => isPassed(one, name) && !isPassed(other, name))
  const failure = (name: string): Failure => ({ name, problem: problemOf(here.get(name)) })
  const worse = only(there, here)
  const files = new Set(names.map(fileOf))
  return {
    rows: [...files].map((file) => rowOf(file, names, here, there)),
    worse: worse.map((name) => ({ ...failure(name), reason: reasons.get(name) })),
    better: only(here, there),
    neither: names.filter((name) => !isPassed(here, name) && !isPassed(there, name)).map(failure),
    // Of files that are not there nothing can be said.
    needless: [...reasons.keys()].filter((name) => files.has(fileOf(name)) && !worse.includes(name))
  }
}
