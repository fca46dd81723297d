/** The files of the dashboard, which compilers and bundlers leave where they are. */
import { copyFileSync, cpSync, rmSync } from "node:fs"
import { createRequire } from "node:module"
import { dirname, join } from "node:path"
import { libraryFiles } from "@pagi/node/admin/PageFiles"
import { root } from "./workspace.ts"

const source = join(root, "packages/node/src/admin/page")

/** The folder of the package `uplot`. */
export const libraryFolder = dirname(
  createRequire(join(root, "packages/node/package.json")).resolve("uplot/package.json")
)

/** What browsers get; types, settings and the README are for those who change it. */
const isServed = (path: string): boolean => !/\.(?:d\.ts|json|md)$/.test(path)

/** Copies the page, without the library, which is a dependency of the package. */
export const copyPage = (folder: string): void => {
  rmSync(folder, { recursive: true, force: true })
  cpSync(source, folder, { recursive: true, filter: isServed })
}

/** Copies the page with the library. */
export const copyWholePage = (folder: string): void => {
  copyPage(folder)
  for (const name of libraryFiles) copyFileSync(join(libraryFolder, "dist", name), join(folder, name))
}
