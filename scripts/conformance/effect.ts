/**
 * Runs the tests that Effect has for its HTTP server on Node against this server and against `NodeHttpServer`, and
 * compares: node scripts/conformance/effect.ts PATH_OF_A_CHECKOUT_OF_EFFECT. Nothing of Effect's is in this repository;
 * the files are copied to a temporary folder, run with the Effect that is installed here, and removed.
 */
import { join } from "node:path"
import { type Replaced, runTests } from "./effect/cases.ts"
import { copyTests, findTestFiles, type TestFiles } from "./effect/checkout.ts"
import { compare, type Comparison, type Difference, type Failure, type Row } from "./effect/comparison.ts"
import { exceptions } from "./effect/exceptions.ts"

const usage = `node scripts/conformance/effect.ts PATH_OF_A_CHECKOUT_OF_EFFECT [NAME]...
  NAME  runs only files whose names begin so, such as NodeHttpServer`

const replacement = (name: string): string => join(import.meta.dirname, "effect/replacement", `${name}.ts`)

const ours: Replaced = new Map([
  ["@effect/platform-node", replacement("PlatformNode")],
  ["@effect/platform-node/NodeHttpPlatform", replacement("NodeHttpPlatform")],
  ["@effect/platform-node/NodeHttpServer", replacement("NodeHttpServer")]
])

const totalOf = (rows: ReadonlyArray<Row>): Row => {
  const sum = (column: "cases" | "here" | "there"): number => rows.reduce((total, row) => total + row[column], 0)
  return { file: "all", cases: sum("cases"), here: sum("here"), there: sum("there") }
}

const showTable = (rows: ReadonlyArray<Row>): void => {
  const width = Math.max(...rows.map(({ file }) => file.length))
  console.log(`${"".padEnd(width)}  cases  pass here  on NodeHttpServer`)
  for (const { cases, file, here, there } of [...rows, totalOf(rows)]) {
    console.log(`${file.padEnd(width)}${`${cases}`.padStart(7)}${`${here}`.padStart(11)}${`${there}`.padStart(19)}`)
  }
}

const showList = (title: string, lines: ReadonlyArray<string>): void => {
  if (lines.length > 0) console.log(`\n${title}\n${lines.map((line) => `  ${line}`).join("\n")}`)
}

const withProblem = ({ name, problem }: Failure): string => `${name}\n    ${problem}`

const show = ({ better, needless, neither, rows, worse }: Comparison): ReadonlyArray<Difference> => {
  const unexpected = worse.filter(({ reason }) => reason === undefined)
  const expected = worse.filter(({ reason }) => reason !== undefined)
  showTable(rows)
  showList(
    "Fails on both, as tests do that are of another version of Effect than the one that is installed:",
    neither.map(withProblem)
  )
  showList("Passes here alone:", better)
  showList(
    "Passes on NodeHttpServer and cannot here:",
    expected.map(({ name, reason }) => `${name}\n    ${reason}`)
  )
  showList("No exception any more (scripts/conformance/effect/exceptions.ts):", needless)
  showList("Passes on NodeHttpServer and not here:", unexpected.map(withProblem))
  return unexpected
}

const runAll = async ({ folder, missing, present }: TestFiles): Promise<number> => {
  for (const file of missing) console.log(`left out, as it is not in ${folder}: ${file}`)
  // A copy for each, since Vitest keeps what the imports of a file have led to.
  const there = await runTests(copyTests(folder), present, new Map())
  const here = await runTests(copyTests(folder), present, ours)
  return show(compare(here, there, exceptions)).length === 0 ? 0 : 1
}

const main = async (): Promise<number> => {
  const [path, ...beginnings] = process.argv.slice(2)
  if (path === undefined) {
    console.error(`usage: ${usage}`)
    return 2
  }
  const found = findTestFiles(path, beginnings)
  if (typeof found !== "string") return runAll(found)
  console.error(`${found}\nusage: ${usage}`)
  return 2
}

for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(130))

// Vitest sets a code of its own when a test has failed.
process.exitCode = await main()
