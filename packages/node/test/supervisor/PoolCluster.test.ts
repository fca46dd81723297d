import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { existsSync } from "node:fs"
import { temporaryFolder } from "../../../../test/support/TemporaryFolder.ts"
import * as PoolFolder from "../../src/process/PoolFolder.ts"
import * as PoolCluster from "../../src/supervisor/PoolCluster.ts"

const make = Effect.gen(function* () {
  const folder = PoolFolder.makeName({ XDG_RUNTIME_DIR: yield* temporaryFolder })
  const cluster = yield* PoolCluster.make({ folder, predecessor: undefined, pid: 1 })
  const ask = (worker: number, request: object, hasSuccessor = false) =>
    Effect.callback<object>((resume) => {
      cluster.ask(worker, request, hasSuccessor, (answer) => resume(Effect.succeed(answer)))
    })
  return { folder, cluster, ask }
})

const acquire = { type: "acquire", address: "a:1", shards: ["s:1"] }

describe("the cluster of a pool", () => {
  it.live("is there when the first worker asks, and not before", () =>
    Effect.gen(function* () {
      const { ask, cluster, folder } = yield* make
      cluster.gone(1)
      assert.deepStrictEqual([existsSync(folder), cluster.isKept()], [false, false])
      const asking = yield* Effect.forkChild(ask(2, acquire), { startImmediately: true })
      // While it is loaded, too.
      assert.isTrue(cluster.isKept())
      assert.deepStrictEqual(yield* Fiber.join(asking), { type: "shards", shards: ["s:1"] })
      assert.deepStrictEqual([existsSync(folder), cluster.isKept()], [true, true])
    }).pipe(Effect.scoped)
  )

  it.live("does in order what comes while it is loaded", () =>
    Effect.gen(function* () {
      const { ask, cluster } = yield* make
      const answers = yield* Effect.all(
        [
          ask(1, acquire),
          Effect.sync(() => cluster.gone(1)),
          ask(2, { ...acquire, address: "a:2" }),
          ask(3, { ...acquire, address: "a:3" })
        ],
        { concurrency: "unbounded" }
      )
      assert.deepStrictEqual(answers.slice(2), [
        { type: "shards", shards: ["s:1"] },
        { type: "shards", shards: [] }
      ])
    }).pipe(Effect.scoped, Effect.timeout("10 seconds"))
  )

  it.live("is not begun beside the one of a successor", () =>
    Effect.gen(function* () {
      const { ask, folder } = yield* make
      assert.deepStrictEqual(yield* ask(1, acquire, true), {
        type: "refused",
        reason: "the supervisor keeps no cluster at the moment"
      })
      assert.isFalse(existsSync(folder))
      // That one has failed.
      assert.deepStrictEqual(yield* ask(1, acquire), { type: "shards", shards: ["s:1"] })
      assert.deepStrictEqual(yield* ask(1, acquire, true), { type: "shards", shards: ["s:1"] })
    }).pipe(Effect.scoped)
  )
})
