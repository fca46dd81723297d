import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import { MinimumLogLevel } from "effect/References"
import { symlinkSync } from "node:fs"
import { join } from "node:path"
import * as EffectVersion from "../../src/application/EffectVersion.ts"
import * as Site from "../support/Site.ts"

/** A folder with a module, and this version of Effect. */
const folderWith = (version: string) =>
  Site.make({
    "src/app.mjs": "",
    "node_modules/effect/package.json": JSON.stringify({ name: "effect", version })
  })

const withDebug = (check: Effect.Effect<void, unknown>) => {
  const lines: Array<string> = []
  const logger = Logger.make(({ logLevel, message }) => void lines.push(`${logLevel} ${String(message)}`))
  return check.pipe(
    Effect.provide(Logger.layer([logger])),
    Effect.provideService(MinimumLogLevel, "Debug"),
    Effect.as(lines)
  )
}

describe("EffectVersion", () => {
  it.effect.each(["3.19.4", "5.0.0", "40.1.0"])("refuses %s where the server has 4.1.0", (version) =>
    Effect.gen(function* () {
      const path = join(yield* folderWith(version), "src/app.mjs")
      const { message, reason } = yield* Effect.flip(EffectVersion.check(path, "4.1.0"))
      assert.strictEqual(reason._tag, "EffectMismatch")
      const advice = `with which this server (effect 4.1.0) cannot work; npm install effect@^4.1.0`
      assert.include(message, `its folder has effect ${version}, ${advice}`)
    })
  )

  it.effect("notes another minor version for debugging, and nothing of the same one or of none", () =>
    Effect.gen(function* () {
      const path = join(yield* folderWith("4.2.1"), "src/app.mjs")
      assert.deepStrictEqual(yield* withDebug(EffectVersion.check(path, "4.2.1")), [])
      assert.deepStrictEqual(yield* withDebug(EffectVersion.check(path, "4.1.0")), [
        `Debug ${path} has Effect 4.2.1, and the server 4.1.0`
      ])
      const alone = join(yield* Site.make({ "app.mjs": "" }), "app.mjs")
      assert.deepStrictEqual(yield* withDebug(EffectVersion.check(alone, "4.1.0")), [])
    })
  )

  it.effect("looks from where a link leads to", () =>
    Effect.gen(function* () {
      const folder = yield* folderWith("3.0.0")
      const link = join(yield* Site.make({}), "link.mjs")
      symlinkSync(join(folder, "src/app.mjs"), link)
      const { reason } = yield* Effect.flip(EffectVersion.check(link, "4.1.0"))
      assert.strictEqual(reason._tag, "EffectMismatch")
    })
  )

  it.effect("has the server's own version", () => EffectVersion.check(import.meta.filename))
})
