/** What the scripts have to know of the workspace. */
import { readFileSync, readdirSync } from "node:fs"
import { join } from "node:path"

export interface WorkspacePackage {
  readonly name: string
  readonly folder: string
}

interface Manifest {
  readonly name: string
  readonly packageManager?: string
  readonly private?: boolean
  readonly version: string
}

export const root = join(import.meta.dirname, "../..")

const manifestOf = (folder: string): Manifest =>
  JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as Manifest

/** The packages that a checkout publishes, in no particular order. */
export const publishedPackagesOf = (checkout: string): ReadonlyArray<WorkspacePackage> =>
  readdirSync(join(checkout, "packages"))
    .map((name) => join(checkout, "packages", name))
    .filter((folder) => manifestOf(folder).private !== true)
    .map((folder) => ({ name: manifestOf(folder).name, folder }))

export const publishedPackages = publishedPackagesOf(root)

/** `pnpm@` and the version that the repository is pinned to. */
export const packageManager = manifestOf(root).packageManager ?? "pnpm"
