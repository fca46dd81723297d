import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { mkdirSync, renameSync, rmSync, symlinkSync } from "node:fs"
import { join } from "node:path"
import * as WorkingDirectory from "../../src/program/WorkingDirectory.ts"
import * as Site from "../support/Site.ts"

/** Works in a folder until the scope closes. */
const workIn = (path: string) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const before = process.cwd()
      process.chdir(path)
      return before
    }),
    (before) => Effect.sync(() => process.chdir(before))
  )

describe("WorkingDirectory", () => {
  it.effect("follows a link that leads elsewhere by now, and stays when it leads nowhere", () =>
    Effect.gen(function* () {
      const site = yield* Site.make({})
      const [one, two, link] = [join(site, "one"), join(site, "two"), join(site, "current")]
      for (const folder of [one, two]) mkdirSync(folder)
      symlinkSync(one, link)
      yield* workIn(link)
      const refresh = WorkingDirectory.remember(link)
      symlinkSync(two, `${link}.next`)
      renameSync(`${link}.next`, link)
      assert.strictEqual(process.cwd(), one)
      refresh()
      assert.strictEqual(process.cwd(), two)
      rmSync(link)
      refresh()
      assert.strictEqual(process.cwd(), two)
    })
  )

  it.effect("believes no path that leads to another folder", () =>
    Effect.gen(function* () {
      const site = yield* Site.make({})
      mkdirSync(join(site, "other"))
      yield* workIn(site)
      for (const path of [join(site, "other"), join(site, "missing"), "other", undefined]) {
        WorkingDirectory.remember(path)()
        assert.strictEqual(process.cwd(), site)
      }
    })
  )
})
