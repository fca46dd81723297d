/** An application in a folder of its own, of which one version after the other is put in place. */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { renameSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import { temporaryFolder } from "../../support/TemporaryFolder.ts"
import { application } from "./SupervisorPool.ts"

export interface Versions {
  readonly path: string
  /** Puts a module in place of the last one. */
  readonly put: (code: string) => Effect.Effect<void>
}

const load = `import { make } from ${JSON.stringify(pathToFileURL(application).href)}\n`

/** A version that works. */
export const working = (version: string): string => `${load}export default make("${version}")\n`

/** Versions that do not start, each in its own way; `port` is one that another program has. */
export const broken = (port: number): Readonly<Record<string, string>> => ({
  "that is no program": "export default {{{\n",
  "whose lifespan fails": `${load}export default make("2", "fails")\n`,
  "that wants a port which is taken": `${load}import { createServer } from "node:net"
const server = createServer().listen(${port}, "127.0.0.1")
await new Promise((resolve, reject) => server.once("listening", resolve).once("error", reject))
export default make("2")\n`,
  "that ends before it is ready": `${load}setTimeout(() => process.exit(7), 100)
export default make("2", "hangs")\n`,
  "that never gets ready": "setInterval(() => {}, 1000)\nawait new Promise(() => {})\n"
})

/** A version that says so, and computes for ever, as soon as it is loaded. */
export const blocking = `import { writeSync } from "node:fs"\nwriteSync(1, "blocks\\n")\nfor (;;);\n`

export const versions: Effect.Effect<Versions, never, Scope.Scope> = Effect.map(temporaryFolder, (folder) => {
  const path = join(folder, "app.mts")
  const put = (code: string) =>
    Effect.sync(() => {
      writeFileSync(`${path}.new`, code)
      renameSync(`${path}.new`, path)
    })
  return { path, put }
})
