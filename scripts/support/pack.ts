/** What would be published, as archives, and installed from them. */
import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { capture, run } from "./run.ts"
import { packageManager, publishedPackagesOf, root } from "./workspace.ts"

const environment = { ...process.env, npm_config_loglevel: "error" }

const archiveIn = (folder: string, name: string): string => {
  const prefix = `${name.replace("@", "").replace("/", "-")}-`
  return readdirSync(folder).find((file) => file.startsWith(prefix) && file.endsWith(".tgz")) ?? name
}

/** Packs what is built in a checkout into a folder; returns what a manifest there depends on to have it. */
export const packInto = (folder: string, checkout: string = root): Readonly<Record<string, string>> => {
  mkdirSync(folder, { recursive: true })
  const packages = publishedPackagesOf(checkout)
  for (const { folder: source, name } of packages) {
    if (!existsSync(join(source, "dist/index.js"))) {
      console.error(`${name} is not built; run: npm run build`)
      process.exit(1)
    }
    capture("npx", ["--yes", packageManager, "pack", "--pack-destination", folder], { cwd: source, env: environment })
  }
  return Object.fromEntries(packages.map(({ name }) => [name, `file:${archiveIn(folder, name)}`]))
}

/** A project of its own with these dependencies, which npm installs as it does for a user. */
export const installInto = (folder: string, dependencies: Readonly<Record<string, string>>): void => {
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, "package.json"), JSON.stringify({ private: true, type: "module", dependencies }))
  run("npm", ["install", "--silent", "--no-audit", "--no-fund"], { cwd: folder, env: environment })
}
