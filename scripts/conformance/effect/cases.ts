/** Runs test files against one of the servers. */
import { join, relative } from "node:path"
import { createVitest, type TestModule, type Vite } from "vitest/node"

/** How a test ended; `problem` is the first line of what it failed with. */
export interface Outcome {
  readonly state: "passed" | "failed" | "skipped"
  readonly problem?: string
}

/** By the file and the names of the groups and the case. */
export type Outcomes = ReadonlyMap<string, Outcome>

/** What `@effect/platform-node` is for the tests. */
export type Replaced = ReadonlyMap<string, string>

/** Modules of Effect that had other names before they were stable. */
const renamed: Readonly<Record<string, string>> = { httpapi: "http-api" }

/** The name by which the Effect that is installed has a module that tests import. */
const installedName = (source: string): string => {
  const [, room, rest = ""] = /^effect\/unstable\/([^/]+)(\/.*)?$/.exec(source) ?? []
  return room === undefined ? source : `effect/${renamed[room] ?? room}${rest}`
}

/** Has the imports of the tests, and of nothing else, lead to other modules. */
const redirect = (tests: string, replaced: Replaced): Vite.Plugin => ({
  name: "pagi-conformance",
  enforce: "pre",
  resolveId(source, importer) {
    if (importer?.startsWith(tests) !== true) return undefined
    const path = replaced.get(source)
    if (path !== undefined) return path
    const name = installedName(source)
    return name === source ? undefined : this.resolve(name, importer, { skipSelf: true })
  }
})

const firstLine = (message = ""): string => /\S.*/.exec(message)?.[0] ?? "it failed without a word"

const outcomesOf = (module: TestModule): ReadonlyArray<readonly [string, Outcome]> => {
  const broken = module
    .errors()
    .map(({ message }): readonly [string, Outcome] => [
      "(the file itself)",
      { state: "failed", problem: firstLine(message) }
    ])
  const cases = [...module.children.allTests()].map((test): readonly [string, Outcome] => {
    const { errors, state } = test.result()
    if (state === "failed") return [test.fullName, { state, problem: firstLine(errors[0]?.message) }]
    return [test.fullName, { state: state === "passed" ? state : "skipped" }]
  })
  return [...broken, ...cases]
}

/** Several cases of one name are told apart by their numbers. */
const unused = (name: string, taken: ReadonlyMap<string, unknown>): string => {
  let found = name
  for (let number = 2; taken.has(found); number++) found = `${name} (${number})`
  return found
}

/** Milliseconds; no case takes a second on an idle machine. */
const testTimeout = 20_000

/** Runs the files of a copy (`copyTests`), with some of their imports replaced. */
export const runTests = async (copy: string, files: ReadonlyArray<string>, replaced: Replaced): Promise<Outcomes> => {
  const tests = join(copy, "test")
  const vitest = await createVitest(
    "test",
    {
      root: copy,
      config: false,
      watch: false,
      reporters: [{}],
      silent: true,
      // What their tests warn of is not what is to be found out.
      execArgv: ["--no-warnings"],
      include: files.map((file) => `test/${file}`),
      setupFiles: [join(import.meta.dirname, "setup.ts")],
      sequence: { concurrent: true },
      maxConcurrency: 50,
      testTimeout
    },
    { cacheDir: join(copy, "cache"), plugins: [redirect(tests, replaced)] }
  )
  try {
    await vitest.start()
    const outcomes = new Map<string, Outcome>()
    for (const module of vitest.state.getTestModules()) {
      for (const [name, outcome] of outcomesOf(module)) {
        outcomes.set(unused(`${relative(tests, module.moduleId)} > ${name}`, outcomes), outcome)
      }
    }
    return outcomes
  } finally {
    await vitest.close()
  }
}
