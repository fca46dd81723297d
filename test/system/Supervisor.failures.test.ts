import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Schema from "effect/Schema"
import { takenPort } from "../support/Ports.ts"
import { isMeasurable, tell } from "./support/Memory.ts"
import { pagiServer } from "./support/Programs.ts"
import { bodyOf, open, type Peer, requestText } from "./support/Peer.ts"
import { stopwatch } from "../support/Stopwatch.ts"
import {
  application,
  expectQuiet,
  familyOf,
  familyWith,
  gone,
  type Pool,
  type Tree,
  serve,
  start,
  startedBy,
  stop
} from "./support/SupervisorPool.ts"
import { kill } from "./support/SupervisorProcesses.ts"
import { blocking, broken, versions, working } from "./support/SupervisorVersions.ts"
import { ask, visit, whoAnswers, Who } from "./support/SupervisorVisitors.ts"
import { until } from "./support/Until.ts"

const decode = Schema.decodeEffect(Who)

/** A connection and the worker that it is with. */
interface Guest {
  readonly peer: Peer
  readonly pid: number
}

/** Connects until each worker has some of the connections, all of which stay open. */
const guestsOfAll = (pool: Pool, each = 4) =>
  Effect.gen(function* () {
    const { workers } = familyOf(pool)
    const guests: Array<Guest> = []
    const has = (pid: number) => guests.filter((guest) => guest.pid === pid).length >= each
    while (!workers.every(has)) {
      const peers = yield* Effect.forEach(Array.from({ length: 16 }), () => open(pool.port), { concurrency: 16 })
      for (const peer of peers) {
        peer.read().send(requestText("/who"))
        const { pid } = yield* decode(bodyOf((yield* peer.response) ?? ""))
        guests.push({ peer, pid })
      }
      assert.isBelow(guests.length, 1000, "connections reach all workers")
    }
    return guests
  })

/** Has all guests make the same request, and waits until the application has begun with each. */
const request = (pool: Pool, guests: ReadonlyArray<Guest>, path: string) =>
  Effect.gen(function* () {
    for (const { peer } of guests) peer.send(requestText(path))
    yield* until(
      `${guests.length} requests for ${path} have begun`,
      Effect.sync(() => pool.output().split(`begun: ${path} `).length > guests.length)
    )
  })

const responses = (guests: ReadonlyArray<Guest>) =>
  Effect.forEach(guests, ({ peer }) => peer.response, { concurrency: "unbounded" })

const isWhole = (response: string | undefined): boolean => response?.startsWith("HTTP/1.1 200 ") === true

/** Waits until two workers have loaded a version that blocks. */
const bothBlock = ({ output }: Tree) =>
  until(
    "both workers block",
    Effect.sync(() => output().split("blocks\n").length > 2)
  )

const isRefused = (port: number) =>
  Effect.map(Effect.flip(Effect.scoped(open(port))), ({ message }) => assert.include(message, "ECONNREFUSED"))

describe.skipIf(!isMeasurable)("a worker", () => {
  it.live("that is killed takes only its own requests with it, and is back within a second", () =>
    Effect.gen(function* () {
      const pool = yield* serve()
      const guests = yield* guestsOfAll(pool)
      // Few, as those who ask have to share the machine with the worker that starts.
      const visitors = yield* visit(pool.port, 4)
      yield* request(pool, guests, "/slow")
      const answers = yield* Effect.forkChild(responses(guests), { startImmediately: true })
      const { parent, workers } = familyOf(pool)
      const victim = workers[0] ?? assert.fail()
      const watch = stopwatch()
      kill(victim, "SIGKILL")
      const killed = performance.now()
      // Not by looking at all processes, which takes more of the machine than the start of a worker.
      const successor = () => startedBy(pool).find((pid) => !workers.includes(pid))
      yield* until(
        "another worker's application has started",
        Effect.sync(() => successor() !== undefined)
      )
      const started = watch()
      const next = successor() ?? assert.fail()
      yield* visitors.visits.answerOf(next)
      const back = watch()
      const family = familyOf(pool)
      const found = yield* Fiber.join(answers)
      const { count, failures } = yield* visitors.end
      yield* tell(
        `kill -9 of a worker: another one has started after ${started.toFixed()} ms and answers after ${back.toFixed()} ms; ` +
          `lost ${failures.length} of ${count} visits`
      )
      // Of its own, some may have been answered before it was killed.
      assert.isTrue(found.every((response, index) => isWhole(response) || guests[index]?.pid === victim))
      assert.deepStrictEqual(
        failures.filter(({ begun }) => begun > killed),
        []
      )
      assert.isAtMost(failures.length, 8)
      assert.isAtMost(back, 1000)
      assert.strictEqual(family.parent, parent)
      assert.sameMembers([...family.workers], [...workers.slice(1), next])
      yield* stop(pool)
      assert.deepStrictEqual(yield* pool.result, { code: 0, signal: null }, pool.output())
    })
  )

  it.live("that is blocked is replaced when its heartbeat is missed, and the others serve on", () =>
    Effect.gen(function* () {
      const heartbeatTimeout = 3
      const pool = yield* serve({ workers: 3, flags: [`--heartbeat-timeout=${heartbeatTimeout}`] })
      const visitors = yield* visit(pool.port)
      const { workers } = familyOf(pool)
      const lost = yield* Effect.forkChild(Effect.flip(ask(pool.port, "/block")), { startImmediately: true })
      const blocked = () => /^blocked: (\d+)$/m.exec(pool.output())?.[1]
      yield* until(
        "a worker is blocked",
        Effect.sync(() => blocked() !== undefined)
      )
      const begin = performance.now()
      const watch = stopwatch()
      const before = visitors.visits.count
      const family = yield* familyWith(
        pool,
        "the blocked worker is replaced",
        (now) => now.workers.length === 3 && !now.workers.includes(Number(blocked()))
      )
      const meanwhile = visitors.visits.count - before
      const next = family.workers.find((pid) => !workers.includes(pid))
      yield* visitors.visits.answerOf(next ?? assert.fail())
      const back = watch()
      const { failures, slowest } = yield* visitors.end
      yield* Fiber.join(lost)
      yield* tell(
        `blocked for good: replaced after ${(back / 1000).toFixed(2)} s with a heartbeat timeout of ${heartbeatTimeout} s; ` +
          `${meanwhile} visits meanwhile, ${failures.length} lost, the slowest took ${slowest.toFixed()} ms`
      )
      assert.isAtMost(back, (heartbeatTimeout + 2) * 1000)
      // Those that it had taken in the same turn.
      assert.deepStrictEqual(
        failures.filter(({ begun }) => begun > begin),
        []
      )
      assert.isAtMost(failures.length, 8)
      assert.isAbove(meanwhile, 100)
      assert.isBelow(slowest, 1000)
      yield* stop(pool)
      assert.deepStrictEqual(yield* pool.result, { code: 0, signal: null }, pool.output())
    })
  )

  it.live("that is busy most of the time, but not blocked, is left alone", () =>
    Effect.gen(function* () {
      // Longer than a machine pauses.
      const pool = yield* serve({ flags: ["--heartbeat-timeout=4"] })
      const before = familyOf(pool)
      const clients = Effect.forEach(
        Array.from({ length: 16 }),
        () => Effect.repeat(ask(pool.port, "/burn"), { while: () => performance.now() < until }),
        { concurrency: 16, discard: true }
      )
      const until = performance.now() + 6000
      yield* clients
      assert.deepStrictEqual(familyOf(pool), before)
      yield* stop(pool)
      expectQuiet(pool)
    })
  )
})

describe.skipIf(!isMeasurable)("the parent", () => {
  it.live("that is killed leaves workers which finish what they have begun and end, so that the port is free", () =>
    Effect.gen(function* () {
      const pool = yield* serve()
      const guests = yield* guestsOfAll(pool)
      yield* request(pool, guests, "/slow")
      const begin = performance.now()
      kill(familyOf(pool).parent, "SIGKILL")
      const found = yield* responses(guests)
      yield* gone(pool)
      yield* tell(`kill -9 of the parent: its workers have ended after ${(performance.now() - begin).toFixed()} ms`)
      assert.isTrue(found.every(isWhole))
      yield* isRefused(pool.port)
      const another = yield* serve({ port: pool.port })
      assert.include(familyOf(another).workers, (yield* whoAnswers(pool.port)).pid)
      yield* stop(another)
    })
  )

  it.live("that is told to stop has the workers finish what they have begun", () =>
    Effect.gen(function* () {
      const pool = yield* serve()
      const guests = yield* guestsOfAll(pool)
      yield* request(pool, guests, "/slow")
      kill(pool.pid, "SIGTERM")
      const found = yield* responses(guests)
      assert.isTrue(found.every(isWhole))
      assert.deepStrictEqual(yield* pool.result, { code: 0, signal: null }, pool.output())
      assert.deepStrictEqual(pool.processes(), [])
      yield* isRefused(pool.port)
      expectQuiet(pool)
    })
  )

  for (const [signal, code] of [
    ["SIGTERM", 143],
    ["SIGINT", 130]
  ] as const) {
    it.live(`that gets a second ${signal} ends at once, and no worker outlives it`, () =>
      Effect.gen(function* () {
        const pool = yield* serve()
        const guests = yield* guestsOfAll(pool)
        yield* request(pool, guests, "/stuck")
        const watch = stopwatch()
        // Soon after the first one, a signal counts as the same request.
        const result = yield* Effect.raceFirst(
          pool.result,
          Effect.forever(
            Effect.andThen(
              Effect.sync(() => kill(pool.pid, signal)),
              Effect.sleep("50 millis")
            )
          )
        )
        const ended = watch()
        yield* gone(pool)
        yield* tell(`a second ${signal}: ended after ${ended.toFixed()} ms with ${result.code ?? result.signal}`)
        assert.deepStrictEqual(result, { code, signal: null }, pool.output())
        assert.isBelow(ended, 2000)
        yield* isRefused(pool.port)
      })
    )
  }

  it.live("that is told to stop together with its workers starts no others, and has nothing to complain about", () =>
    Effect.gen(function* () {
      const pool = yield* serve()
      const { parent, workers } = familyOf(pool)
      for (const pid of [...workers, parent]) kill(pid, "SIGTERM")
      assert.deepStrictEqual(yield* pool.result, { code: 0, signal: null }, pool.output())
      yield* gone(pool)
      assert.lengthOf(startedBy(pool), workers.length)
      expectQuiet(pool)
    })
  )

  it.live("serves on when nobody reads what it logs, and replaces workers", () =>
    Effect.gen(function* () {
      const pool = yield* serve({ accessLog: "stderr" })
      const { parent, workers } = familyOf(pool)
      pool.closeOutput()
      for (let request = 0; request < 8; request++) yield* whoAnswers(pool.port)
      kill(parent, "SIGHUP")
      yield* familyWith(
        pool,
        "all workers are others",
        (now) => now.workers.length === workers.length && !now.workers.some((pid) => workers.includes(pid))
      )
      assert.strictEqual((yield* whoAnswers(pool.port)).parent, parent)
      kill(parent, "SIGTERM")
      assert.deepStrictEqual(yield* pool.result, { code: 0, signal: null })
      yield* gone(pool)
    })
  )

  it.live("that is killed as it begins leaves nothing that serves", () =>
    Effect.gen(function* () {
      for (const delay of [50, 100, 150, 200, 250, 300, 400] as const) {
        const tree = yield* start(pagiServer, ["--workers=2", "--port=0", application])
        yield* Effect.sleep(delay)
        kill(tree.pid, delay % 100 === 0 ? "SIGKILL" : "SIGTERM")
        yield* tree.result
        yield* gone(tree)
      }
    })
  )

  it.live("that is told to stop does not wait long for workers that have not started yet", () =>
    Effect.gen(function* () {
      const { path, put } = yield* versions
      yield* put(blocking)
      const tree = yield* start(pagiServer, ["--workers=2", "--port=0", path])
      yield* bothBlock(tree)
      const begin = performance.now()
      kill(tree.pid, "SIGTERM")
      assert.deepStrictEqual(yield* tree.result, { code: 0, signal: null }, tree.output())
      const ended = performance.now() - begin
      yield* tell(`SIGTERM while workers block as they start: ended after ${(ended / 1000).toFixed(1)} s`)
      assert.deepStrictEqual(tree.processes(), [])
      assert.isBelow(ended, 9000)
    })
  )
})

/** How often a server has said something. */
const times = ({ output }: Pool, message: string): number => output().split(message).length - 1

describe.skipIf(!isMeasurable)("a new version", () => {
  it.live(
    "that does not start leaves the old one serving, every time, until one does",
    () =>
      Effect.gen(function* () {
        const { path, put } = yield* versions
        yield* put(working("1"))
        const pool = yield* serve({ application: path, flags: ["--boot-timeout=8"] })
        const old = familyOf(pool)
        const visitors = yield* visit(pool.port)
        const isAlone = () => pool.processes().length === old.workers.length + 1
        // Again if need be: the end of the last one may not have been noticed yet.
        const startSuccessor = Effect.gen(function* () {
          while (isAlone()) {
            kill(old.parent, "SIGUSR2")
            yield* Effect.sleep("200 millis")
          }
        })
        const refused = () => times(pool, "there is a successor already")
        // While there is one, there cannot be another. Again if it was given up already.
        const refuseAnother = Effect.gen(function* () {
          while (true) {
            yield* startSuccessor
            const before = refused()
            kill(old.parent, "SIGUSR2")
            yield* until(
              "another successor is refused, or the one is given up",
              Effect.sync(() => refused() > before || isAlone())
            )
            if (refused() > before) return
          }
        })
        for (const [what, code] of Object.entries(broken(yield* takenPort))) {
          yield* put(code)
          const givenUp = times(pool, "; this server goes on")
          const begin = performance.now()
          yield* refuseAnother
          yield* until(
            `the successor ${what} is given up`,
            Effect.sync(() => isAlone() && times(pool, "; this server goes on") > givenUp)
          ).pipe(Effect.tapCause(() => Effect.sync(() => console.error(pool.processes(), pool.output()))))
          yield* tell(`a new version ${what}: given up after ${((performance.now() - begin) / 1000).toFixed(1)} s`)
          assert.deepStrictEqual(familyOf(pool), old, what)
          assert.strictEqual((yield* whoAnswers(pool.port)).version, "1", what)
        }
        yield* put(working("2"))
        yield* startSuccessor
        yield* familyWith(pool, "the fixed version takes over", ({ parent }) => parent !== old.parent)
        assert.strictEqual((yield* whoAnswers(pool.port)).version, "2")
        assert.deepStrictEqual(yield* pool.result, { code: 0, signal: null }, pool.output())
        const { count, failures } = yield* visitors.end
        yield* tell(`new versions: ${count} visits meanwhile, ${failures.length} lost`)
        assert.deepStrictEqual(failures, [])
        yield* stop(pool)
      }),
    { timeout: 200_000 } // It may have to wait for each version.
  )

  it.live("that blocks as it starts is ended with the old one, and holds no port", () =>
    Effect.gen(function* () {
      const { path, put } = yield* versions
      yield* put(working("1"))
      const pool = yield* serve({ application: path })
      const old = familyOf(pool)
      yield* put(blocking)
      kill(old.parent, "SIGUSR2")
      yield* bothBlock(pool)
      const begin = performance.now()
      kill(old.parent, "SIGTERM")
      assert.deepStrictEqual(yield* pool.result, { code: 0, signal: null }, pool.output())
      const ended = performance.now() - begin
      yield* tell(`SIGTERM while a successor blocks as it starts: ended after ${(ended / 1000).toFixed(1)} s`)
      assert.deepStrictEqual(pool.processes(), [])
      yield* isRefused(pool.port)
      assert.isBelow(ended, 9000)
    })
  )
})
