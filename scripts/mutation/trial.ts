/** Whether anything notices a mutant: the tests of its package, those of packages that use it, or the compiler. */
import type { Mutant } from "./mutants.ts"
import type { Outcome, Sandbox } from "./sandbox.ts"

export interface Trial {
  readonly mutant: Mutant
  readonly noticedBy: "tests" | "a test that hung" | "the compiler" | "nobody"
  /** The first test that failed. */
  readonly test?: string
  readonly seconds: number
}

/** Which of the other packages' tests are quick and see much of a package. */
const users: Readonly<Record<string, ReadonlyArray<string>>> = {
  core: ["http1", "http2", "websocket"],
  http1: ["websocket"],
  http2: ["websocket"],
  websocket: [],
  node: [],
  cli: []
}

/** Milliseconds that the tests of a package took without a mutant. */
const usual = new Map<string, number>()

const assumedMilliseconds = 60_000
const compilerLimitMilliseconds = 240_000

/** Several times as long as usual, since the machine may do other things too. */
const limitOf = (packages: ReadonlyArray<string>): number =>
  packages.reduce((sum, name) => sum + 4 * (usual.get(name) ?? assumedMilliseconds), assumedMilliseconds)

const projectsOf = (packageName: string): ReadonlyArray<string> =>
  ["cli", "core", "node"].includes(packageName) ? [packageName, `${packageName}, replacing`] : [packageName]

const test = (sandbox: Sandbox, packages: ReadonlyArray<string>, files: ReadonlyArray<string>): Promise<Outcome> => {
  const projects = packages.flatMap(projectsOf).flatMap((project) => ["--project", project])
  const options = ["--config", "vitest.workspace.ts", "--bail", "1", "--maxWorkers", "1", "--reporter", "default"]
  return sandbox.run("vitest", ["run", ...options, ...projects, ...files], limitOf(packages))
}

const firstFailure = (output: string): string | undefined => /^ *FAIL +(.+)$/m.exec(output)?.[1]?.trim()

/** As vitest names it, relative to the package. */
const fileOf = (failure: string | undefined): string | undefined => /\S+\.test\.ts/.exec(failure ?? "")?.[0]

const attempts = 2

/**
 * What fails has to fail twice, the second time alone: a test that depends on time may fail because the machine is busy,
 * and says nothing then.
 */
const testSurely = async (
  sandbox: Sandbox,
  packages: ReadonlyArray<string>,
  files: ReadonlyArray<string>
): Promise<Outcome> => {
  let outcome = await test(sandbox, packages, files)
  for (let attempt = 1; attempt <= attempts && outcome.state === "failed"; attempt++) {
    const file = fileOf(firstFailure(outcome.output))
    if (file === undefined || (await test(sandbox, packages, [file])).state !== "passed") return outcome
    outcome = attempt === attempts ? { ...outcome, state: "passed" } : await test(sandbox, packages, files)
  }
  return outcome
}

/** Everything must pass before a mutant says something; returns what does not. */
export const problemWithout = async (sandbox: Sandbox, packageName: string): Promise<string | undefined> => {
  const startedAt = performance.now()
  const { output, state } = await testSurely(sandbox, [packageName], [])
  usual.set(packageName, performance.now() - startedAt)
  return state === "passed"
    ? undefined
    : `the tests of ${packageName} ${state === "hung" ? "hang" : "fail"}:\n${output}`
}

/** The tests that are named after the file first, since they are quick and likely to notice. */
const stagesOf = (sandbox: Sandbox, mutant: Mutant) => {
  const named = sandbox.testsNamedAfter(mutant)
  const others = users[mutant.package] ?? []
  return [
    ...(named.length === 0 ? [] : [() => testSurely(sandbox, [mutant.package], named)]),
    () => testSurely(sandbox, [mutant.package], []),
    ...(others.length === 0 ? [] : [() => testSurely(sandbox, others, [])])
  ]
}

const verdictOn = async (sandbox: Sandbox, mutant: Mutant): Promise<Pick<Trial, "noticedBy" | "test">> => {
  for (const stage of stagesOf(sandbox, mutant)) {
    const { output, state } = await stage()
    if (state === "hung") return { noticedBy: "a test that hung" }
    const failure = firstFailure(output)
    if (state === "failed") return { noticedBy: "tests", ...(failure === undefined ? {} : { test: failure }) }
  }
  const { state } = await sandbox.run("tsc", ["-p", "tsconfig.json"], compilerLimitMilliseconds)
  return { noticedBy: state === "passed" ? "nobody" : "the compiler" }
}

export const tryMutant = (sandbox: Sandbox, mutant: Mutant): Promise<Trial> =>
  sandbox.with(mutant, async () => {
    const startedAt = performance.now()
    const verdict = await verdictOn(sandbox, mutant)
    return { mutant, ...verdict, seconds: (performance.now() - startedAt) / 1000 }
  })
