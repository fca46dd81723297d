/** What a server exports by OTLP that replaces itself while it serves. */
import { assert, describe, it } from "@effect/vitest"
import { isRunning } from "@pagi/node/process/RunningProcess"
import * as Effect from "effect/Effect"
import { request } from "node:http"
import { join } from "node:path"
import * as Collector from "../support/Collector.ts"
import * as PidFile from "../support/PidFile.ts"
import * as Program from "../support/Program.ts"
import * as Site from "../support/Site.ts"
import { until } from "../support/Until.ts"

const timeout = 90_000

const get = (url: string): Effect.Effect<string> =>
  Effect.promise(() => fetch(url, { headers: { connection: "close" } }).then((response) => response.text()))

/** A request whose content has not ended; answers what ends it, and waits for the response. */
const hold = (url: string): Effect.Effect<Effect.Effect<string>> =>
  Effect.sync(() => {
    const held = request(url, { method: "POST", agent: false })
    const answered = new Promise<string>((resolve, reject) => {
      held.on("error", reject)
      held.on("response", (response) => {
        let text = ""
        response.setEncoding("utf8").on("data", (piece: string) => (text += piece))
        response.on("end", () => resolve(text))
      })
    })
    held.write("a")
    return Effect.promise(() => {
      held.end("b")
      return answered
    })
  })

/** The last value of a counter that each process has told, by the process. */
const countsOf = ({ metrics }: Collector.Collector, name: string): ReadonlyMap<unknown, number> =>
  new Map(
    metrics
      .filter((metric) => metric.name === name)
      .map(({ resource, sum }) => [
        resource["process.pid"],
        (sum?.dataPoints ?? []).reduce((total, { asDouble = 0 }) => total + asDouble, 0)
      ])
  )

const sumOf = (counts: ReadonlyMap<unknown, number>): number => [...counts.values()].reduce((sum, n) => sum + n, 0)

describe("pagi-server --otlp, replaced by SIGUSR2", () => {
  it.live(
    "exports all of the predecessor and of the successor, each as processes of their own",
    () =>
      Effect.gen(function* () {
        const collector = yield* Collector.make()
        const pidFile = join(yield* Site.make({}), "server.pid")
        const pid = () => PidFile.read(pidFile) ?? assert.fail()
        const flags = ["--port", "0", "--workers", "2", "--no-access-log", "--pid", pidFile, "--otlp", collector.url]
        const program = yield* Program.start([...flags, join(import.meta.dirname, "../fixtures/traced.ts")], {
          env: {
            OTEL_RESOURCE_ATTRIBUTES: "service.instance.id=shop",
            // So that it is known soon that a request is held.
            OTEL_BLRP_SCHEDULE_DELAY: "50"
          }
        })
        const address = yield* Program.address(program)
        yield* program.line(/ below process \d+: /)
        const before = pid()
        yield* PidFile.killAtEnd(pidFile)
        const recordsOf = (text: string) => collector.logs.filter(({ body }) => body.stringValue === text)

        yield* Effect.replicateEffect(get(address), 10, { discard: true })
        const held = yield* Effect.replicateEffect(hold(`${address}held`), 3)
        yield* until(() => recordsOf("held").length === 3)
        yield* program.signal("SIGUSR2")
        yield* program.line(/(?:^worker [12]: shutting down$[^]*){2}/m)
        const after = pid()
        assert.notStrictEqual(after, before)
        yield* Effect.replicateEffect(get(address), 10, { discard: true })
        assert.deepStrictEqual(yield* Effect.all(held), ["traced", "traced", "traced"])
        yield* until(() => !isRunning(before))
        process.kill(after, "SIGTERM")
        yield* until(() => !isRunning(after))

        // Two workers of each, and who looks after them; nobody is taken for another.
        const { logs, metrics, spans } = collector
        const resources = new Map(
          [...logs, ...metrics, ...spans].map(({ resource }) => [resource["process.pid"], resource] as const)
        )
        const instances = [...resources].map(([pid, { "pagi.worker": worker, "service.instance.id": id }]) => {
          assert.strictEqual(id, worker === undefined ? `shop/${pid}` : `shop/${worker}/${pid}`)
          return worker ?? "supervisor"
        })
        assert.deepStrictEqual(instances.toSorted(), [1, 1, 2, 2, "supervisor", "supervisor"])

        const ordersBy = Map.groupBy(
          spans.filter(({ name }) => name === "order"),
          ({ resource }) => resource["process.pid"]
        )
        const predecessors = new Set(recordsOf("held").map(({ resource }) => resource["process.pid"]))
        assert.strictEqual(
          [...ordersBy.values()].reduce((sum, { length }) => sum + length, 0),
          23
        )
        assert.strictEqual(spans.filter(({ kind }) => kind === 2).length, 23)
        const orders = countsOf(collector, "shop.orders")
        assert.strictEqual(sumOf(orders), 23)
        assert.strictEqual(sumOf(countsOf(collector, "pagi.server.requests")), 23)
        for (const [pid, { length }] of ordersBy) assert.strictEqual(orders.get(pid), length)
        for (const { name, parentSpanId, resource, spanId } of spans) {
          const parent = spans.find((span) => span.spanId === parentSpanId)
          if (name === "order") assert.deepInclude(parent?.resource, { "process.pid": resource["process.pid"] }, spanId)
        }
        // What was held ends with those that have begun it.
        const ofHeld = spans.filter(({ attributes }) => Collector.attributesOf(attributes)["url.path"] === "/held")
        assert.strictEqual(ofHeld.length, 3)
        assert.isTrue(ofHeld.every(({ resource }) => predecessors.has(resource["process.pid"])))

        assert.strictEqual(recordsOf("ordered").length, 23)
        const workers = [...resources.values()].filter((resource) => resource["pagi.worker"] !== undefined)
        const stopped = recordsOf("shutting down").map(({ resource }) => resource)
        const byPid = (one: typeof stopped) => one.map((resource) => resource["process.pid"]).toSorted()
        assert.deepStrictEqual(byPid(stopped), byPid(workers))
        const started = logs.filter(({ body }) => /^pagi .*2 workers/.test(body.stringValue ?? ""))
        assert.deepStrictEqual(
          started.map(({ resource }) => resource["process.pid"]),
          [before, after]
        )
        assert.isDefined(recordsOf(`taking over from process ${before}`)[0])
      }),
    timeout
  )
})
