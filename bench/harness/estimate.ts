import type { SuitePlan } from "./commandLine.ts"

/** Seconds that a measurement takes beside the time of its load, as seen on a machine of two cores. */
const beside = {
  /** The warm-up, the start and the end of the server, and the generator's own. */
  throughput: 2,
  /** The agreement of each server, once. */
  agreement: 1,
  idle: 8,
  start: 7,
  "slow readers": 8
} as const

const measured = (plan: SuitePlan, candidates: ReadonlyArray<string>): number =>
  plan.candidates.filter((name) => candidates.includes(name)).length

const secondsOf = (plan: SuitePlan): number => {
  const { rounds, rows, seconds, suite } = plan
  const throughput = suite.throughput
    .filter(({ name }) => rows.includes(name))
    .map(
      (row) => measured(plan, [row.subject, ...row.peers]) * (rounds * (seconds + beside.throughput) + beside.agreement)
    )
  const figures = suite.figures
    .filter(({ name }) => rows.includes(name))
    .map((row) => measured(plan, row.candidates) * rounds * beside[row.measures])
  const idle =
    suite.idle !== undefined && rows.includes(suite.idle.name)
      ? measured(plan, suite.idle.candidates) * rounds * beside.idle
      : 0
  return [...throughput, ...figures, idle].reduce((sum, one) => sum + one, 0)
}

/** How many minutes the plans take, when nothing has to be measured again. */
export const estimateOf = (plans: ReadonlyArray<SuitePlan>): number =>
  Math.ceil(plans.reduce((sum, plan) => sum + secondsOf(plan), 0) / 60)
