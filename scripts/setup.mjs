/**
 * Installs the workspace when it is not installed yet or the lock file has changed. `npm start` and `npm test` run this
 * first, so it is plain JavaScript for Node 20 with nothing but npm beside it, and silent when there is nothing to do.
 */
import { spawnSync } from "node:child_process"
import { createHash } from "node:crypto"
import { existsSync, readFileSync, readdirSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const stamp = join(root, "node_modules/.setup-stamp")

const manifests = () => [
  "package.json",
  ...readdirSync(join(root, "packages"))
    .map((name) => `packages/${name}/package.json`)
    .toSorted(),
  "bench/package.json"
]

/** Changes whenever an install could have something to do. */
const fingerprint = () => {
  const hash = createHash("sha256")
  for (const file of ["pnpm-lock.yaml", "pnpm-workspace.yaml", ...manifests()]) {
    const path = join(root, file)
    if (existsSync(path)) hash.update(file).update("\0").update(readFileSync(path)).update("\0")
  }
  return hash.digest("hex")
}

const isInstalled = () => existsSync(stamp) && readFileSync(stamp, "utf8") === fingerprint()

const install = () => {
  const { packageManager } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"))
  const result = spawnSync("npx", ["--yes", packageManager, "install", "--frozen-lockfile", "--reporter=append-only"], {
    cwd: root,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
    shell: process.platform === "win32",
    // `CI` keeps pnpm from asking; npm's own remarks about the user's configuration are not about this install.
    env: { ...process.env, CI: "true", npm_config_loglevel: "error", npm_config_update_notifier: "false" }
  })
  if (result.error !== undefined) return result.error.message
  if (result.status === 0) return undefined
  return `${result.stdout}${result.stderr}`.trim() || `the installer ended with ${result.signal ?? result.status}`
}

if (!isInstalled()) {
  process.stderr.write("installing the packages of the workspace; later starts skip this\n")
  const problem = install()
  if (problem === undefined) writeFileSync(stamp, fingerprint())
  else {
    process.stderr.write(`${problem}\n\nset-up failed: the packages could not be installed (the reason is above)\n`)
    process.exitCode = 1
  }
}
