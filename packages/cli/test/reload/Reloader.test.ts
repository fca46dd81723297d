import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { renameSync, rmSync, utimesSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import * as FileVersion from "../../src/reload/FileVersion.ts"
import * as Reloader from "../../src/reload/Reloader.ts"
import * as Site from "../support/Site.ts"
import { until } from "../support/Until.ts"

/** A folder with a file that was written long ago, and what changes have been told. */
const watching = (include: (folder: string) => ReadonlyArray<string> = () => []) =>
  Effect.gen(function* () {
    const folder = yield* Site.make({ "app.mjs": "one", "pages/a.html": "a", "node_modules/x/a.html": "x" })
    const app = join(folder, "app.mjs")
    utimesSync(app, 1, 1)
    const told: Array<ReadonlyArray<string>> = []
    const reloader = yield* Reloader.make(include(folder), (changed) => Effect.sync(() => told.push(changed)))
    reloader.loaded({ [app]: FileVersion.of(app) })
    return { folder, app, told, reloader }
  })

describe("Reloader", () => {
  it.live("tells a file that is written, put in its place, and taken away, once each", () =>
    Effect.gen(function* () {
      const { app, told } = yield* watching()
      writeFileSync(app, "")
      writeFileSync(app, "tw")
      writeFileSync(app, "two")
      yield* until(() => told.length > 0)
      assert.deepStrictEqual(told, [[app]])
      writeFileSync(`${app}~`, "three")
      renameSync(`${app}~`, app)
      yield* until(() => told.length > 1)
      rmSync(app)
      yield* until(() => told.length > 2)
      assert.deepStrictEqual(told, [[app], [app], [app]])
    })
  )

  it.live("tells a file of which a worker has loaded another version than there is", () =>
    Effect.gen(function* () {
      const { app, reloader, told } = yield* watching()
      reloader.loaded({ [app]: "another one" })
      yield* until(() => told.length > 0)
      assert.deepStrictEqual(told, [[app]])
    })
  )

  it.live("watches folders and globs that are named, with files that come later, and no packages", () =>
    Effect.gen(function* () {
      const { folder, told } = yield* watching((folder) => [join(folder, "pages"), join(folder, "**/*.html")])
      writeFileSync(join(folder, "node_modules/x/a.html"), "other")
      const added = join(folder, "pages/b.html")
      writeFileSync(added, "b")
      yield* until(() => told.length > 0)
      writeFileSync(join(folder, "pages/a.html"), "other")
      yield* until(() => told.length > 1)
      assert.deepStrictEqual(told, [[added], [join(folder, "pages/a.html")]])
    })
  )
})

describe("FileVersion", () => {
  it.effect("trusts no file that is being written, and any that comes from the future", () =>
    Effect.gen(function* () {
      const folder = yield* Site.make({ a: "a", empty: "" })
      const path = join(folder, "a")
      const soon = Date.now() / 1000 + 3600
      utimesSync(path, soon, soon)
      assert.strictEqual(FileVersion.beforeReading(path), FileVersion.of(path))
      const now = Date.now() / 1000
      utimesSync(path, now, now)
      assert.notStrictEqual(FileVersion.beforeReading(path), FileVersion.of(path))
      assert.strictEqual(FileVersion.of(join(folder, "nothing")), FileVersion.missing)
      assert.strictEqual(FileVersion.of(folder), FileVersion.missing)
      assert.deepStrictEqual([path, join(folder, "empty")].map(FileVersion.isEmpty), [false, true])
    })
  )
})
