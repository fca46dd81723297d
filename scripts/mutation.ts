/**
 * Changes the sources in one place at a time and tells which changes no test notices. The changes are Stryker's; they
 * are tried in copies of the repository with the tests of the package that was changed, until the first one fails.
 */
import { parseArgs } from "node:util"
import { allMutants, type Mutant, sampleOf } from "./mutation/mutants.ts"
import { Sandbox } from "./mutation/sandbox.ts"
import { problemWithout, type Trial, tryMutant } from "./mutation/trial.ts"

const packages = ["core", "http1", "http2", "websocket", "node", "cli"]

/** The share of mutants that is to be noticed. */
const goal = 0.95

const usage = `npm run mutation -- [--sample 150] [--seed 1] [--package NAME]... [--path TEXT] [--jobs 2] [--list]
  sample   how many of all mutants are tried, chosen by the seed
  package  ${packages.join(", ")}; all by default
  path     only files whose path contains the text
  jobs     how many are tried at a time
  list     prints the sample and tries nothing`

const { values } = parseArgs({
  options: {
    sample: { type: "string", default: "150" },
    seed: { type: "string", default: "1" },
    package: { type: "string", multiple: true, default: packages },
    path: { type: "string", default: "" },
    jobs: { type: "string", default: "2" },
    list: { type: "boolean", default: false },
    help: { type: "boolean", default: false }
  }
})

const oneLine = (code: string): string => {
  const text = code.replaceAll(/\s+/g, " ")
  return text.length <= 60 ? text : `${text.slice(0, 57)}...`
}

const describe = ({ file, line, mutator, original, replacement }: Mutant): string =>
  `${file}:${line}  ${mutator}: ${oneLine(original)}  →  ${oneLine(replacement)}`

const isNoticed = ({ noticedBy }: Trial): boolean => noticedBy !== "nobody"

const showTrial = (trial: Trial, done: number, size: number): void => {
  const by = trial.test === undefined ? trial.noticedBy : `${trial.noticedBy} (${trial.test})`
  const verdict = isNoticed(trial) ? `noticed by ${by}` : "SURVIVED"
  console.log(`${done}/${size}  ${describe(trial.mutant)}\n    ${verdict}, ${trial.seconds.toFixed(0)} s`)
}

const showResult = (trials: ReadonlyArray<Trial>): void => {
  const survivors = trials.filter((trial) => !isNoticed(trial))
  const refused = trials.filter(({ noticedBy }) => noticedBy === "the compiler").length
  const noticed = trials.length - survivors.length
  console.log(
    `\n${noticed} of ${trials.length} noticed (${((100 * noticed) / trials.length).toFixed(1)} %), ${refused} by the compiler alone`
  )
  for (const { mutant } of survivors) console.log(`survived: ${describe(mutant)}`)
}

const tryAll = async (
  mutants: ReadonlyArray<Mutant>,
  sandboxes: ReadonlyArray<Sandbox>
): Promise<ReadonlyArray<Trial>> => {
  const trials: Array<Trial> = []
  const waiting = [...mutants]
  const work = async (sandbox: Sandbox): Promise<void> => {
    for (let mutant = waiting.shift(); mutant !== undefined; mutant = waiting.shift()) {
      const trial = await tryMutant(sandbox, mutant)
      trials.push(trial)
      showTrial(trial, trials.length, mutants.length)
    }
  }
  await Promise.all(sandboxes.map(work))
  return trials
}

for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(130))

const main = async (): Promise<number> => {
  const found = await allMutants(values.package, values.path)
  const sample = sampleOf(found, Number(values.sample), Number(values.seed))
  console.log(`${sample.length} of ${found.length} mutants, seed ${values.seed}`)
  if (values.list) {
    for (const mutant of sample) console.log(describe(mutant))
    return 0
  }
  const [first, ...others] = Array.from({ length: Number(values.jobs) }, () => new Sandbox())
  if (first === undefined || sample.length === 0) return 2
  for (const name of new Set(sample.map((mutant) => mutant.package))) {
    const problem = await problemWithout(first, name)
    if (problem === undefined) continue
    console.error(problem)
    return 2
  }
  const trials = await tryAll(sample, [first, ...others])
  showResult(trials)
  return trials.filter(isNoticed).length >= goal * trials.length ? 0 : 1
}

if (values.help) console.log(usage)
else process.exit(await main())
