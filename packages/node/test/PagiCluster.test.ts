import { assert, describe, it } from "@effect/vitest"
import * as Entity from "effect/cluster/Entity"
import type { Sharding } from "effect/cluster/Sharding"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Rpc from "effect/rpc/Rpc"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import { readdirSync } from "node:fs"
import { join } from "node:path"
import { temporaryFolder } from "../../../test/support/TemporaryFolder.ts"
import * as ClusterKeeper from "../src/cluster/ClusterKeeper.ts"
import * as PagiCluster from "../src/PagiCluster.ts"
import { PoolFolderError } from "../src/process/ClaimedFolder.ts"
import { Pool, type PoolPlace } from "../src/process/Pool.ts"
import * as PoolFolder from "../src/process/PoolFolder.ts"

const Counter = Entity.make("Counter", [
  Rpc.make("Add", { payload: { by: Schema.Int }, success: Schema.Struct({ count: Schema.Int, worker: Schema.Int }) })
])

/** Counters, and how many live: per name no more than one. */
class Counters {
  readonly living = new Map<string, number>()

  layer(worker: number) {
    const { living } = this
    return Counter.toLayer(
      Effect.gen(function* () {
        const { entityId } = yield* Entity.CurrentAddress
        yield* Effect.acquireRelease(
          Effect.sync(() => {
            assert.isFalse(living.has(entityId), `${entityId} lives in ${living.get(entityId)}, and in ${worker}`)
            living.set(entityId, worker)
          }),
          () => Effect.sync(() => living.delete(entityId))
        )
        let count = 0
        return { Add: ({ payload }) => Effect.sync(() => ({ count: (count += payload.by), worker })) }
      })
    )
  }
}

const names = Array.from({ length: 20 }, (_, index) => `counter ${index}`)

/** Builds a cluster with the counters, and yields how all of them are added to, and how it ends. */
const build = <E>(counters: Counters, worker: number, cluster: Layer.Layer<Sharding, E>, pool?: PoolPlace) =>
  Effect.gen(function* () {
    const scope = yield* Effect.acquireRelease(Scope.make(), Scope.close)
    const context = yield* Layer.buildWithScope(Layer.provideMerge(counters.layer(worker), cluster), scope).pipe(
      Effect.provideService(Pool, pool)
    )
    const counter = yield* Effect.provideContext(Counter.client, context)
    const addAll = Effect.forEach(names, (name) => counter(name).Add({ by: 1 }), { concurrency: "unbounded" })
    return { addAll, close: Scope.close(scope, Exit.void) }
  })

/** A pool whose workers are all in this process. */
const makePool = Effect.gen(function* () {
  const folder = PoolFolder.makeName({ XDG_RUNTIME_DIR: yield* temporaryFolder })
  const keeper = yield* ClusterKeeper.make({ folder, predecessor: undefined, pid: process.pid })
  const lost = new Set<() => void>()
  let isLost = false
  const place = (worker: number): PoolPlace => ({
    folder,
    worker,
    cluster: {
      ask: (request, answer) => (isLost ? answer(undefined) : keeper.ask(worker, request, answer)),
      onLost: (listener) => {
        lost.add(listener)
        return () => void lost.delete(listener)
      }
    }
  })
  const lose = () => {
    isLost = true
    for (const listener of lost) listener()
  }
  return { folder, place, lose }
})

/** Until all workers have some of the counters. */
const spread = (counters: Counters, addAll: Effect.Effect<unknown, unknown>, workers: number) =>
  Effect.gen(function* () {
    // Not all the time: workers take over from each other when they look, a few times a second.
    while (new Set(counters.living.values()).size < workers) yield* Effect.andThen(addAll, Effect.sleep("50 millis"))
  })

describe("a cluster of workers", () => {
  it.live("has each entity in one of them, whoever asks, and in another one when that leaves", () =>
    Effect.gen(function* () {
      const { folder, place } = yield* makePool
      const counters = new Counters()
      const one = yield* build(counters, 1, PagiCluster.layer(), place(1))
      const two = yield* build(counters, 2, PagiCluster.layer(), place(2))
      yield* spread(counters, two.addAll, 2)
      const before = yield* one.addAll
      const after = yield* two.addAll
      for (const [index, { count, worker }] of after.entries()) {
        assert.deepStrictEqual(before[index], { count: count - 1, worker })
      }
      assert.strictEqual(readdirSync(folder).filter((name) => name.startsWith("r-")).length, 2)
      yield* two.close
      assert.isFalse([...counters.living.values()].includes(2))
      for (const { worker } of yield* one.addAll) assert.strictEqual(worker, 1)
      assert.strictEqual(readdirSync(folder).filter((name) => name.startsWith("r-")).length, 1)
    }).pipe(Effect.scoped)
  )

  it.live("loses no message that is under way while a worker joins and leaves", () =>
    Effect.gen(function* () {
      const { place } = yield* makePool
      const counters = new Counters()
      const one = yield* build(counters, 1, PagiCluster.layer(), place(1))
      yield* one.addAll
      for (let round = 0; round < 2; round++) {
        const two = yield* build(counters, 2, PagiCluster.layer(), place(2))
        yield* spread(counters, one.addAll, 2)
        yield* Effect.all([two.close, ...Array.from({ length: 20 }, () => one.addAll)], { concurrency: "unbounded" })
      }
    }).pipe(Effect.scoped)
  )

  it.live("has no entities any more when the supervisor has ended", () =>
    Effect.gen(function* () {
      const { lose, place } = yield* makePool
      const counters = new Counters()
      const one = yield* build(counters, 1, PagiCluster.layer(), place(1))
      yield* one.addAll
      const begun = performance.now()
      lose()
      while (counters.living.size > 0) yield* Effect.sleep("5 millis")
      yield* one.close
      // Not the ten seconds after which Effect gives up to hand over.
      assert.isBelow(performance.now() - begun, 5000)
    }).pipe(Effect.scoped)
  )

  it.live("is one of a single runner without workers", () =>
    Effect.gen(function* () {
      const counters = new Counters()
      const { addAll, close } = yield* build(counters, 1, PagiCluster.layer())
      yield* addAll
      for (const answer of yield* addAll) assert.deepStrictEqual(answer, { count: 2, worker: 1 })
      yield* close
      assert.strictEqual(counters.living.size, 0)
    }).pipe(Effect.scoped)
  )

  it.live("has nothing to complain about while the entities of the last runner end", () =>
    Effect.gen(function* () {
      const lines: Array<string> = []
      const logger = Logger.make(({ logLevel, message }) => void lines.push(`${logLevel} ${String(message)}`))
      const { place } = yield* makePool
      const layer = Layer.provideMerge(
        Counter.toLayer(
          Effect.as(
            Effect.addFinalizer(() => Effect.sleep("1 second")),
            { Add: () => Effect.succeed({ count: 1, worker: 1 }) }
          )
        ),
        PagiCluster.layer()
      )
      for (const pool of [undefined, place(1)]) {
        yield* Effect.gen(function* () {
          const counter = yield* Counter.client
          yield* counter("slow").Add({ by: 1 })
        }).pipe(Effect.provide(layer), Effect.provideService(Pool, pool), Effect.provide(Logger.layer([logger])))
      }
      assert.deepStrictEqual(
        lines.filter((line) => /^(?:Warn|Error)/.test(line)),
        []
      )
    }).pipe(Effect.scoped)
  )

  it.live("says what to do where workers have no place to reach each other", () =>
    Effect.gen(function* () {
      const { place } = yield* makePool
      const pool = { ...place(1), folder: join(yield* temporaryFolder, "missing", "pagi-pool-0123456789abcdef") }
      const error = yield* Effect.flip(build(new Counters(), 1, PagiCluster.layer(), pool))
      assert.instanceOf(error, PoolFolderError)
    }).pipe(Effect.scoped)
  )
})
