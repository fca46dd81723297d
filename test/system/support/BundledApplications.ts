/** Global setup: bundles the applications in `fixtures`, each with all that it imports, for the tests that serve them. */
import { readdirSync, writeFileSync } from "node:fs"
import { basename, join } from "node:path"
import { bundle } from "../../../scripts/support/bundle.ts"
import { setup } from "../../support/Bundled.ts"

const fixtures = join(import.meta.dirname, "../fixtures")

declare module "vitest" {
  interface ProvidedContext {
    /** The folder with the bundled applications. */
    bundledApplications: string
  }
}

export default setup(async (folder, project) => {
  const files = readdirSync(fixtures).filter((name) => name.endsWith(".ts"))
  writeFileSync(join(folder, "package.json"), '{ "type": "module" }')
  await bundle(Object.fromEntries(files.map((name) => [basename(name, ".ts"), join(fixtures, name)])), folder)
  project.provide("bundledApplications", folder)
})
