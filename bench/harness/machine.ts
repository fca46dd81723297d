import { spawnSync } from "node:child_process"
import { readFileSync } from "node:fs"
import { cpus, loadavg, release, totalmem } from "node:os"
import { candidateOf, type CandidateName } from "../candidates.ts"
import { needsCertificate, type Suite } from "../rows/row.ts"
import { loadCore, serverCore } from "./children.ts"
import { installedVersion } from "./installations.ts"
import { BenchmarkProblem, usageExitCode } from "./problem.ts"

export interface MachineFacts {
  readonly date: string
  readonly processor: string
  readonly cores: number
  readonly memoryGibibytes: number
  readonly kernel: string
  readonly node: string
  readonly loadGenerator: string
  /** Over the last minute before the run; near 0 on a machine that does nothing else. */
  readonly loadAverageBefore: number
  readonly packages: Readonly<Record<string, string>>
}

const debianPackages = {
  wrk: "wrk",
  h2load: "nghttp2-client",
  nghttpd: "nghttp2-server",
  openssl: "openssl",
  setpriv: "util-linux",
  taskset: "util-linux"
}

type Tool = keyof typeof debianPackages

const isInstalled = (tool: Tool): boolean =>
  spawnSync(tool, [tool === "openssl" ? "version" : "--version"]).error === undefined

export interface Needs {
  readonly suite: Suite
  readonly candidates: ReadonlyArray<CandidateName>
}

const generatorOf = ({ loadGenerator }: Suite): ReadonlyArray<Tool> =>
  loadGenerator === "wrk" || loadGenerator === "h2load" ? [loadGenerator] : []

const toolsOf = ({ candidates, suite }: Needs): ReadonlyArray<Tool> => [
  ...generatorOf(suite),
  ...(suite.throughput.some(needsCertificate) ? ["openssl" as const] : []),
  ...(candidates.some((name) => candidateOf(name).program === "nghttpd") ? ["nghttpd" as const] : []),
  "setpriv",
  "taskset"
]

export const requireTools = (plans: ReadonlyArray<Needs>): void => {
  const missing = [...new Set(plans.flatMap(toolsOf))].filter((tool) => !isInstalled(tool))
  if (missing.length > 0) {
    const tools = missing.map((tool) => `${tool} (Debian package ${debianPackages[tool]})`).join(" and ")
    throw new BenchmarkProblem(`the benchmark needs ${tools}`, usageExitCode)
  }
  for (const core of [serverCore, loadCore]) {
    if (spawnSync("taskset", ["-c", String(core), "true"]).status !== 0) {
      throw new BenchmarkProblem(`the benchmark needs core ${core}, which this process may not use`, usageExitCode)
    }
  }
}

/** A process of Node's takes the hard limit as its own; this one's children do too. */
export const descriptorLimit = (): number => {
  const [, limit] = /^Max open files +(\d+)/m.exec(readFileSync("/proc/self/limits", "utf8")) ?? []
  return limit === undefined ? Number.POSITIVE_INFINITY : Number(limit)
}

/** `wrk -v` says more than its version, `h2load --version` does not. */
const versionOfGenerator = (generator: Suite["loadGenerator"]): string => {
  if (generator !== "wrk" && generator !== "h2load") return generator
  const { stdout } = spawnSync(generator, [generator === "wrk" ? "-v" : "--version"], { encoding: "utf8" })
  return /^\S+ \S+/.exec(stdout)?.[0] ?? generator
}

/** A package that is there in two versions is named with the one that is compared with. */
const versionsOf = (names: ReadonlyArray<CandidateName>): Readonly<Record<string, string>> =>
  Object.fromEntries(
    names.map(candidateOf).flatMap(({ installation, packages }) =>
      packages.map((name) => {
        const shown = installation === "before" ? `${name}, before` : name
        return [shown, installedVersion(installation, name)] as const
      })
    )
  )

export const machineFacts = ({ candidates, suite }: Needs): MachineFacts => ({
  date: new Date().toISOString().slice(0, 10),
  processor: cpus()[0]?.model.trim() ?? "unknown",
  cores: cpus().length,
  memoryGibibytes: Math.round(totalmem() / 2 ** 30),
  kernel: `Linux ${release()}`,
  node: process.version,
  loadGenerator: versionOfGenerator(suite.loadGenerator),
  loadAverageBefore: Math.round((loadavg()[0] ?? 0) * 100) / 100,
  packages: versionsOf(candidates)
})
