import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { chmodSync, existsSync, mkdirSync, statSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { temporaryFolder } from "../../../../test/support/TemporaryFolder.ts"
import { claim, PoolFolderError } from "../../src/process/ClaimedFolder.ts"
import * as PoolFolder from "../../src/process/PoolFolder.ts"

describe("the name of a pool's folder", () => {
  it.effect("is in the runtime directory of the user, where that is one", () =>
    Effect.gen(function* () {
      const base = yield* temporaryFolder
      assert.strictEqual(dirname(PoolFolder.makeName({ XDG_RUNTIME_DIR: base })), base)
      chmodSync(base, 0o777)
      for (const unusable of [base, join(base, "missing"), "relative", "", `/tmp/${"x".repeat(60)}`])
        assert.strictEqual(dirname(PoolFolder.makeName({ XDG_RUNTIME_DIR: unusable })), tmpdir(), unusable)
    })
  )

  it("is not in that of a session, which ends when its user logs out, if there is another place", () => {
    for (const session of ["/run/user/1000", "/run/user/0/"])
      assert.deepStrictEqual(PoolFolder.basesOf(session, "/tmp"), ["/tmp", "/dev/shm", session])
    for (const other of ["/run/app", "/run/user/1000/app", undefined])
      assert.deepStrictEqual(PoolFolder.basesOf(other, "/tmp"), [other, "/tmp", "/dev/shm"])
  })

  it.effect("leaves room for the names of sockets, wherever folders for temporary files are", () =>
    Effect.gen(function* () {
      const long = join(yield* temporaryFolder, "x".repeat(60))
      mkdirSync(long)
      if (process.platform === "linux") assert.strictEqual(dirname(PoolFolder.makeName({}, long)), "/dev/shm")
      const folder = PoolFolder.makeName({}, long)
      assert.isTrue(PoolFolder.isName(folder))
      assert.isAtMost(Buffer.byteLength(`${folder}/0123456789abcdef.sock`), PoolFolder.maxPathLength)
    })
  )

  it("is another one each time, and nothing is made", () => {
    const folder = PoolFolder.makeName()
    assert.notStrictEqual(folder, PoolFolder.makeName())
    assert.isFalse(existsSync(folder))
  })
})

describe("a pool's folder", () => {
  const named = Effect.map(temporaryFolder, (base) => PoolFolder.makeName({ XDG_RUNTIME_DIR: base }))

  it.effect("is made by the first who claims it, and removed with the sockets in it", () =>
    Effect.gen(function* () {
      const folder = yield* named
      yield* claim(folder)
      yield* claim(folder)
      assert.strictEqual(statSync(folder).mode & 0o777, 0o700)
      writeFileSync(join(folder, "a.sock"), "")
      PoolFolder.remove(folder)
      assert.isFalse(existsSync(folder))
      PoolFolder.remove(folder)
    })
  )

  it.effect("is refused where others could enter it, or it is a link or a file", () =>
    Effect.gen(function* () {
      const folder = yield* named
      const refused = Effect.map(Effect.flip(claim(folder)), (error) => {
        assert.instanceOf(error, PoolFolderError)
        assert.include(error.message, "is not a folder of this user alone; let XDG_RUNTIME_DIR or TMPDIR name")
      })
      mkdirSync(folder)
      chmodSync(folder, 0o750)
      yield* refused
      PoolFolder.remove(folder)
      assert.isTrue(existsSync(folder))
      const other = yield* named
      symlinkSync(folder, other)
      assert.isTrue(Effect.runSync(Effect.isFailure(claim(other))))
    })
  )

  it.effect("says what to do where none can be made", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(claim(join(yield* temporaryFolder, "missing", "pagi-pool-0123456789abcdef")))
      assert.match(error.message, /cannot be made \(ENOENT\); let XDG_RUNTIME_DIR or TMPDIR name a folder/)
    })
  )

  it.effect("is not removed with anything else in it, or under another name", () =>
    Effect.gen(function* () {
      const folder = yield* named
      yield* claim(folder)
      writeFileSync(join(folder, "letter"), "")
      PoolFolder.remove(folder)
      assert.isTrue(existsSync(folder))
      const other = yield* temporaryFolder
      PoolFolder.remove(other)
      assert.isTrue(existsSync(other))
    })
  )
})
