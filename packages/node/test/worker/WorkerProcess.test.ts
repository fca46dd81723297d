import { assert, describe, it } from "@effect/vitest"
import { CheckRegistry } from "@pagi/core/health/HealthChecks"
import * as ServerOptions from "@pagi/core/ServerOptions"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import type { MetricRegistry } from "effect/Metric"
import * as Metric from "effect/Metric"
import * as Schema from "effect/Schema"
import { TestClock } from "effect/testing"
import { IncompleteDrain } from "../../src/IncompleteDrain.ts"
import { InheritedSockets, type InheritedSocketsService, none, passOn } from "../../src/listen/InheritedSockets.ts"
import { PagiServer } from "../../src/PagiServer.ts"
import type { OrderListener } from "../../src/worker/WorkerChannel.ts"
import { Pool, type PoolPlace } from "../../src/process/Pool.ts"
import { WorkerIdentity } from "../../src/process/WorkerIdentity.ts"
import type { WorkerOrder, WorkerReport } from "../../src/worker/WorkerMessage.ts"
import { make } from "../../src/tls/TicketSecrets.ts"
import * as WorkerProcess from "../../src/worker/WorkerProcess.ts"

class Refused extends Schema.TaggedError<Refused>()("Refused", {}) {
  override get message(): string {
    return "not today"
  }
}

/** What a test plays: the parent, and the server. */
class Play {
  allowance: number | undefined = undefined
  readonly reports: Array<WorkerReport> = []
  readonly events: Array<string> = []
  readonly started = Deferred.makeUnsafe<void, Refused>()
  readonly drained = Deferred.makeUnsafe<void, IncompleteDrain>()
  requests = 0
  connections = 0
  identity: WorkerIdentity | undefined = undefined
  pool: PoolPlace | undefined = undefined
  inherited: InheritedSocketsService | undefined = undefined
  payload: unknown = undefined
  #listener: OrderListener | undefined = undefined

  get types(): ReadonlyArray<string> {
    return this.reports.map(({ type }) => type)
  }

  order(order: WorkerOrder): void {
    this.#listener?.onOrder(order)
  }

  stop(): void {
    this.#listener?.onStop("SIGTERM")
  }

  lose(): void {
    this.#listener?.onLost()
  }

  nonsense(): void {
    this.#listener?.onNonsense("?")
  }

  readonly environment: WorkerProcess.WorkerEnvironment = {
    channel: {
      send: (report) => Effect.sync(() => this.reports.push(report)),
      listen: (listener) =>
        Effect.acquireRelease(
          Effect.sync(() => {
            this.#listener = listener
          }),
          () => Effect.sync(() => this.events.push("channel closed"))
        )
    },
    guardOrphan: () => ({ allow: (milliseconds) => void (this.allowance = milliseconds) }),
    watchLoop: () => ({ take: () => 7, stop: () => this.events.push("loop unwatched") }),
    watchUtilization: () => () => 0.25,
    memory: () => 1000
  }

  readonly server = (options: ServerOptions.Input) => (payload: unknown) =>
    Layer.merge(
      Layer.effect(
        PagiServer,
        Effect.gen(
          function* (this: Play) {
            this.payload = payload
            this.identity = yield* WorkerIdentity
            this.pool = yield* Pool
            this.inherited = yield* InheritedSockets
            yield* Effect.addFinalizer(() => Effect.sync(() => this.events.push("server closed")))
            yield* Deferred.await(this.started)
            return this.service
          }.bind(this)
        )
      ),
      Layer.orDie(ServerOptions.layer(options))
    )

  readonly service: PagiServer["Service"] = {
    address: ["127.0.0.1", 80],
    port: 80,
    listeners: [],
    adminUrl: undefined,
    isRunning: Effect.succeed(true),
    connectionCount: Effect.sync(() => this.connections),
    requestCount: Effect.sync(() => this.requests),
    underWay: Effect.succeed({ connections: 0, requests: 0, eventStreams: 0, webSockets: 0 }),
    effectiveMaxConnections: 1000,
    shutdown: Effect.suspend(() => {
      this.events.push("shutdown")
      return Deferred.await(this.drained)
    }),
    reloadCertificates: Effect.void,
    reopenLogs: Effect.sync(() => this.events.push("logs reopened"))
  }
}

const inheritance = {
  ...none,
  worker: { num: 3, workers: 2, folder: "/run/pool", payload: { app: "./app.ts" } },
  masterPid: 5
}

/** Runs a worker until its start waits for the test. */
const start = (options: ServerOptions.Input = {}) =>
  Effect.gen(function* () {
    const play = new Play()
    const fiber = yield* Effect.forkScoped(
      WorkerProcess.run(play.server(options), play.environment).pipe(
        Effect.provideService(InheritedSockets, passOn(inheritance))
      )
    )
    yield* settled
    return { play, fiber }
  })

/** Lets fibers do all that they can do now. */
const settled = TestClock.adjust(0)

/** The same for a server that has started. */
const startReady = (options: ServerOptions.Input = {}) =>
  Effect.gen(function* () {
    const started = yield* start(options)
    yield* Deferred.succeed(started.play.started, undefined)
    yield* settled
    return started
  })

/** A turn of the event loop, which modules are loaded in. */
const turn = Effect.promise(() => new Promise<void>((resolve) => setImmediate(resolve)))

const count = ({ types }: Play, type: WorkerReport["type"]): number => types.filter((other) => other === type).length

/** What a server with an admin listener notes. */
const makeTelemetry = () => {
  const registry: MetricRegistry = new Map()
  const counter = Metric.counter("answers")
  const context = Context.make(Metric.MetricRegistry, registry)
  const checks = new CheckRegistry()
  let recent: object | undefined = { slowest: [], failed: [] }
  const takeRecent = (): object | undefined => {
    const taken = recent
    recent = undefined
    return taken
  }
  const add = Effect.provideContext(Metric.update(counter, 1), context)
  return { add, checks, telemetry: { registry, takeRecent, checks } }
}

const metricsOf = ({ reports }: Play): ReadonlyArray<unknown> =>
  reports.flatMap((report) => (report.type === "metrics" ? [report] : []))

const sample = (count: number) => ({ type: "Counter", id: "answers", attributes: {}, count, incremental: false })

describe("a worker of a server with an admin listener", () => {
  it.effect("tells what has changed with its status, and once more when it has drained", () =>
    Effect.gen(function* () {
      const { fiber, play } = yield* start()
      const { add, telemetry } = makeTelemetry()
      play.identity?.watch?.(telemetry)
      yield* add
      yield* Deferred.succeed(play.started, undefined)
      // What it needs is loaded now.
      yield* Effect.repeat(turn, { until: () => metricsOf(play).length > 0 })
      assert.deepStrictEqual(metricsOf(play), [
        { type: "metrics", time: 0, samples: [sample(1)], recent: { slowest: [], failed: [] } }
      ])
      play.requests++
      yield* add
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(metricsOf(play).at(-1), { type: "metrics", time: 1000, samples: [sample(2)] })
      yield* add
      play.stop()
      yield* settled
      assert.strictEqual(metricsOf(play).length, 2)
      yield* add
      yield* Deferred.succeed(play.drained, undefined)
      yield* Fiber.join(fiber)
      assert.deepStrictEqual(metricsOf(play).at(-1), { type: "metrics", time: 1000, samples: [sample(4)] })
    })
  )

  it.effect("tells it when a second of the common clock is over, whenever it has started", () =>
    Effect.gen(function* () {
      yield* TestClock.adjust(300)
      const { play } = yield* start()
      play.identity?.watch?.(makeTelemetry().telemetry)
      yield* Deferred.succeed(play.started, undefined)
      yield* Effect.repeat(turn, { until: () => metricsOf(play).length > 0 })
      yield* TestClock.adjust("3 seconds")
      const times = play.reports.flatMap((report) => (report.type === "metrics" ? [report.time] : []))
      assert.deepStrictEqual(times, [300, 1000, 2000, 3000])
    })
  )

  it.effect("runs the checks of its application when it is asked", () =>
    Effect.gen(function* () {
      const { play } = yield* start()
      const { checks, telemetry } = makeTelemetry()
      play.order({ type: "readiness", number: 1 })
      yield* settled
      assert.deepStrictEqual(play.reports, [{ type: "readiness", number: 1, problems: {} }])
      play.identity?.watch?.(telemetry)
      checks.add([{ name: "database", limit: Duration.seconds(1), run: Effect.succeed("no route") }])
      play.order({ type: "readiness", number: 2 })
      yield* settled
      assert.deepStrictEqual(play.reports.at(-1), { type: "readiness", number: 2, problems: { database: "no route" } })
    })
  )
})

describe("a worker process", () => {
  it.effect("has the number and the inheritance that its parent gives it, and its payload", () =>
    Effect.gen(function* () {
      const { play } = yield* startReady()
      assert.strictEqual(play.identity?.num, 3)
      assert.isDefined(play.identity?.share)
      assert.deepStrictEqual(play.payload, { app: "./app.ts" })
      assert.strictEqual(play.inherited?.claim(), inheritance)
      assert.deepStrictEqual(play.inherited?.claim().sockets, [])
    })
  )

  it.effect("is none when no parent has said so", () =>
    Effect.gen(function* () {
      const play = new Play()
      const error = yield* Effect.flip(
        WorkerProcess.run(play.server({}), play.environment).pipe(Effect.provideService(InheritedSockets, passOn(none)))
      )
      assert.strictEqual(error._tag, "NotAWorker")
      assert.deepStrictEqual(play.reports, [])
    })
  )

  it.effect("says that it is ready when its server has started, and then how it is", () =>
    Effect.gen(function* () {
      const { play } = yield* start()
      yield* TestClock.adjust("10 seconds")
      assert.deepStrictEqual(play.types, [])
      yield* Deferred.succeed(play.started, undefined)
      yield* settled
      assert.deepStrictEqual(play.reports, [
        { type: "ready" },
        { type: "status", requests: 0, connections: 0, lag: 7, memory: 1000 }
      ])
    })
  )

  it.effect(
    "says each second how busy it is where the number of workers depends on it, also while it does nothing",
    () =>
      Effect.gen(function* () {
        for (const input of [{ minWorkers: 1 }, { maxWorkers: "auto" }] as const) {
          const { play } = yield* startReady({ workers: 2, ...input })
          yield* TestClock.adjust("3 seconds")
          const statuses = play.reports.filter(({ type }) => type === "status")
          assert.lengthOf(statuses, 4)
          for (const status of statuses) assert.deepInclude(status, { utilization: 0.25 })
        }
      })
  )

  it.effect("gives a sign of life every five seconds, and five in the time that it has for one", () =>
    Effect.gen(function* () {
      const { play } = yield* startReady()
      yield* TestClock.adjust("60 seconds")
      assert.strictEqual(count(play, "status"), 13)
      const hurried = yield* startReady({ heartbeatTimeout: "1 second" })
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual(count(hurried.play, "status"), 51)
      const unwatched = yield* startReady({ heartbeatTimeout: 0 })
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual(count(unwatched.play, "status"), 3)
    })
  )

  it.effect("gives signs of life whatever happens to the clock on the wall", () =>
    Effect.gen(function* () {
      const clock = yield* Clock.Clock
      let setBack = 0
      const wall = () => clock.currentTimeMillisUnsafe() + setBack
      const { play } = yield* startReady().pipe(
        Effect.provideService(Clock.Clock, {
          ...clock,
          currentTimeMillisUnsafe: wall,
          currentTimeMillis: Effect.sync(wall)
        })
      )
      for (const hours of [-1, 1]) {
        const before = count(play, "status")
        setBack = hours * 3_600_000
        yield* TestClock.adjust("20 seconds")
        assert.strictEqual(count(play, "status") - before, 4)
      }
    })
  )

  it.effect("reports every second while it has something to do", () =>
    Effect.gen(function* () {
      const { play } = yield* startReady()
      for (let looks = 0; looks < 40; looks++) {
        play.requests++
        yield* TestClock.adjust("250 millis")
      }
      assert.strictEqual(count(play, "status"), 11)
    })
  )

  it.effect("reports many more or fewer connections sooner", () =>
    Effect.gen(function* () {
      const { play } = yield* startReady()
      const reportsWith = (connections: number) =>
        Effect.gen(function* () {
          const before = play.reports.length
          play.connections = connections
          yield* TestClock.adjust("250 millis")
          return play.reports.slice(before).map((report) => report.type === "status" && report.connections)
        })
      assert.deepStrictEqual(yield* reportsWith(1), [])
      assert.deepStrictEqual(yield* reportsWith(100), [100])
      assert.deepStrictEqual(yield* reportsWith(110), [])
      assert.deepStrictEqual(yield* reportsWith(50), [50])
    })
  )

  it.effect("says that it has served enough, again after as many requests", () =>
    Effect.gen(function* () {
      const { play } = yield* startReady({ maxRequests: 500 })
      const quotasAt = (requests: number) =>
        Effect.gen(function* () {
          play.requests = requests
          yield* TestClock.adjust("2 seconds")
          return count(play, "quota")
        })
      assert.strictEqual(yield* quotasAt(499), 0)
      assert.strictEqual(yield* quotasAt(510), 1)
      assert.strictEqual(yield* quotasAt(1009), 1)
      assert.strictEqual(yield* quotasAt(1010), 2)
    })
  )

  it.effect("has no quota by default, and one of its own with jitter", () =>
    Effect.gen(function* () {
      const { play } = yield* startReady()
      play.requests = 1e9
      yield* TestClock.adjust("1 second")
      assert.strictEqual(count(play, "quota"), 0)
      const quotas = new Set<number>()
      for (let round = 0; round < 10; round++) {
        const { play } = yield* startReady({ maxRequests: 100, maxRequestsJitter: 50 })
        for (play.requests = 100; count(play, "quota") === 0; play.requests++) yield* TestClock.adjust("250 millis")
        quotas.add(play.requests - 1)
      }
      assert.isAbove(quotas.size, 2)
      assert.isTrue([...quotas].every((quota) => quota >= 100 && quota <= 150))
    })
  )

  it.effect("stops when it is retired: the server's shutdown decides how that ends", () =>
    Effect.gen(function* () {
      const { fiber, play } = yield* startReady()
      play.order({ type: "retire" })
      yield* TestClock.adjust("10 seconds")
      assert.deepStrictEqual(play.events, ["shutdown"])
      assert.isAtLeast(count(play, "status"), 3)
      assert.strictEqual(count(play, "stopping"), 0)
      yield* Deferred.succeed(play.drained, undefined)
      assert.deepStrictEqual(yield* Fiber.await(fiber), Exit.void)
      assert.deepStrictEqual(play.events, ["shutdown", "loop unwatched", "server closed", "channel closed"])
    })
  )

  it.effect("fails when its drain was cut off", () =>
    Effect.gen(function* () {
      const { fiber, play } = yield* startReady()
      const incomplete = new IncompleteDrain({ connections: 2, shutdownTimeout: Duration.seconds(30) })
      play.order({ type: "retire" })
      yield* Deferred.fail(play.drained, incomplete)
      assert.deepStrictEqual(yield* Fiber.await(fiber), Exit.fail(incomplete))
    })
  )

  it.effect("says that it stops when somebody else wants that, once", () =>
    Effect.gen(function* () {
      const { play } = yield* startReady()
      play.stop()
      play.stop()
      play.order({ type: "retire" })
      yield* settled
      assert.deepStrictEqual(play.events, ["shutdown"])
      assert.strictEqual(count(play, "stopping"), 1)
    })
  )

  it.effect("asks its parent for what a cluster of the workers needs, also before it has started", () =>
    Effect.gen(function* () {
      const { play } = yield* start()
      const answers: Array<object | undefined> = []
      const ask = (request: object) => play.pool?.cluster.ask(request, (answer) => void answers.push(answer))
      assert.deepStrictEqual([play.pool?.folder, play.pool?.worker], ["/run/pool", 3])
      ask({ type: "runners" })
      assert.deepStrictEqual(play.reports, [{ type: "cluster", number: 1, request: { type: "runners" } }])
      play.order({ type: "cluster", number: 1, answer: { type: "done" } })
      ask({ type: "runners" })
      play.pool?.cluster.onLost(() => answers.push({ type: "told" }))
      play.lose()
      assert.deepStrictEqual(answers, [{ type: "done" }, { type: "told" }, undefined])
    })
  )

  it.effect("gives up its start when it is to stop before", () =>
    Effect.gen(function* () {
      const { fiber, play } = yield* start()
      play.stop()
      assert.deepStrictEqual(yield* Fiber.await(fiber), Exit.void)
      assert.deepStrictEqual(play.types, ["stopping"])
      assert.deepStrictEqual(play.events, ["server closed", "channel closed"])
    })
  )

  it.effect("says why it cannot start", () =>
    Effect.gen(function* () {
      const { fiber, play } = yield* start()
      yield* Deferred.fail(play.started, new Refused())
      assert.deepStrictEqual(yield* Fiber.await(fiber), Exit.fail(new Refused()))
      assert.deepStrictEqual(play.reports, [{ type: "failed", message: "not today" }])
      assert.strictEqual(play.events.at(-1), "channel closed")
    })
  )

  it.effect("has its server use the secrets of TLS sessions that it is told, also before it has started", () =>
    Effect.gen(function* () {
      const { play } = yield* start()
      for (const secrets of [make(), make()]) {
        play.order({ type: "tickets", secrets })
        assert.strictEqual(play.identity?.tickets?.secrets, secrets)
      }
      assert.deepStrictEqual(play.events, [])
    })
  )

  it.effect("reopens its logs as often as it is told to, and ignores nonsense", () =>
    Effect.gen(function* () {
      const { play } = yield* startReady()
      for (let time = 0; time < 2; time++) {
        play.nonsense()
        play.order({ type: "reopenLogs" })
        yield* settled
      }
      assert.deepStrictEqual(play.events, ["logs reopened", "logs reopened"])
    })
  )
})
