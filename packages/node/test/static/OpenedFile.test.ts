import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { realpathSync, renameSync, statSync, symlinkSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { isInside, locateByPath } from "../../src/static/OpenedFile.ts"
import { temporaryFolder } from "../../../../test/support/TemporaryFolder.ts"

describe("OpenedFile", () => {
  it("isInside wants every step below the root to be visible", () => {
    assert.isTrue(isInside("/srv/.site", "/srv/.site"))
    assert.isTrue(isInside("/srv/.site", "/srv/.site/a/b"))
    assert.isTrue(isInside("/", "/etc/passwd"))
    for (const path of ["/srv", "/srv/.site-2/a", "/srv/.site/.a", "/srv/.site/a/.b/c", "/etc/passwd", "/"]) {
      assert.isFalse(isInside("/srv/.site", path), path)
    }
  })

  it.effect("without /proc, the real path must lead to what was opened", () =>
    Effect.gen(function* () {
      const root = realpathSync(yield* temporaryFolder)
      for (const name of ["a", "b"]) writeFileSync(join(root, name), name)
      symlinkSync("a", join(root, "link"))
      const status = statSync(join(root, "a"), { bigint: true })
      const place = yield* locateByPath(join(root, "link"), status)
      assert.deepStrictEqual(place, { realPath: join(root, "a"), directPath: join(root, "a") })
      renameSync(join(root, "b"), join(root, "a"))
      const error = yield* Effect.flip(locateByPath(join(root, "link"), status))
      assert.match(error.message, /it was replaced while it was being opened$/)
    })
  )
})
