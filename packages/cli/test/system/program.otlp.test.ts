/** What the command exports by OTLP, to a collector that keeps it, and to collectors that do not. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { join } from "node:path"
import { stopwatch } from "../../../../test/support/Stopwatch.ts"
import * as Collector from "../support/Collector.ts"
import * as Program from "../support/Program.ts"
import { until } from "../support/Until.ts"

const fixture = (name: string): string => join(import.meta.dirname, "../fixtures", name)

/** Milliseconds; programs start, on a machine that may have other things to do. */
const timeout = 90_000

/** Serves `traced.ts`; without an access log, which is not exported. */
const serve = (url: string, env: Readonly<Record<string, string>> = {}, flags: ReadonlyArray<string> = [], app = "") =>
  Effect.gen(function* () {
    const args = ["--port", "0", "--no-access-log", "--otlp", url, ...flags, fixture(`traced.ts${app}`)]
    const program = yield* Program.start(args, { env })
    return { program, address: yield* Program.address(program) }
  })

/** Has messages exported at once, and so tells soon how the collector is. */
const soon = { OTEL_BLRP_SCHEDULE_DELAY: "50" }

const get = (url: string, headers: Readonly<Record<string, string>> = {}): Effect.Effect<string> =>
  Effect.promise(() => fetch(url, { headers }).then((response) => response.text()))

const stop = (program: Program.Program) =>
  Effect.gen(function* () {
    const elapsed = stopwatch()
    yield* program.signal("SIGTERM")
    const result = yield* program.result
    return { ...result, time: elapsed() }
  })

const warningsIn = (text: string): ReadonlyArray<string> =>
  text.split("\n").filter((line) => line.includes("not exported"))

const { attributesOf } = Collector

/** The one span of this name. */
const spanIn = (collector: Collector.Collector, name: string) => {
  const found = collector.spans.filter((span) => span.name === name)
  assert.strictEqual(found.length, 1, name)
  // As has just been looked.
  return found[0] as (typeof found)[number]
}

/** The sum of a metric's points. */
const totalOf = (metrics: ReadonlyArray<Collector.Metric>, name: string): number => {
  const last = metrics.findLast((metric) => metric.name === name)
  const points = (last?.sum ?? last?.histogram)?.dataPoints ?? []
  return points.reduce((total, { asDouble, count }) => total + (asDouble ?? count ?? 0), 0)
}

describe("pagi-server --otlp", () => {
  it.live(
    "exports what an application and its server do, all of it when they stop",
    () =>
      Effect.gen(function* () {
        const collector = yield* Collector.make()
        const { address, program } = yield* serve(collector.url, {
          OTEL_SERVICE_NAME: "shop",
          OTEL_RESOURCE_ATTRIBUTES: "deployment.environment.name=test",
          OTEL_EXPORTER_OTLP_HEADERS: "authorization=Bearer%20token",
          OTEL_EXPORTER_OTLP_COMPRESSION: "gzip"
        })
        const [traceId, spanId] = ["1".repeat(32), "2".repeat(16)]
        assert.strictEqual(yield* get(`${address}a?b=c`, { traceparent: `00-${traceId}-${spanId}-01` }), "traced")
        yield* get(`${address}failing`)
        yield* get(`${address}events`, { accept: "text/event-stream" })
        const { code, stderr } = yield* stop(program)
        assert.deepStrictEqual([code, warningsIn(stderr)], [0, []])
        const { logs, metrics, spans } = collector

        const order = spanIn(collector, "order")
        const [request, failing, events] = spans.filter(({ name }) => name === "GET")
        assert.deepInclude(request, { traceId, parentSpanId: spanId, kind: 2, status: { code: 1 } })
        assert.isDefined(request)
        assert.deepInclude(order, { traceId, parentSpanId: request.spanId, kind: 1 })
        const attributes = attributesOf(request.attributes)
        assert.deepInclude(attributes, {
          "http.request.method": "GET",
          "url.path": "/a",
          "url.query": "b=c",
          "url.scheme": "http",
          "network.protocol.version": "1.1",
          "server.address": "127.0.0.1",
          "http.response.status_code": 200
        })
        assert.isDefined(failing)
        assert.strictEqual(failing.status.code, 2)
        assert.deepInclude(attributesOf(failing.attributes), {
          "error.type": "RangeError",
          "http.response.status_code": 500
        })
        assert.deepStrictEqual(
          events?.events.map(({ name }) => name),
          ["sse.start", "sse.send", "sse.close"]
        )

        const { resource } = order
        assert.deepInclude(resource, { "service.name": "shop", "deployment.environment.name": "test" })
        assert.match(String(resource["service.instance.id"]), /^[\da-f-]{36}$/)
        assert.isNumber(resource["process.pid"])
        assert.notProperty(resource, "pagi.worker")

        const ordered = logs.find(({ body }) => body.stringValue === "ordered")
        assert.deepInclude(ordered, { traceId, spanId: order.spanId, severityText: "Info" })
        const failed = logs.find(({ severityText }) => severityText === "Error")
        assert.strictEqual(attributesOf(failed?.attributes ?? [])["exception.type"], "RangeError")
        assert.isDefined(logs.find(({ body }) => body.stringValue === "shutting down"))

        assert.deepInclude(
          metrics.find(({ name }) => name === "shop.orders"),
          { unit: "{order}" }
        )
        assert.strictEqual(totalOf(metrics, "shop.orders"), 1)
        assert.strictEqual(totalOf(metrics, "http.server.request.duration"), 2)
        assert.strictEqual(totalOf(metrics, "pagi.server.requests"), 3)
        const durations = metrics.find(({ name }) => name === "http.server.request.duration")
        assert.isDefined(durations)
        assert.strictEqual(durations.unit, "s")
        assert.notProperty(attributesOf(durations.histogram?.dataPoints[0]?.attributes ?? []), "unit")
        assert.isAbove(metrics.filter(({ name }) => name.startsWith("process.")).length, 0)

        for (const { headers } of collector.exports) assert.strictEqual(headers.authorization, "Bearer token")
        assert.isTrue(collector.exports.some(({ headers }) => headers["content-encoding"] === "gzip"))
        // No export has a span, or a message, of its own.
        assert.strictEqual(spans.length, 4)
        assert.isUndefined(logs.find(({ body }) => body.stringValue?.includes(collector.url)))
      }),
    timeout
  )

  it.live(
    "puts the spans of a router's handlers, and of a fetch handler's Effects, below those of their requests",
    () =>
      Effect.gen(function* () {
        const collector = yield* Collector.make()
        for (const [app, path, text] of [
          [":router", "orders/7", "routed"],
          [":handler", "", "fetched"]
        ] as const) {
          collector.exports.length = 0
          const { address, program } = yield* serve(collector.url, {}, [], app)
          const traceId = "3".repeat(32)
          const answer = yield* get(`${address}${path}`, { traceparent: `00-${traceId}-${"4".repeat(16)}-01` })
          assert.strictEqual(answer, text)
          assert.strictEqual((yield* stop(program)).code, 0)
          const { spans } = collector
          const order = spanIn(collector, "order")
          const request = spans.find(({ kind }) => kind === 2)
          assert.isDefined(request)
          assert.deepStrictEqual([spans.length, order.parentSpanId, order.traceId], [2, request.spanId, traceId])
          assert.strictEqual(request.parentSpanId, "4".repeat(16))
          assert.strictEqual(attributesOf(request.attributes)["http.response.status_code"], 200)
        }
      }),
    timeout
  )

  it.live(
    "leaves traces to an application that has a tracer of its own, and exports the rest",
    () =>
      Effect.gen(function* () {
        const collector = yield* Collector.make()
        const { address, program } = yield* serve(collector.url, {}, [], ":withOwnTracer")
        yield* get(address)
        assert.strictEqual((yield* stop(program)).code, 0)
        assert.deepStrictEqual(collector.spans, [])
        assert.isDefined(collector.logs.find(({ body }) => body.stringValue === "ordered"))
        assert.strictEqual(totalOf(collector.metrics, "shop.orders"), 1)
      }),
    timeout
  )

  it.live(
    "exports in protobuf, and not what is turned off",
    () =>
      Effect.gen(function* () {
        const collector = yield* Collector.make()
        const { address, program } = yield* serve("on", {
          OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
          OTEL_EXPORTER_OTLP_PROTOCOL: "http/protobuf",
          OTEL_METRICS_EXPORTER: "none"
        })
        yield* get(address)
        assert.strictEqual((yield* stop(program)).code, 0)
        const types = new Set(collector.exports.map(({ headers }) => headers["content-type"]))
        assert.deepStrictEqual([...types], ["application/x-protobuf"])
        const paths = new Set(collector.exports.map(({ path }) => path))
        assert.deepStrictEqual([...paths].toSorted(), ["/v1/logs", "/v1/traces"])
        // Texts stand in it as they are.
        const traces = collector.exports.filter(({ path }) => path === "/v1/traces")
        assert.isTrue(traces.some(({ content }) => content.includes("http.request.method")))
      }),
    timeout
  )

  it.live(
    "lets no request wait for a collector that never answers, and stops a few seconds later at most",
    () =>
      Effect.gen(function* () {
        const collector = yield* Collector.make()
        collector.answer = "never"
        const { address, program } = yield* serve(collector.url, { ...soon, OTEL_EXPORTER_OTLP_TIMEOUT: "300" })
        yield* program.line(/^warning: .* are not exported to .*: no answer in 300 ms/m)
        for (let count = 0; count < 20; count++) assert.strictEqual(yield* get(address), "traced")
        yield* until(() => collector.exports.length >= 3)
        const { code, stderr, time } = yield* stop(program)
        assert.deepStrictEqual([code, warningsIn(stderr).length], [0, 1])
        // Three seconds for what is left; the rest is for all that ends with a process.
        assert.isBelow(time, 5000)
      }),
    timeout
  )

  it.live(
    "says once that a collector is away, and stops without waiting for it",
    () =>
      Effect.gen(function* () {
        const { url } = yield* Effect.scoped(Collector.make())
        const { address, program } = yield* serve(url, soon)
        yield* program.line(/^warning: .* are not exported to .*: connect ECONNREFUSED/m)
        assert.strictEqual(yield* get(address), "traced")
        const { code, stderr, time } = yield* stop(program)
        assert.deepStrictEqual([code, warningsIn(stderr).length], [0, 1])
        // One that waited would take three seconds.
        assert.isBelow(time, 3000)
      }),
    timeout
  )

  it.live(
    "sends what a collector could not take, after the time that it wants",
    () =>
      Effect.gen(function* () {
        const collector = yield* Collector.make()
        collector.answer = { status: 503, headers: { "retry-after": "2" } }
        const { address, program } = yield* serve(collector.url, soon)
        yield* program.line(/^warning: .* are not exported to .*: its answer has the status 503/m)
        const first = collector.exports[0]
        yield* get(address)
        collector.answer = { status: 200 }
        yield* program.line(/are exported again/)
        const again = collector.exports.find((one) => one !== first && one.path === first?.path)
        assert.isAtLeast((again?.at ?? 0) - (first?.at ?? 0), 1900)
        assert.deepStrictEqual(again?.content, first?.content)
        assert.strictEqual((yield* stop(program)).code, 0)
        assert.isDefined(spanIn(collector, "order"))
      }),
    timeout
  )

  it.live(
    "exports from each worker, and all that a worker has when another one takes its place",
    () =>
      Effect.gen(function* () {
        const collector = yield* Collector.make()
        const { address, program } = yield* serve(collector.url, {}, ["--workers", "2"])
        const ask = Effect.replicateEffect(get(address, { connection: "close" }), 10, { discard: true })
        yield* ask
        yield* program.signal("SIGHUP")
        yield* program.line(/^worker 2: shutting down$/m)
        yield* until(() => collector.logs.filter(({ body }) => body.stringValue === "shutting down").length >= 2)
        yield* ask
        assert.strictEqual((yield* stop(program)).code, 0)
        const { logs, metrics, spans } = collector
        assert.strictEqual(spans.filter(({ name }) => name === "order").length, 20)
        const instances = new Map(metrics.map(({ resource }) => [resource["service.instance.id"], resource]))
        const workers = [...instances.values()].flatMap((resource) => resource["pagi.worker"] ?? [])
        assert.deepStrictEqual(workers.toSorted(), [1, 1, 2, 2])
        const lasts = [...instances.keys()].map((id) =>
          totalOf(
            metrics.filter(({ resource }) => resource["service.instance.id"] === id),
            "shop.orders"
          )
        )
        assert.strictEqual(
          lasts.reduce((sum, count) => sum + count, 0),
          20
        )
        // The process that looks after them is no worker.
        const started = logs.find(({ body }) => /^pagi .*2 workers/.test(body.stringValue ?? ""))
        assert.isDefined(started)
        assert.notProperty(started.resource, "pagi.worker")
      }),
    timeout
  )

  it.live(
    "exports why a server does not start",
    () =>
      Effect.gen(function* () {
        const collector = yield* Collector.make()
        const port = new URL(collector.url).port
        const { code, stderr } = yield* Program.run(["--port", port, "--otlp", collector.url, fixture("traced.ts")])
        assert.strictEqual(code, 3)
        assert.strictEqual(stderr.match(/^error: /gm)?.length, 1)
        assert.isDefined(collector.logs.find(({ body }) => body.stringValue?.includes(port)))
      }),
    timeout
  )

  it.live(
    "refuses a variable that it cannot follow, and says what it ignores or is turned off",
    () =>
      Effect.gen(function* () {
        const args = ["--port", "0", "--otlp", "on", fixture("traced.ts")]
        const refused = yield* Program.run(args, { env: { OTEL_EXPORTER_OTLP_PROTOCOL: "grpc" } })
        assert.strictEqual(refused.code, 2)
        assert.include(refused.stderr, "option OTEL_EXPORTER_OTLP_PROTOCOL: ")
        const program = yield* Program.start(args, {
          env: { OTEL_EXPORTER_OTLP_CERTIFICATE: "a", OTEL_TRACES_EXPORTER: "none" }
        })
        yield* program.line(/^warning: the variable OTEL_EXPORTER_OTLP_CERTIFICATE has no effect/m)
        const disabled = yield* Program.start(args, { env: { OTEL_SDK_DISABLED: "true" } })
        yield* disabled.line(/^nothing is exported/m)
        yield* Program.address(disabled)
      }),
    timeout
  )
})
