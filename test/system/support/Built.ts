/** What is packed of the packages: `npm run build` makes it, here if nobody has since the last change. */
import * as Effect from "effect/Effect"
import { existsSync, readdirSync, statSync } from "node:fs"
import { join } from "node:path"
import { run } from "./Programs.ts"

const root = join(import.meta.dirname, "../../..")
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

/** Has it made. */
export const built: Effect.Effect<void> = Effect.gen(function* () {
  if (isUpToDate()) return
  const { code, output } = yield* run(process.execPath, [join(root, "scripts/build.ts")])
  if (code !== 0) yield* Effect.die(new Error(`the build failed:\n${output}`))
})
