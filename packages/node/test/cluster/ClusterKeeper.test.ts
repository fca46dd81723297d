import { assert, describe, it, vi } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs"
import { createServer } from "node:net"
import { join } from "node:path"
import { temporaryFolder } from "../../../../test/support/TemporaryFolder.ts"
import * as ClusterKeeper from "../../src/cluster/ClusterKeeper.ts"
import type { ClusterAnswer, ClusterRequest } from "../../src/cluster/ClusterRequest.ts"
import { PoolFolderError } from "../../src/process/ClaimedFolder.ts"
import * as PoolFolder from "../../src/process/PoolFolder.ts"
import { fakeTimers } from "../support/FakeTimers.ts"
import { turns } from "../support/Until.ts"

const acquire = (address: string, ...shards: Array<string>): ClusterRequest => ({ type: "acquire", address, shards })
const shards = (...given: Array<string>): ClusterAnswer => ({ type: "shards", shards: given })

const folder = Effect.map(temporaryFolder, (base) => PoolFolder.makeName({ XDG_RUNTIME_DIR: base }))

/** A keeper that can be closed, and what it answers. */
const keep = (settings: ClusterKeeper.KeeperSettings) =>
  Effect.gen(function* () {
    const scope = yield* Effect.acquireRelease(Scope.make(), Scope.close)
    const keeper = yield* Scope.provide(ClusterKeeper.make(settings), scope)
    const ask = (worker: number, request: unknown) =>
      Effect.callback<ClusterAnswer>((resume) => {
        keeper.ask(worker, request, (answer) => resume(Effect.succeed(answer)))
      })
    return { ...keeper, ask, close: Scope.close(scope, Exit.void) }
  })

const isSame = (one: ClusterAnswer, other: ClusterAnswer): boolean => JSON.stringify(one) === JSON.stringify(other)

/** Asks again and again until the answer is this one. */
const until = (ask: Effect.Effect<ClusterAnswer>, expected: ClusterAnswer): Effect.Effect<void> =>
  Effect.gen(function* () {
    while (!isSame(yield* ask, expected)) yield* turns(1)
  })

/** The time that is left to orphans passes when the test says so. */
const passingTimeWhenTold = fakeTimers("Timeout")

/** The same as `until`, where ten milliseconds pass after each other answer; yields how many that were. */
const timeUntil = (ask: Effect.Effect<ClusterAnswer>, expected: ClusterAnswer): Effect.Effect<number> =>
  Effect.gen(function* () {
    let passed = 0
    for (; !isSame(yield* ask, expected); passed += 10) {
      vi.advanceTimersByTime(10)
      yield* turns(1)
    }
    return passed
  })

/** A keeper with a shard of its worker whose folder somebody removes; it looks after that when the test lets time go by. */
const keepWithoutSocket = Effect.gen(function* () {
  yield* fakeTimers("Interval")
  const path = yield* folder
  const { ask } = yield* keep({ folder: path, predecessor: undefined, pid: 1 })
  yield* ask(1, acquire("a:1", "s:1"))
  rmSync(path, { recursive: true })
  return path
})

describe("the keeper of a cluster", () => {
  it.live("answers workers, and frees what one had that has ended, its socket too", () =>
    Effect.gen(function* () {
      const path = yield* folder
      const keeper = yield* keep({ folder: path, predecessor: undefined, pid: 1 })
      assert.deepStrictEqual(yield* keeper.ask(1, acquire("pagi.pool:7", "s:1")), shards("s:1"))
      assert.deepStrictEqual(yield* keeper.ask(2, acquire("pagi.pool:8", "s:1")), shards())
      assert.strictEqual((yield* keeper.ask(2, { type: "what?" })).type, "refused")
      for (const name of ["r-7.sock", "r-8.sock"]) writeFileSync(join(path, name), "")
      keeper.gone(1)
      assert.deepStrictEqual(readdirSync(path).toSorted(), ["c-1.sock", "r-8.sock"])
      assert.deepStrictEqual(yield* keeper.ask(2, acquire("pagi.pool:8", "s:1")), shards("s:1"))
      yield* keeper.close
      assert.isFalse(existsSync(join(path, "c-1.sock")))
    }).pipe(Effect.scoped)
  )

  it.live("is found by a successor when somebody has removed its socket", () =>
    Effect.gen(function* () {
      const path = yield* keepWithoutSocket
      mkdirSync(path, { mode: 0o700 })
      vi.advanceTimersByTime(5000)
      yield* Effect.sleep("1 millis").pipe(Effect.repeat({ until: () => existsSync(join(path, "c-1.sock")) }))
      const next = yield* keep({ folder: path, predecessor: 1, pid: 2 })
      assert.deepStrictEqual(yield* next.ask(1, acquire("a:2", "s:1", "s:2")), shards("s:2"))
    }).pipe(Effect.scoped)
  )

  it.live("is waited for by a successor that finds its socket removed, and not once its process has ended", () =>
    Effect.gen(function* () {
      const path = yield* keepWithoutSocket
      let isThere = true
      const isKeptBefore = () => isThere
      const next = yield* keep({ folder: path, predecessor: 1, isKeptBefore, pid: 2 })
      const asking = yield* Effect.forkChild(next.ask(1, acquire("a:2", "s:1", "s:2")), { startImmediately: true })
      yield* turns(10)
      assert.isUndefined(asking.pollUnsafe())
      vi.advanceTimersByTime(5000)
      assert.deepStrictEqual(yield* Fiber.join(asking), shards("s:2"))
      const third = yield* keep({ folder: path, predecessor: 3, isKeptBefore, pid: 4, orphansEnd: 60_000 })
      const alone = yield* Effect.forkChild(third.ask(1, acquire("a:4", "s:1")), { startImmediately: true })
      yield* turns(10)
      assert.isUndefined(alone.pollUnsafe())
      isThere = false
      assert.deepStrictEqual(yield* Fiber.join(alone), shards("s:1"))
    }).pipe(Effect.scoped)
  )

  it.live("has its predecessor answer, and goes on by itself in the moment in which that is done", () =>
    Effect.gen(function* () {
      const path = yield* folder
      const old = yield* keep({ folder: path, predecessor: undefined, pid: 1 })
      yield* old.ask(1, acquire("a:1", "s:1", "s:2"))
      // One that would wait for a minute if it had to.
      const next = yield* keep({ folder: path, predecessor: 1, pid: 2, orphansEnd: 60_000 })
      assert.deepStrictEqual(yield* next.ask(1, acquire("a:2", "s:1", "s:3")), shards("s:3"))
      yield* old.ask(1, { type: "release", address: "a:1", shard: "s:1" })
      assert.deepStrictEqual(yield* next.ask(1, acquire("a:2", "s:1")), shards("s:1"))
      assert.deepStrictEqual(yield* old.ask(1, acquire("a:1", "s:1", "s:3")), shards())
      old.gone(1)
      yield* old.close
      yield* until(next.ask(1, acquire("a:2", "s:1", "s:2", "s:3")), shards("s:1", "s:2", "s:3"))
    }).pipe(Effect.scoped)
  )

  it.live("tells its predecessor who has ended, and that frees what a lost successor had, after a while", () =>
    Effect.gen(function* () {
      yield* passingTimeWhenTold
      const path = yield* folder
      const old = yield* keep({ folder: path, predecessor: undefined, pid: 1, orphansEnd: 50 })
      const next = yield* keep({ folder: path, predecessor: 1, pid: 2 })
      yield* next.ask(1, acquire("a:1", "s:1"))
      yield* next.ask(2, acquire("a:2", "s:2"))
      next.gone(1)
      yield* until(old.ask(1, acquire("a:3", "s:1", "s:2")), shards("s:1"))
      yield* next.close
      const again = old.ask(1, acquire("a:3", "s:1", "s:2"))
      assert.deepStrictEqual(yield* again, shards("s:1"))
      assert.isAtLeast(yield* timeUntil(again, shards("s:1", "s:2")), 50)
    }).pipe(Effect.scoped)
  )

  it.live("waits for nothing any more when it has been closed", () =>
    Effect.gen(function* () {
      yield* passingTimeWhenTold
      const path = yield* folder
      const old = yield* keep({ folder: path, predecessor: undefined, pid: 1, orphansEnd: 20 })
      const next = yield* keep({ folder: path, predecessor: 1, pid: 2, orphansEnd: 60_000 })
      yield* next.ask(1, acquire("a:1", "s:1"))
      yield* next.close
      yield* timeUntil(old.ask(1, acquire("a:2", "s:1")), shards("s:1"))
      vi.advanceTimersByTime(10_000)
      assert.strictEqual(vi.getTimerCount(), 0)
    }).pipe(Effect.scoped)
  )

  it.live("stays between two others until the first of them has ended", () =>
    Effect.gen(function* () {
      const path = yield* folder
      const first = yield* keep({ folder: path, predecessor: undefined, pid: 1 })
      const second = yield* keep({ folder: path, predecessor: 1, pid: 2, orphansEnd: 60_000 })
      const third = yield* keep({ folder: path, predecessor: 2, pid: 3, orphansEnd: 60_000 })
      yield* first.ask(1, acquire("a:1", "s:1"))
      assert.deepStrictEqual(yield* third.ask(1, acquire("a:3", "s:1", "s:2")), shards("s:2"))
      const closing = yield* Effect.forkChild(second.close, { startImmediately: true })
      assert.deepStrictEqual(yield* third.ask(1, acquire("a:3", "s:1", "s:3")), shards("s:3"))
      assert.isUndefined(closing.pollUnsafe())
      first.gone(1)
      yield* first.close
      yield* until(third.ask(1, acquire("a:3", "s:1")), shards("s:1"))
    }).pipe(Effect.scoped)
  )

  it.live("gives nothing away for a while when its predecessor was killed, whose workers may have it", () =>
    Effect.gen(function* () {
      yield* passingTimeWhenTold
      const path = yield* folder
      yield* keep({ folder: path, predecessor: undefined, pid: 9 })
      // As it is left by a process that was killed: nobody listens.
      writeFileSync(join(path, "c-1.sock"), "")
      const keeper = yield* keep({ folder: path, predecessor: 1, pid: 2, orphansEnd: 300 })
      assert.deepStrictEqual(yield* keeper.ask(1, acquire("a:1", "s:1")), shards())
      assert.isAtLeast(yield* timeUntil(keeper.ask(1, acquire("a:1", "s:1")), shards("s:1")), 300)
    }).pipe(Effect.scoped)
  )

  it.live("waits for the end of a predecessor that has another version", () =>
    Effect.gen(function* () {
      const path = yield* folder
      yield* keep({ folder: path, predecessor: undefined, pid: 9 })
      const server = createServer((socket) => {
        socket.on("error", () => {})
        socket.write('{"version":2}\n')
        ended.then(
          () => socket.destroy(),
          () => {}
        )
      })
      let end = () => {}
      const ended = new Promise<void>((resolve) => {
        end = resolve
      })
      yield* Effect.callback<void>((resume) => {
        server.listen(join(path, "c-1.sock"), () => resume(Effect.void))
      })
      const keeper = yield* keep({ folder: path, predecessor: 1, pid: 2, orphansEnd: 10 })
      assert.deepStrictEqual(yield* keeper.ask(1, acquire("a:1", "s:1")), shards())
      assert.strictEqual((yield* keeper.ask(1, { type: "runners" })).type, "runners")
      assert.deepStrictEqual(yield* keeper.ask(1, acquire("a:1", "s:1")), shards())
      end()
      yield* until(keeper.ask(1, acquire("a:1", "s:1")), shards("s:1"))
      server.close()
    }).pipe(Effect.scoped)
  )

  it.live("takes it that there is no other when its predecessor has no socket", () =>
    Effect.gen(function* () {
      const keeper = yield* keep({ folder: yield* folder, predecessor: 1, pid: 2, orphansEnd: 60_000 })
      assert.deepStrictEqual(yield* keeper.ask(1, acquire("a:1", "s:1")), shards("s:1"))
    }).pipe(Effect.scoped)
  )

  it.live("says what to do where there is no place for its socket", () =>
    Effect.gen(function* () {
      const missing = join(yield* temporaryFolder, "missing", "pagi-pool-0123456789abcdef")
      const error = yield* Effect.flip(ClusterKeeper.make({ folder: missing, predecessor: undefined, pid: 1 }))
      assert.instanceOf(error, PoolFolderError)
    }).pipe(Effect.scoped)
  )
})
