import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { existsSync, readdirSync } from "node:fs"
import { basename, dirname } from "node:path"
import { isMeasurable, tell } from "./support/Memory.ts"
import { fixture } from "./support/Programs.ts"
import { stopwatch } from "../support/Stopwatch.ts"
import { expectQuiet, familyOf, familyWith, gone, type Pool, serve, stop } from "./support/SupervisorPool.ts"
import { environmentOf, kill } from "./support/SupervisorProcesses.ts"
import { ask } from "./support/SupervisorVisitors.ts"
import { Conversation } from "./support/TopicsClient.ts"
import { until } from "./support/Until.ts"

const application = fixture("topics")

/** Where the workers of a server meet, as it is written in their environment. */
const folderOf = (pool: Pool): string => {
  const [worker = assert.fail("there is a worker")] = familyOf(pool).workers
  const entry = environmentOf(worker).find((one) => one.startsWith("PAGI_WORKER="))
  const text = entry?.slice("PAGI_WORKER=".length) ?? "{}"
  const { folder } = JSON.parse(text) as { readonly folder?: string }
  return folder ?? assert.fail("a worker knows a folder")
}

/** Waits until as many workers as there are have sockets, and nobody else. */
const haveSockets = (folder: string, count: number) =>
  until(
    `there are ${count} sockets`,
    Effect.sync(() => readdirSync(folder).filter((name) => name.endsWith(".sock")).length === count)
  )

/** Two of the workers that serve talk to each other; `act` happens meanwhile. */
const converse = (
  options: Parameters<typeof serve>[0],
  act: (pool: Pool, conversation: Conversation) => Effect.Effect<void>
) =>
  Effect.gen(function* () {
    const pool = yield* serve({ ...options, application })
    const conversation = yield* Effect.acquireRelease(
      Effect.sync(() => new Conversation(pool)),
      (one) => Effect.sync(() => one.close())
    )
    const folder = folderOf(pool)
    yield* conversation.begin(6, 2)
    yield* conversation.goesOn(50)
    yield* act(pool, conversation)
    yield* conversation.goesOn(50)
    yield* conversation.end()
    const heard = conversation.all.flatMap(({ heard }) => [...heard.values()]).reduce((sum, one) => sum + one.length, 0)
    yield* tell(`topics: ${conversation.all.length} clients have heard ${heard} messages`)
    conversation.close()
    yield* stop(pool)
    assert.isFalse(existsSync(folder), "nothing is left")
    return { pool, conversation }
  }).pipe(Effect.scoped)

/** Nobody was told that anything was missing. */
const expectNoGap = ({ all }: Conversation): void => {
  assert.deepStrictEqual(
    all.flatMap(({ gaps }) => gaps),
    []
  )
}

describe.skipIf(!isMeasurable)("topics of several workers", () => {
  it.live("reach everybody in order and once, while nothing happens", () =>
    Effect.gen(function* () {
      const { conversation, pool } = yield* converse({ workers: 2 }, () => Effect.void)
      expectNoGap(conversation)
      expectQuiet(pool)
    })
  )

  it.live("go on while HUP has all workers replaced, and again", () =>
    Effect.gen(function* () {
      const { conversation, pool } = yield* converse({ workers: 2 }, (pool, conversation) =>
        Effect.gen(function* () {
          for (let round = 0; round < 2; round++) {
            const { parent, workers } = familyOf(pool)
            kill(parent, "SIGHUP")
            yield* familyWith(
              pool,
              "all workers are replaced",
              (now) => now.workers.length === workers.length && !now.workers.some((pid) => workers.includes(pid))
            )
            yield* conversation.goesOn(50)
          }
          yield* haveSockets(folderOf(pool), 2)
        })
      )
      expectNoGap(conversation)
      expectQuiet(pool)
    })
  )

  it.live("are one conversation with the workers of a successor", () =>
    Effect.gen(function* () {
      const { conversation, pool } = yield* converse({ workers: 2 }, (pool, conversation) =>
        Effect.gen(function* () {
          const folder = folderOf(pool)
          const { parent } = familyOf(pool)
          kill(parent, "SIGUSR2")
          yield* familyWith(
            pool,
            "a successor has taken over",
            (now) => now.parent !== parent && now.workers.length === 2
          )
          yield* conversation.goesOn(50)
          assert.strictEqual(folderOf(pool), folder)
          yield* haveSockets(folder, 2)
        })
      )
      expectNoGap(conversation)
      expectQuiet(pool)
    })
  )

  it.live("lose the clients of a worker that is killed, and nothing else", () =>
    converse({ workers: 3 }, (pool, conversation) =>
      Effect.gen(function* () {
        const { workers } = familyOf(pool)
        const victim = conversation.open[0]?.pid ?? assert.fail()
        const lost = conversation.open.filter(({ pid }) => pid === victim)
        const rest = conversation.open.filter(({ pid }) => pid !== victim)
        const watch = stopwatch()
        kill(victim, "SIGKILL")
        yield* until(
          "the others know who is gone, and that they may have missed something",
          Effect.sync(() =>
            rest.every(({ gaps, left }) => gaps.includes("disconnected") && lost.every(({ name }) => left.has(name)))
          )
        )
        const took = watch()
        yield* tell(`topics: the members of a killed worker are gone after ${took.toFixed()} ms`)
        assert.isBelow(took, 1000)
        yield* familyWith(
          pool,
          "another worker takes its place",
          (now) => now.workers.length === workers.length && !now.workers.includes(victim)
        )
        yield* conversation.goesOn(50)
        yield* haveSockets(folderOf(pool), 3)
      })
    )
  )

  it.live("go on while workers are replaced after so many requests, and while their number changes", () =>
    Effect.gen(function* () {
      const { conversation, pool } = yield* converse(
        { workers: 2, flags: ["--max-requests=20"] },
        (pool, conversation) =>
          Effect.gen(function* () {
            const { parent, workers } = familyOf(pool)
            yield* until(
              "workers have been replaced",
              Effect.gen(function* () {
                // A kept connection may end while a request is on its way.
                yield* Effect.orDie(ask(pool.port, "/"))
                return !familyOf(pool).workers.some((pid) => workers.includes(pid))
              })
            )
            yield* conversation.goesOn(50)
            kill(parent, "SIGTTIN")
            yield* familyWith(pool, "there is one more", (now) => now.workers.length === 3)
            yield* conversation.goesOn(50)
            kill(parent, "SIGTTOU")
            yield* familyWith(pool, "there is one less", (now) => now.workers.length === 2)
          })
      )
      expectNoGap(conversation)
      expectQuiet(pool)
    })
  )

  it.live("leave nothing behind when the supervisor is killed and cannot remove it", () =>
    Effect.gen(function* () {
      const pool = yield* serve({ workers: 2, application })
      const folder = folderOf(pool)
      yield* haveSockets(folder, 2)
      kill(familyOf(pool).parent, "SIGKILL")
      yield* gone(pool)
      assert.isFalse(existsSync(folder))
    }).pipe(Effect.scoped)
  )

  it.live("need no folder where nobody uses them", () =>
    Effect.gen(function* () {
      const pool = yield* serve({ workers: 2 })
      const folder = folderOf(pool)
      assert.match(basename(folder), /^pagi-pool-[0-9a-f]{16}$/)
      assert.isTrue(existsSync(dirname(folder)))
      assert.isFalse(existsSync(folder))
      yield* stop(pool)
      expectQuiet(pool)
    }).pipe(Effect.scoped)
  )
})
