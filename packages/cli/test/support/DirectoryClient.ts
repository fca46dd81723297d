import * as TestClient from "@pagi/core/testing/TestClient"
import * as FileBody from "@pagi/node/files/FileBody"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import { join } from "node:path"
import { mkdirSync, statSync } from "node:fs"
import * as Directory from "../../src/directory/Directory.ts"
import * as Site from "./Site.ts"

/**
 * A client of the directory application for a site with these files, in a folder of its own so that there is also an
 * outside. By the test's clock, the files were last changed a minute ago.
 */
export const make = Effect.fnUntraced(function* (files: Readonly<Record<string, string | Uint8Array>>) {
  const base = yield* Site.make(
    Object.fromEntries(Object.entries(files).map(([name, content]) => [`root/${name}`, content]))
  )
  const root = join(base, "root")
  mkdirSync(root, { recursive: true })
  yield* TestClock.setTime(statSync(root).ctimeMs + 60_000)
  const client = yield* TestClient.make(yield* Directory.make(root), { files: FileBody.make(65_536) })
  return { base, root, client }
})
