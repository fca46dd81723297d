import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { existsSync, mkdirSync, renameSync, statSync, utimesSync } from "node:fs"
import { createServer } from "node:net"
import { basename, join } from "node:path"
import { temporaryFolder } from "../../../../test/support/TemporaryFolder.ts"
import { beside } from "../../src/mesh/Sweep.ts"
import * as PoolFolder from "../../src/process/PoolFolder.ts"

/** A folder of a pool with a socket on which somebody listens, or has listened. */
const makeFolder = (base: string, isAlive: boolean) =>
  Effect.gen(function* () {
    const folder = PoolFolder.makeName({ XDG_RUNTIME_DIR: base })
    mkdirSync(folder, { mode: 0o700 })
    const server = createServer()
    const bound = join(folder, "a.sock")
    yield* Effect.callback<void>((resume) => {
      server.listen(bound, () => resume(Effect.void))
    })
    if (isAlive) yield* Effect.addFinalizer(() => Effect.sync(() => server.close()))
    else {
      // What closes a socket removes its file.
      renameSync(bound, join(folder, "b.sock"))
      yield* Effect.callback<void>((resume) => {
        server.close(() => resume(Effect.void))
      })
    }
    utimesSync(folder, 1, 1)
    return folder
  })

describe("folders of pools that were killed", () => {
  it.live("are removed when nobody listens in them, and they are not new", () =>
    Effect.gen(function* () {
      const base = yield* temporaryFolder
      const alive = yield* makeFolder(base, true)
      const dead = yield* makeFolder(base, false)
      const young = yield* makeFolder(base, false)
      const other = join(base, "pagi-pool-other")
      mkdirSync(other, { mode: 0o700 })
      utimesSync(other, 1, 1)
      const now = statSync(base).mtimeMs + 1000
      utimesSync(young, now / 1000, now / 1000)
      yield* beside(PoolFolder.makeName({ XDG_RUNTIME_DIR: base }), now)
      const left = [alive, dead, young, other].filter((path) => existsSync(path)).map((path) => basename(path))
      assert.deepStrictEqual(
        left,
        [alive, young, other].map((path) => basename(path))
      )
    }).pipe(Effect.scoped)
  )
})
