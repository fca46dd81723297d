/** The command and the application as they are deployed: bundled, which takes less memory and starts faster than from sources. */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { existsSync, readdirSync, statSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { bundle } from "../../../scripts/support/bundle.ts"
import { temporaryFolder } from "../../support/TemporaryFolder.ts"
import { run } from "./Programs.ts"
import { application } from "./SupervisorPool.ts"

const root = join(import.meta.dirname, "../../..")
const node = join(root, "node_modules/.bin/node")
const packages = join(root, "packages")
const command = join(packages, "cli/dist/bin.js")

const lastChange = (folder: string): number =>
  readdirSync(folder, { recursive: true, encoding: "utf8" })
    .map((name) => statSync(join(folder, name)).mtimeMs)
    .reduce((latest, time) => Math.max(latest, time), 0)

const isUpToDate = (): boolean => {
  if (!existsSync(command)) return false
  const sources = readdirSync(packages).map((name) => lastChange(join(packages, name, "src")))
  return Math.max(...sources) < statSync(command).mtimeMs
}

/** The command that runs the bundle; `npm run build` makes it, here if nobody has since the last change. */
export const bundled: Effect.Effect<readonly [string, string]> = Effect.gen(function* () {
  if (!isUpToDate()) {
    const { code, output } = yield* run(node, [join(root, "scripts/build.ts")])
    if (code !== 0) yield* Effect.die(new Error(`the build failed:\n${output}`))
  }
  return [node, command] as const
})

/** The file of the tests' application with all that it imports. */
export const bundledApplication: Effect.Effect<string, never, Scope.Scope> = Effect.gen(function* () {
  const folder = yield* temporaryFolder
  writeFileSync(join(folder, "package.json"), '{ "type": "module" }')
  yield* Effect.promise(() => bundle({ application }, folder))
  return join(folder, "application.js")
})
