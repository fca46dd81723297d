import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { mkdirSync, statSync, symlinkSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { type HeldFile, holds } from "../../src/service/FileHolder.ts"
import * as Site from "../support/Site.ts"

const boot = 1_700_000_000

/** What `/proc` tells of process 7, which was started 1000 s after the system, and whose name is a nuisance. */
const processStat = `7 (a) b (c) S 1 ${"0 ".repeat(17)}100000 0 0\n`

/** A folder like `/proc`, and a file that process 7 may have written. */
const world = Effect.gen(function* () {
  const proc = yield* Site.make({ "7/status": "Name:\tnode\nUid:\t1\t1000\t1\t1\n", "7/stat": processStat })
  writeFileSync(join(proc, "stat"), `cpu 1 2 3\nbtime ${boot}\n`)
  const path = join(proc, "server.pid")
  writeFileSync(path, "7\n")
  const own = statSync(path, { bigint: true })
  /** As it was written so many seconds after the process was started. */
  const file = (seconds: number, uid = 1000n): HeldFile => ({
    dev: own.dev,
    ino: own.ino,
    uid,
    mtimeMs: BigInt(Math.round((boot + 1000 + seconds) * 1000))
  })
  return { proc, path, file, held: (status: HeldFile) => holds(7, path, status, proc) }
})

describe("who holds a file", () => {
  it.effect("is found out by what is open, whatever else speaks for or against it", () =>
    Effect.gen(function* () {
      const { file, held, path, proc } = yield* world
      mkdirSync(join(proc, "7/fd"))
      symlinkSync(join(proc, "stat"), join(proc, "7/fd/0"))
      symlinkSync("socket:[12]", join(proc, "7/fd/1"))
      assert.isFalse(held(file(1)))
      symlinkSync(path, join(proc, "7/fd/2"))
      assert.isTrue(held(file(-100, 0n)))
      assert.isFalse(held({ ...file(1), ino: file(1).ino + 1n }))
      assert.isFalse(held({ ...file(1), dev: file(1).dev + 1n }))
    })
  )

  it.effect("cannot be another user's process, nor one that was started later, where one may not look", () =>
    Effect.gen(function* () {
      const { file, held } = yield* world
      assert.strictEqual(held(file(1)), "perhaps")
      assert.strictEqual(held(file(-0.5)), "perhaps")
      assert.isFalse(held(file(-2)))
      assert.isFalse(held(file(1, 1n)))
    })
  )

  it.effect("may be any process where nothing is told", () =>
    Effect.gen(function* () {
      const { file, path, proc } = yield* world
      assert.strictEqual(holds(8, path, file(-2), proc), "perhaps")
      assert.strictEqual(holds(7, path, file(-2), join(proc, "missing")), "perhaps")
    })
  )
})
