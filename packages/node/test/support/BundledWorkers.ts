/** Global setup: bundles the programs of the worker processes that tests start. */
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { bundle } from "../../../../scripts/support/bundle.ts"
import { setup } from "../../../../test/support/Bundled.ts"

/** The programs, by the names that tests have for them. */
const programs = {
  worker: join(import.meta.dirname, "WorkerProgram.ts"),
  supervised: join(import.meta.dirname, "../supervisor/fixtures/worker.ts")
}

declare module "vitest" {
  interface ProvidedContext {
    /** The paths of the bundled programs. */
    bundledWorkers: Readonly<Record<keyof typeof programs, string>>
  }
}

export default setup(async (folder, project) => {
  writeFileSync(join(folder, "package.json"), '{ "type": "module" }')
  await bundle(programs, folder)
  project.provide("bundledWorkers", { worker: join(folder, "worker.js"), supervised: join(folder, "supervised.js") })
})
