/** Global setup: bundles `pagi-server` for the tests that start it. */
import { chmodSync, copyFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { bundleCommand } from "../../../../scripts/support/bundle.ts"
import { setup } from "../../../../test/support/Bundled.ts"

declare module "vitest" {
  interface ProvidedContext {
    /** The path of `pagi-server` as it is published, for tests that this module has set up. */
    bundledCommand?: string
  }
}

/** Runs the bundle in this version of Node, and keeps the compiled code beside it. */
const script = (folder: string): string => `#!/bin/sh
NODE_COMPILE_CACHE="\${NODE_COMPILE_CACHE-${folder}/compiled}"
export NODE_COMPILE_CACHE
exec "${process.execPath}" "${folder}/dist/bin.js" "$@"
`

export default setup(async (folder, project) => {
  const command = join(folder, "pagi-server")
  // Where the version stands.
  copyFileSync(join(import.meta.dirname, "../../package.json"), join(folder, "package.json"))
  writeFileSync(command, script(folder), { mode: 0o755 })
  // Other users run it as well, those that a server is told to become.
  chmodSync(folder, 0o755)
  await bundleCommand(join(folder, "dist"))
  project.provide("bundledCommand", command)
})
