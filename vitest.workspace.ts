import { availableParallelism } from "node:os"
import { configDefaults, defineConfig } from "vitest/config"
import { LongestFirst } from "./test/support/LongestFirst.ts"

const packages = ["core", "http1", "http2", "websocket", "node", "cli"]

/**
 * Tests that put something in place of a module of Node's or of a global, which others must not see; and those of all kinds
 * of exports, of which most failed once in a worker that other files had used before.
 */
const replacing: Readonly<Record<string, ReadonlyArray<string>>> = {
  cli: [
    "test/application/Exports.test.ts",
    "test/program/WorkingDirectory.test.ts",
    "test/signals/{Stop,Supervisor}Signals.test.ts"
  ],
  core: ["test/fetch/*.test.ts"],
  node: ["test/compression/WebSocketCompression.{close,limits}.test.ts", "test/FetchHandlers*.test.ts"]
}

/** Of all others, those whose modules hold nothing that another test could see: they are loaded once for each worker. */
const stateless = new Set(["cli", "core", "http1", "http2", "websocket", "node"])

/** What a package has done once before its tests. */
const setups: Readonly<Record<string, string>> = {
  cli: "test/support/BundledCommand.ts",
  node: "test/support/BundledWorkers.ts"
}

/**
 * Milliseconds; several times what the longest test takes by itself, since others run beside it, and longer than tests wait
 * for anything that they can say did not happen.
 */
const testTimeout = 30_000

const project = (name: string, root: string) => ({
  test: {
    name,
    root,
    include: ["test/**/*.test.ts"],
    exclude: [...configDefaults.exclude, ...(replacing[name] ?? []), "test/system/**"],
    globalSetup: setups[name] ?? [],
    passWithNoTests: true,
    testTimeout,
    isolate: !stateless.has(name)
  }
})

const replacingProject = ([name, include]: readonly [string, ReadonlyArray<string>]) => ({
  test: { name: `${name}, replacing`, root: `packages/${name}`, include: [...include], testTimeout }
})

/** One project per package, so that a failure names the package and `--project http1` runs one alone. */
export default defineConfig({
  test: {
    // Many tests wait, for programs and for the clock, so that two cores have time for three of them.
    maxWorkers: Math.ceil(availableParallelism() * 1.5),
    sequence: { sequencer: LongestFirst },
    projects: [
      ...packages.map((name) => project(name, `packages/${name}`)),
      ...Object.entries(replacing).map(replacingProject),
      project("scripts", "scripts")
    ],
    passWithNoTests: true
  }
})
