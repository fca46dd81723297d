import { spawnSync } from "node:child_process"
import { readFile } from "node:fs/promises"
import { cpus, loadavg, release, totalmem } from "node:os"
import { loadCore, serverCore } from "./children.ts"
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

const debianPackages = { wrk: "wrk", taskset: "util-linux" }

const isInstalled = (tool: string): boolean => spawnSync(tool, ["--version"]).error === undefined

export const requireTools = (): void => {
  const missing = Object.entries(debianPackages).filter(([tool]) => !isInstalled(tool))
  if (missing.length > 0) {
    const tools = missing.map(([tool, debianPackage]) => `${tool} (Debian package ${debianPackage})`).join(" and ")
    throw new BenchmarkProblem(`the benchmark needs ${tools}`, usageExitCode)
  }
  for (const core of [serverCore, loadCore]) {
    if (spawnSync("taskset", ["-c", String(core), "true"]).status !== 0) {
      throw new BenchmarkProblem(`the benchmark needs core ${core}, which this process may not use`, usageExitCode)
    }
  }
}

const packageLocations = {
  "@pagi/node": "../../packages/node/package.json",
  effect: "../node_modules/effect/package.json",
  "@effect/platform-node": "../node_modules/@effect/platform-node/package.json",
  fastify: "../node_modules/fastify/package.json",
  hono: "../node_modules/hono/package.json",
  "@hono/node-server": "../node_modules/@hono/node-server/package.json"
}

const versionAt = async (location: string): Promise<string> => {
  const manifest: unknown = JSON.parse(await readFile(new URL(location, import.meta.url), "utf8"))
  const hasVersion = typeof manifest === "object" && manifest !== null && "version" in manifest
  return hasVersion ? String(manifest.version) : "unknown"
}

const loadGeneratorVersion = (): string => {
  const { stdout } = spawnSync("wrk", ["-v"], { encoding: "utf8" })
  return /^wrk \S+/.exec(stdout)?.[0] ?? "wrk"
}

export const machineFacts = async (): Promise<MachineFacts> => {
  const versions = Object.entries(packageLocations).map(
    async ([name, location]) => [name, await versionAt(location)] as const
  )
  return {
    date: new Date().toISOString().slice(0, 10),
    processor: cpus()[0]?.model.trim() ?? "unknown",
    cores: cpus().length,
    memoryGibibytes: Math.round(totalmem() / 2 ** 30),
    kernel: `Linux ${release()}`,
    node: process.version,
    loadGenerator: loadGeneratorVersion(),
    loadAverageBefore: Math.round((loadavg()[0] ?? 0) * 100) / 100,
    packages: Object.fromEntries(await Promise.all(versions))
  }
}
