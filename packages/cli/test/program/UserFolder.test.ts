import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { chmodSync, chownSync, mkdirSync, statSync, symlinkSync } from "node:fs"
import { dirname, join } from "node:path"
import * as UserFolder from "../../src/program/UserFolder.ts"
import * as Site from "../support/Site.ts"

const uid = process.getuid?.() ?? 0

describe("UserFolder", () => {
  it.effect("is made for its user alone, and used again", () =>
    Effect.gen(function* () {
      const parent = yield* Site.make({})
      const path = join(parent, `pagi-${uid}`)
      assert.strictEqual(UserFolder.own(parent), path)
      assert.strictEqual(statSync(path).mode & 0o777, 0o700)
      assert.strictEqual(UserFolder.own(parent), path)
    })
  )

  it.effect("is not used when others can write in it, or have made it", () =>
    Effect.gen(function* () {
      const withFolder = (make: (path: string) => void) =>
        Effect.map(Site.make({}), (parent) => {
          make(join(parent, `pagi-${uid}`))
          return UserFolder.own(parent)
        })
      assert.isUndefined(
        yield* withFolder((path) => {
          mkdirSync(path)
          chmodSync(path, 0o777)
        })
      )
      assert.isUndefined(yield* withFolder((path) => symlinkSync("/", path)))
      // Where they could put another in its place.
      assert.isUndefined(yield* withFolder((path) => chmodSync(dirname(path), 0o777)))
      assert.isString(yield* withFolder((path) => chmodSync(dirname(path), 0o1777)))
      if (uid !== 0) return
      assert.isUndefined(
        yield* withFolder((path) => {
          mkdirSync(path, { mode: 0o700 })
          chownSync(path, 12_345, 0)
        })
      )
    })
  )
})
