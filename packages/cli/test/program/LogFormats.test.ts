import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import * as Tracer from "effect/Tracer"
import * as LogFormats from "../../src/program/LogFormats.ts"
import { collecting } from "../support/Log.ts"

const levels = Effect.all(
  [
    Effect.logInfo("listening on http://127.0.0.1:5000/"),
    Effect.logWarning("careful"),
    Effect.logError("broken"),
    Effect.logFatal("lost")
  ],
  { discard: true }
)

const worker = { pid: 4711, worker: 2 }

/** The moment at which tests log. */
const moment = Date.UTC(2026, 10, 22, 8, 0, 5, 90)

const atMoment = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.andThen(TestClock.setTime(moment), effect)

/** One in a span, with values, annotations and a span of the log. */
const everything = Effect.logInfo("user", { id: 1 }, [2]).pipe(
  Effect.annotateLogs({ requestId: "k3v9x2-1", path: "/a b", size: 3 }),
  Effect.withLogSpan("load"),
  Effect.withParentSpan(
    Tracer.externalSpan({ traceId: "0af7651916cd43dd8448eb211c80319c", spanId: "b7ad6b7169203331" })
  )
)

const failing = Effect.catchCause(Effect.fail(new Error("first\nerror: forged \u001b[2J")), (cause) =>
  Effect.logError("the app failed", cause)
)

const timeOfDay = /^\d{2}:\d{2}:\d{2}\.\d{3} /

describe("the plain format", () => {
  it.effect("information is bare, the rest says what it is", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* collecting(levels), [
        "listening on http://127.0.0.1:5000/",
        "warning: careful",
        "error: broken",
        "error: lost"
      ])
    })
  )

  it.effect("names the worker", () =>
    Effect.gen(function* () {
      const lines = yield* collecting(Effect.logWarning("careful"), LogFormats.plain, worker)
      assert.deepStrictEqual(lines, ["worker 2: warning: careful"])
    })
  )

  it.effect("several values and annotations are on one line", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* collecting(everything), ['user {"id":1} [2] requestId=k3v9x2-1 path="/a b" size=3'])
    })
  )

  it.effect("nothing can forge a line or steer a terminal", () =>
    Effect.gen(function* () {
      const lines = yield* collecting(Effect.logInfo("a\r\nerror: b\t\u001b[31m\u0000\u007f\u009b2J\u2028c é\u202e"))
      assert.deepStrictEqual(lines, ["a\\r\\nerror: b\\t\\u001b[31m\\u0000\\u007f\\u009b2J\\u2028c é\\u202e"])
    })
  )

  it.effect("a cause is shown below, set in, with its stack", () =>
    Effect.gen(function* () {
      const [text = ""] = yield* collecting(failing)
      const [message, ...below] = text.split("\n")
      assert.strictEqual(message, "error: the app failed")
      assert.include(below[0] ?? "", "Error: first")
      assert.isTrue(below.every((line) => line.startsWith("  ")))
      assert.isTrue(below.some((line) => /^ +at /.test(line)))
      assert.notInclude(text, "\u001b")
    })
  )
})

describe("the pretty format", () => {
  it.effect("begins with the time of day, the level and the process", () =>
    Effect.gen(function* () {
      const lines = yield* collecting(levels, LogFormats.pretty)
      assert.isTrue(lines.every((line) => timeOfDay.test(line)))
      assert.deepStrictEqual(
        lines.map((line) => line.replace(timeOfDay, "")),
        [
          "INFO  [4711] listening on http://127.0.0.1:5000/",
          "WARN  [4711] careful",
          "ERROR [4711] broken",
          "FATAL [4711] lost"
        ]
      )
    })
  )

  it.effect("has the worker, the span and annotations, of which none can be taken for two", () =>
    Effect.gen(function* () {
      const [line = ""] = yield* collecting(Effect.annotateLogs(everything, { worker: 2 }), LogFormats.pretty, worker)
      assert.strictEqual(
        line.replace(timeOfDay, ""),
        'INFO  [4711 worker 2] user {"id":1} [2] traceId=0af7651916cd43dd8448eb211c80319c spanId=b7ad6b7169203331 ' +
          'requestId=k3v9x2-1 path="/a b" size=3'
      )
    })
  )

  it.effect("has a cause below", () =>
    Effect.gen(function* () {
      const [text = ""] = yield* collecting(failing, LogFormats.pretty)
      const [message = "", ...below] = text.split("\n")
      assert.strictEqual(message.replace(timeOfDay, ""), "ERROR [4711] the app failed")
      assert.isTrue(below.length > 0 && below.every((line) => line.startsWith("  ")))
    })
  )
})

describe("the logfmt format", () => {
  it.effect("is Effect's, and has the process, the worker and the span besides", () =>
    Effect.gen(function* () {
      const [line = ""] = yield* collecting(atMoment(everything), LogFormats.logfmt, worker)
      assert.strictEqual(
        line.replace(/fiber=#\d+/, "fiber=#1"),
        'timestamp=2026-11-22T08:00:05.090Z level=INFO fiber=#1 message=user message="{\\"id\\":1}" message=[2] load=0ms ' +
          'requestId=k3v9x2-1 path="/a b" size=3 pid=4711 worker=2 traceId=0af7651916cd43dd8448eb211c80319c ' +
          "spanId=b7ad6b7169203331"
      )
    })
  )

  it.effect("says nothing twice", () =>
    Effect.gen(function* () {
      const [line = ""] = yield* collecting(
        Effect.annotateLogs(Effect.logInfo("a"), { worker: 2 }),
        LogFormats.logfmt,
        worker
      )
      assert.lengthOf(line.match(/ worker=/g) ?? [], 1)
    })
  )
})

const parse = (line: string | undefined): Readonly<Record<string, unknown>> => JSON.parse(line ?? "")

describe("the json format", () => {
  it.effect("has the same few fields for every message", () =>
    Effect.gen(function* () {
      const lines = yield* collecting(atMoment(levels), LogFormats.json)
      assert.deepStrictEqual(lines, [
        '{"time":"2026-11-22T08:00:05.090Z","level":"info","message":"listening on http://127.0.0.1:5000/","pid":4711}',
        '{"time":"2026-11-22T08:00:05.090Z","level":"warn","message":"careful","pid":4711}',
        '{"time":"2026-11-22T08:00:05.090Z","level":"error","message":"broken","pid":4711}',
        '{"time":"2026-11-22T08:00:05.090Z","level":"fatal","message":"lost","pid":4711}'
      ])
    })
  )

  it.effect("has what a message has besides", () =>
    Effect.gen(function* () {
      const [line] = yield* collecting(atMoment(everything), LogFormats.json, worker)
      assert.deepStrictEqual(parse(line), {
        time: "2026-11-22T08:00:05.090Z",
        level: "info",
        message: 'user {"id":1} [2]',
        pid: 4711,
        worker: 2,
        requestId: "k3v9x2-1",
        traceId: "0af7651916cd43dd8448eb211c80319c",
        spanId: "b7ad6b7169203331",
        annotations: { path: "/a b", size: 3 },
        spans: { load: 0 }
      })
    })
  )

  it.effect("takes the span that the server names for that of the message", () =>
    Effect.gen(function* () {
      const named = Effect.annotateLogs(everything, { never: "seen" }).pipe(
        Effect.andThen(Effect.annotateLogs(Effect.logError("failed"), { traceId: "t", spanId: "s", worker: 3 }))
      )
      const [, line] = yield* collecting(atMoment(named), LogFormats.json)
      const { time, ...rest } = parse(line)
      assert.isString(time)
      assert.deepStrictEqual(rest, {
        level: "error",
        message: "failed",
        pid: 4711,
        worker: 3,
        traceId: "t",
        spanId: "s"
      })
    })
  )

  it.effect("has annotations as text when one of them cannot be read", () =>
    Effect.gen(function* () {
      const throws = (): never => {
        throw new Error("no")
      }
      for (const value of [{ toJSON: throws }, Object.defineProperty({}, "x", { get: throws, enumerable: true })]) {
        const message = Effect.logInfo("said").pipe(Effect.annotateLogs({ value, n: 1n, requestId: "one" }))
        const [line] = yield* collecting(message, LogFormats.json)
        const { annotations, message: said, requestId } = parse(line)
        assert.deepStrictEqual([said, requestId], ["said", "one"])
        assert.deepInclude(annotations, { n: "1n" })
        assert.property(annotations, "value")
      }
    })
  )

  it.effect("has a cause as text on the line", () =>
    Effect.gen(function* () {
      const [line = ""] = yield* collecting(failing, LogFormats.json)
      assert.include(String(parse(line)["cause"]), "Error: first\nerror: forged \u001b[2J\n    at ")
      assert.notInclude(line, "\n")
    })
  )
})

/** Values that would be taken for other annotations, lines or colours, and how they are written. */
const forgeries: ReadonlyArray<readonly [value: string, written: string]> = [
  ["/a", "/a"],
  ["/a status=200", '"/a status=200"'],
  ["a=b", '"a=b"'],
  ['" status="200', '"\\" status=\\"200"'],
  ["a\nerror: forged", '"a\\nerror: forged"'],
  ["\u001b[31mred", '"\\u001b[31mred"'],
  ["\u009b31m\u202e", '"\\u009b31m\\u202e"'],
  ["a\u00a0b\u2028c", '"a\u00a0b\\u2028c"'],
  ["a\\nb", '"a\\\\nb"'],
  ["", '""']
]

describe.each(["plain", "pretty"] as const)("an annotation of the %s format", (name) => {
  for (const [value, written] of forgeries) {
    it.effect(`is one, whatever it says: ${JSON.stringify(value)}`, () =>
      Effect.gen(function* () {
        const logged = Effect.annotateLogs(Effect.logInfo("said"), { path: value, size: 1 })
        const [line = ""] = yield* collecting(logged, formats[name])
        assert.strictEqual(line.slice(line.indexOf("said")), `said path=${written} size=1`)
      })
    )
  }

  it.effect("is one, whatever its name is", () =>
    Effect.gen(function* () {
      const logged = Effect.annotateLogs(Effect.logInfo("said"), { 'a b="c\n\u001b[2J': 1, "": 2 })
      const [line = ""] = yield* collecting(logged, formats[name])
      assert.strictEqual(line.slice(line.indexOf("said")), "said a_b__c__[2J=1 _=2")
    })
  )
})

const { json, logfmt, plain, pretty } = LogFormats
const formats = { json, logfmt, plain, pretty }

/** Text of any code units. */
const anyText = Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 0xffff })))

describe.each(["plain", "pretty", "logfmt", "json"] as const)("the %s format", (name) => {
  it.effect.prop(
    "keeps whatever a client sends on its line",
    [anyText, anyText],
    ([first, second]) =>
      Effect.gen(function* () {
        const [message, value] = [String.fromCharCode(...first), String.fromCharCode(...second)]
        const logged = Effect.annotateLogs(Effect.logInfo(message), { path: value })
        const lines = yield* collecting(logged, formats[name])
        assert.lengthOf(lines, 1)
        assert.notMatch(lines[0] ?? "", /[\p{Cc}\p{Bidi_Control}\u2028\u2029]/u)
        if (name === "plain" || name === "pretty") {
          const at = lines[0]?.lastIndexOf(" path=") ?? -1
          const written = lines[0]?.slice(at + " path=".length) ?? ""
          assert.strictEqual(written.startsWith('"') ? JSON.parse(written) : written, value)
        }
        if (name === "json") {
          const { annotations, message: read } = parse(lines[0])
          assert.strictEqual(read, message)
          assert.deepStrictEqual(annotations, { path: value })
        }
      }),
    { arbitrary: { runs: 200 } }
  )
})
