import { spawnSync } from "node:child_process"
import { createHash } from "node:crypto"
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs"
import { basename, join, relative, resolve } from "node:path"
import { installInto, packInto } from "../../scripts/support/pack.ts"
import { capture, run } from "../../scripts/support/run.ts"
import { root } from "../../scripts/support/workspace.ts"
import { BenchmarkProblem, usageExitCode } from "./problem.ts"

/**
 * Servers are measured as their users run them: with what npm installs from archives, in a project of its own. Each is
 * kept in `bench/results/installed` until something of it changes.
 */
export type InstallationName = "peers" | "current" | "before"

interface Manifest {
  readonly name: string
  readonly version: string
  readonly dependencies?: Readonly<Record<string, string>>
  /** Programs that only the benchmark has, so that nobody else downloads them. */
  readonly runtimes?: Readonly<Record<string, string>>
}

type Dependencies = Readonly<Record<string, string>>

const cache = join(root, "bench/results/installed")

const folders = new Map<InstallationName, string>()

export const installationFolder = (name: InstallationName): string => {
  const folder = folders.get(name)
  if (folder === undefined) throw new BenchmarkProblem(`${name} is not installed`)
  return folder
}

const readManifest = (folder: string): Manifest =>
  JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as Manifest

export const installedVersion = (installation: InstallationName, name: string): string =>
  readManifest(join(installationFolder(installation), "node_modules", name)).version

const digest = (parts: Iterable<string | Buffer>): string => {
  const hash = createHash("sha256")
  for (const part of parts) hash.update(part).update("\0")
  return hash.digest("hex").slice(0, 16)
}

/** Installs unless that was done; what has begun and not ended is begun anew. */
const install = (name: InstallationName, key: string, fill: (folder: string) => Dependencies): void => {
  const folder = join(cache, `${name}-${key}`)
  const stamp = join(folder, ".installed")
  if (!existsSync(stamp)) {
    process.stderr.write(`installing ${name} into ${relative(process.cwd(), folder)}\n`)
    for (const entry of existsSync(cache) ? readdirSync(cache) : []) {
      if (entry.startsWith(`${name}-`)) rmSync(join(cache, entry), { recursive: true, force: true })
    }
    mkdirSync(folder, { recursive: true })
    installInto(folder, fill(folder))
    writeFileSync(stamp, "")
  }
  folders.set(name, folder)
}

const ownPackages = /^@pagi\//

const installPeers = (): void => {
  const bench = join(root, "bench")
  const { dependencies = {}, runtimes = {} } = readManifest(bench)
  const names = Object.keys(dependencies).filter((name) => !ownPackages.test(name) && name !== "rolldown")
  const versions = names.map((name) => [name, readManifest(join(bench, "node_modules", name)).version])
  const all: Dependencies = { ...Object.fromEntries(versions), ...runtimes }
  install("peers", digest([JSON.stringify(all)]), () => all)
}

/** What servers of the current version import besides it. */
const beside: ReadonlyArray<string> = ["effect", "@effect/platform-node", "hono"]

const benchVersion = (name: string): string => readManifest(join(root, "bench/node_modules", name)).version

const effectVersion = (checkout: string): string => readManifest(join(checkout, "node_modules/effect")).version

/** Of everything that the packed packages are made from. */
const digestOfSources = (): string => {
  const below = (folder: string): ReadonlyArray<string> =>
    readdirSync(join(root, folder), { recursive: true, encoding: "utf8" }).map((name) => join(folder, name))
  const sources = ["packages", "scripts"]
    .flatMap(below)
    .filter((path) => !/(?:^|\/)(?:node_modules|dist|test)(?:\/|$)/.test(path))
  const files = [...sources.toSorted(), "pnpm-lock.yaml"].filter((path) => statSync(join(root, path)).isFile())
  return digest(files.flatMap((path) => [path, readFileSync(join(root, path))]))
}

const installCurrent = (): void =>
  install("current", digestOfSources(), (folder) => {
    run("npm", ["run", "--silent", "build"], { cwd: root })
    return { ...packInto(folder), ...Object.fromEntries(beside.map((name) => [name, benchVersion(name)])) }
  })

/** Builds and packs what a commit holds, in a checkout of its own with the dependencies of its lock file. */
const installCommit = (commit: string): void =>
  install("before", commit, (folder) => {
    const checkout = join(cache, "checkout")
    rmSync(checkout, { recursive: true, force: true })
    mkdirSync(checkout, { recursive: true })
    const archive = join(checkout, "sources.tar")
    run("git", ["archive", "--output", archive, commit], { cwd: root })
    run("tar", ["-xf", archive], { cwd: checkout })
    run(process.execPath, ["scripts/setup.mjs"], { cwd: checkout })
    run("npm", ["run", "--silent", "build"], { cwd: checkout })
    const dependencies = { ...packInto(folder, checkout), effect: effectVersion(checkout) }
    rmSync(checkout, { recursive: true, force: true })
    return dependencies
  })

const installArchives = (source: string): void => {
  const archives = readdirSync(source).filter((file) => file.endsWith(".tgz"))
  if (archives.length === 0)
    throw new BenchmarkProblem(`--against: there are no packed packages in ${source}`, usageExitCode)
  const paths = archives.map((file) => join(source, file))
  install("before", digest(paths.map((path) => readFileSync(path))), (folder) => {
    const packed = paths.map((path) => {
      cpSync(path, join(folder, basename(path)))
      const { name } = JSON.parse(capture("tar", ["-xOf", path, "package/package.json"])) as Manifest
      return [name, `file:${basename(path)}`]
    })
    return { ...Object.fromEntries(packed), effect: effectVersion(root) }
  })
}

const installBefore = (against: string): void => {
  const folder = resolve(against)
  if (existsSync(folder)) return installArchives(folder)
  const found = spawnSync("git", ["rev-parse", "--verify", "--quiet", `${against}^{commit}`], {
    cwd: root,
    encoding: "utf8"
  })
  if (found.status !== 0) {
    throw new BenchmarkProblem(
      `--against: ${against} is neither a commit nor a folder with packed packages`,
      usageExitCode
    )
  }
  installCommit(found.stdout.trim())
}

export const prepareInstallations = (names: ReadonlySet<InstallationName>, against: string | undefined): void => {
  if (names.has("peers")) installPeers()
  if (names.has("current")) installCurrent()
  if (names.has("before") && against !== undefined) installBefore(against)
}
