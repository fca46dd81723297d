import { assert, describe, it } from "@effect/vitest"
import { tcp } from "@pagi/core/options/Endpoint"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import * as AppLoader from "../../src/application/AppLoader.ts"
import { AppLoadError, ChangedMeanwhile } from "../../src/application/AppLoadError.ts"
import * as Description from "../../src/plan/Description.ts"
import * as BrokenVersion from "../../src/reload/BrokenVersion.ts"
import * as Site from "../support/Site.ts"

const broken = (name: string, source: string) =>
  Effect.gen(function* () {
    const folder = yield* Site.make({ "part.mjs": `import "./${name}"\nexport default 1\n` })
    writeFileSync(join(folder, name), source)
    const app = AppLoader.layer(join(folder, "part.mjs"), tcp("127.0.0.1", 8080))
    const exit = yield* Effect.exit(Effect.scoped(Layer.build(app)))
    if (Exit.isSuccess(exit)) return assert.fail("it was loaded")
    const problem = BrokenVersion.problemOf(exit.cause) ?? assert.fail("there is no problem")
    return { ...problem, file: join(folder, name) }
  })

describe("BrokenVersion", () => {
  it.live("shows the place of what was thrown, and the lines around", () =>
    Effect.gen(function* () {
      const before = Array.from({ length: 9 }, (_, index) => `// ${index + 1}`)
      const after = Array.from({ length: 9 }, (_, index) => `// ${index + 11}`)
      const source = [...before, 'throw new TypeError("no")', ...after].join("\n")
      const { file, message, place, stack } = yield* broken("thrown.ts", source)
      assert.match(message, /^cannot load .*: TypeError: no \(.*thrown\.ts:10\)$/)
      assert.match(stack ?? "", /^TypeError: no\n +at /)
      const around = source.split("\n").slice(3, 16)
      assert.deepStrictEqual(place, { file, line: 10, column: 7, around, firstLine: 4 })
    })
  )

  it.effect("finds the place of a syntax error in what Node says of one", () =>
    Effect.sync(() => {
      const ofTypeScript =
        "/app/a.ts:2\nconst fine = 1\nconst a = = 2\n          ^\nfine\n\nSyntaxError: no\n    at x (node:y:1:1)"
      assert.deepStrictEqual(Description.firstPlaceIn(ofTypeScript), { file: "/app/a.ts", line: 2, column: 11 })
      const ofJavaScript = "file:///app/a.mjs:7\nimport { x } from 'y'\n         ^^^\n\nSyntaxError: no"
      assert.deepStrictEqual(Description.firstPlaceIn(ofJavaScript), { file: "/app/a.mjs", line: 7, column: 10 })
      assert.deepStrictEqual(Description.firstPlaceIn("/app/a.ts:2\nno marks"), { file: "/app/a.ts", line: 2 })
      assert.isUndefined(Description.firstPlaceIn("Error: no\n    at x (node:y:1:1)"))
    })
  )

  it.effect("is none for a version that is loaded again at once", () =>
    Effect.sync(() => {
      const reason = new ChangedMeanwhile({ file: "app.ts" })
      assert.isUndefined(BrokenVersion.problemOf(Cause.fail(new AppLoadError({ path: "app.ts", reason }))))
      assert.isUndefined(BrokenVersion.problemOf(Cause.interrupt()))
      assert.deepStrictEqual(BrokenVersion.problemOf(Cause.die("text")), { message: "text" })
    })
  )
})
