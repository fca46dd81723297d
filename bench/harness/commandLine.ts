import { pathToFileURL } from "node:url"
import { parseArgs } from "node:util"
import { candidateNames, candidateOf, type CandidateName } from "../candidates.ts"
import type { Suite } from "../rows/row.ts"
import { candidatesOf, rowNamesOf, suites, withBefore } from "../suites.ts"
import { BenchmarkProblem, usageExitCode } from "./problem.ts"

export interface SuitePlan {
  readonly suite: Suite
  readonly rows: ReadonlyArray<string>
  readonly candidates: ReadonlyArray<CandidateName>
  readonly rounds: number
  readonly seconds: number
  readonly outputDirectory: URL
  /** Less than the whole suite, so its figures do not replace the published ones unless that is asked for. */
  readonly isTrial: boolean
}

export interface Order {
  readonly plans: ReadonlyArray<SuitePlan>
  /** Another version of this server to compare with: a commit, or a folder with packed packages. */
  readonly against: string | undefined
}

const defaultRounds = 5
const defaultSeconds = 3

const publishedDirectory = new URL("../../docs/bench/", import.meta.url)
const trialDirectory = new URL("../results/", import.meta.url)

const rowNames = suites.flatMap(rowNamesOf)

export const usage = `npm run bench -- [--rows a,b] [--candidates a,b] [--against VERSION] [--rounds N] [--seconds S] [--output DIR]
  rows        ${suites.map((suite) => `${suite.name} (${rowNamesOf(suite).join(", ")})`).join("\n              ")}
  candidates  ${candidateNames.join(", ")}
  against     a commit, or a folder with packed packages, that takes turns with this version as pagi-before;
              without --candidates nothing else is measured then
  rounds      ${defaultRounds}, seconds ${defaultSeconds} per measurement
  output      docs/bench for a whole run of ${suites.map(({ name }) => name).join(" or ")}, bench/results for a shorter one`

const refuse = (message: string): never => {
  throw new BenchmarkProblem(message, usageExitCode)
}

const chosenNames = (option: string, value: string | undefined, allowed: ReadonlyArray<string>) => {
  if (value === undefined) return allowed
  const chosen = value.split(",").filter((name) => name !== "")
  const unknown = chosen.filter((name) => !allowed.includes(name))
  if (chosen.length === 0 || unknown.length > 0) {
    return refuse(`--${option}: ${unknown.join(", ") || "nothing"} is not among ${allowed.join(", ")}`)
  }
  return allowed.filter((name) => chosen.includes(name))
}

const wholeNumber = (option: string, value: string | undefined, fallback: number, maximum: number): number => {
  const number = Number(value ?? fallback)
  const isAllowed = Number.isInteger(number) && number >= 1 && number <= maximum
  return isAllowed ? number : refuse(`--${option}: ${value} is not a whole number from 1 to ${maximum}`)
}

const withVariants = (names: ReadonlyArray<string>): ReadonlyArray<CandidateName> =>
  candidateNames.filter((name) => names.includes(name) || names.includes(candidateOf(name).variantOf ?? name))

const optionTypes = {
  rows: { type: "string" },
  candidates: { type: "string" },
  against: { type: "string" },
  rounds: { type: "string" },
  seconds: { type: "string" },
  output: { type: "string" },
  help: { type: "boolean" }
} as const

const parse = (commandLine: ReadonlyArray<string>) => {
  try {
    return parseArgs({ args: [...commandLine], options: optionTypes }).values
  } catch (error) {
    return refuse(error instanceof Error ? error.message : String(error))
  }
}

const directoryFor = (output: string | undefined, isTrial: boolean): URL => {
  if (output !== undefined) return pathToFileURL(`${output}/`)
  return isTrial ? trialDirectory : publishedDirectory
}

const versionsOfPagi = "pagi,pagi-before"

/** One plan for each suite that has something to measure. */
export const parseCommandLine = (commandLine: ReadonlyArray<string>): Order | "help" => {
  const values = parse(commandLine)
  if (values.help === true) return "help"
  const { against } = values
  const chosenRows = chosenNames("rows", values.rows, [...suites.map(({ name }) => name), ...rowNames])
  const candidates = values.candidates ?? (against === undefined ? undefined : versionsOfPagi)
  const chosen = withVariants(chosenNames("candidates", candidates, candidateNames))
  const rounds = wholeNumber("rounds", values.rounds, defaultRounds, 100)
  const seconds = wholeNumber("seconds", values.seconds, defaultSeconds, 60)
  const plans = suites.map((whole): SuitePlan => {
    const suite = against === undefined ? whole : withBefore(whole)
    const all = rowNamesOf(suite)
    const rows = chosenRows.includes(suite.name) ? all : all.filter((name) => chosenRows.includes(name))
    const candidates = candidatesOf(suite).filter((name) => chosen.includes(name))
    const isTrial =
      against !== undefined ||
      rows.length < all.length ||
      candidates.length < candidatesOf(suite).length ||
      rounds < defaultRounds ||
      seconds < defaultSeconds
    return { suite, rows, candidates, rounds, seconds, isTrial, outputDirectory: directoryFor(values.output, isTrial) }
  })
  const busy = plans.filter((plan) => plan.rows.length > 0 && plan.candidates.length > 0)
  return busy.length > 0 ? { plans: busy, against } : refuse("none of these candidates is measured in these rows")
}
