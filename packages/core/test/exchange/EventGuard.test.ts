import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Schema from "effect/Schema"
import type { SendEvent } from "../../src/contract/Event.ts"
import { type Check, checkHttp, checkLifespan, checkSse, checkWebSocket } from "../../src/exchange/EventGuard.ts"

/** A property with a value that is refused, and what the error says was expected. */
type Mistake = readonly [property: string, value: unknown, expected: string]

interface Row {
  readonly check: Check
  /** Required properties and what the error says when one is missing. */
  readonly required: Readonly<Record<string, readonly [sound: unknown, missing: string]>>
  readonly optional?: Readonly<Record<string, ReadonlyArray<unknown>>>
  readonly mistakes?: ReadonlyArray<Mistake>
}

const aHeader: ReadonlyArray<unknown> = [
  [],
  [
    ["x-name", "value"],
    ["x-name", ""]
  ]
]
const headerMistakes: ReadonlyArray<Mistake> = [
  ["headers", "x-name: value", `Expected array at ["headers"]`],
  ["headers", { "x-name": "value" }, `Expected array at ["headers"]`],
  ["headers", [["x-name", 5]], `Expected string at ["headers"][0][1]`],
  ["headers", [["x-name", "value"], ["x-name"]], `Missing key at ["headers"][1][1]`],
  ["headers", undefined, `Expected array at ["headers"]`]
]
const finalStatus = [200, `Expected a status from 200 to 599 at ["status"]`] as const
const statusMistakes: ReadonlyArray<Mistake> = [
  ["status", "200", `Expected number at ["status"]`],
  ["status", 100, `Expected a value between 200 and 599 at ["status"]`],
  ["status", 199, `Expected a value between 200 and 599 at ["status"]`],
  ["status", 600, `Expected a value between 200 and 599 at ["status"]`],
  ["status", 200.5, `Expected an integer at ["status"]`],
  ["status", Number.NaN, `Expected an integer at ["status"]`]
]
const content: ReadonlyArray<unknown> = ["", "text", new Uint8Array(0), new Uint8Array(3), Buffer.from("text")]
const bodyMistakes: ReadonlyArray<Mistake> = [
  ["body", 5, `Expected string | Uint8Array at ["body"]`],
  ["body", null, `Expected string | Uint8Array at ["body"]`],
  ["body", [1, 2], `Expected string | Uint8Array at ["body"]`],
  ["body", new ArrayBuffer(2), `Expected string | Uint8Array at ["body"]`],
  ["more", "yes", `Expected boolean at ["more"]`],
  ["more", 1, `Expected boolean at ["more"]`]
]
const secondsMistakes = (property: string): ReadonlyArray<Mistake> => [
  [property, "1", `Expected number at ["${property}"]`],
  [property, -1, `Expected a value greater than or equal to 0 at ["${property}"]`],
  [property, Number.POSITIVE_INFINITY, `Expected a finite number at ["${property}"]`]
]
const textMistake = (property: string): Mistake => [property, 5, `Expected string at ["${property}"]`]

const responseStart = {
  required: { status: finalStatus },
  optional: { headers: aHeader },
  mistakes: [...statusMistakes, ...headerMistakes]
}
const responseBody = { required: {}, optional: { body: content, more: [true, false] }, mistakes: bodyMistakes }
const message = { required: {}, optional: { message: ["", "why"] }, mistakes: [textMistake("message")] }

const rows: Readonly<Record<SendEvent["type"], Row>> = {
  "http.response.start": {
    check: checkHttp,
    required: { status: finalStatus },
    optional: { status: [200, 204, 599], headers: aHeader, trailers: [true, false] },
    mistakes: [...statusMistakes, ...headerMistakes, ["trailers", 1, `Expected boolean at ["trailers"]`]]
  },
  "http.response.informational": {
    check: checkHttp,
    required: { status: [103, `Expected 102 | 103 at ["status"]`] },
    optional: { status: [102, 103], headers: aHeader },
    mistakes: [
      ["status", 100, `Expected 102 | 103 at ["status"]`],
      ["status", 101, `Expected 102 | 103 at ["status"]`],
      ["status", 200, `Expected 102 | 103 at ["status"]`],
      ...headerMistakes
    ]
  },
  "http.response.body": {
    check: checkHttp,
    required: {},
    optional: { body: content, more: [true, false] },
    mistakes: [
      ...bodyMistakes,
      ["file", 5, `Expected string at ["file"]`],
      ["fh", "3", `Expected a file handle or descriptor at ["fh"]`],
      ["fh", -1, `Expected a file handle or descriptor at ["fh"]`]
    ]
  },
  "http.response.trailers": {
    check: checkHttp,
    required: {},
    optional: { headers: aHeader },
    mistakes: headerMistakes
  },
  "http.fullflush": { check: checkHttp, required: {} },
  "sse.start": {
    check: checkSse,
    required: {},
    optional: { status: [200, 204], headers: aHeader },
    mistakes: [...statusMistakes, ...headerMistakes]
  },
  "sse.send": {
    check: checkSse,
    required: { data: ["line\nline", `Expected string at ["data"]`] },
    optional: { event: ["", "tick"], id: ["", "7"], retry: [0, 1500] },
    mistakes: [
      textMistake("data"),
      textMistake("event"),
      ["event", "a\nb", `at ["event"]`],
      ["event", "a\r", `at ["event"]`],
      textMistake("id"),
      ["id", "\r\n", `at ["id"]`],
      ["id", "a\0", `at ["id"]`],
      ["retry", -1, `Expected a value greater than or equal to 0 at ["retry"]`],
      ["retry", 0.5, `Expected an integer at ["retry"]`],
      ["retry", "5", `Expected number at ["retry"]`]
    ]
  },
  "sse.comment": {
    check: checkSse,
    required: { comment: ["", `Expected string at ["comment"]`] },
    mistakes: [textMistake("comment")]
  },
  "sse.keepalive": {
    check: checkSse,
    required: { interval: [0, `Expected a number of seconds at ["interval"]`] },
    optional: { interval: [0.5, 30], comment: ["", ":"] },
    mistakes: [...secondsMistakes("interval"), textMistake("comment")]
  },
  "sse.close": { check: checkSse, required: {}, optional: { reason: ["done"] }, mistakes: [textMistake("reason")] },
  "sse.http.response.start": { check: checkSse, ...responseStart },
  "sse.http.response.body": { check: checkSse, ...responseBody },
  "websocket.accept": {
    check: checkWebSocket,
    required: {},
    optional: { subprotocol: ["chat"], headers: aHeader },
    mistakes: [textMistake("subprotocol"), ...headerMistakes]
  },
  "websocket.send": {
    check: checkWebSocket,
    required: { text: ["hello", `Expected string at ["text"] or Expected Uint8Array at ["bytes"]`] },
    mistakes: [
      ["text", 5, `Expected string at ["text"]`],
      ["bytes", new Uint8Array(1), `Expected text or bytes, not both, at ["bytes"]`]
    ]
  },
  "websocket.close": {
    check: checkWebSocket,
    required: {},
    optional: { code: [1000, 4999], reason: ["", "bye"] },
    mistakes: [
      ["code", 999, `Expected a value between 1000 and 4999 at ["code"]`],
      ["code", 5000, `Expected a value between 1000 and 4999 at ["code"]`],
      ["code", 1000.5, `Expected an integer at ["code"]`],
      textMistake("reason")
    ]
  },
  "websocket.keepalive": {
    check: checkWebSocket,
    required: { interval: [20, `Expected a number of seconds at ["interval"]`] },
    optional: { timeout: [0, 5] },
    mistakes: [...secondsMistakes("interval"), ...secondsMistakes("timeout")]
  },
  "websocket.http.response.start": { check: checkWebSocket, ...responseStart },
  "websocket.http.response.body": { check: checkWebSocket, ...responseBody },
  "lifespan.startup.complete": { check: checkLifespan, required: {} },
  "lifespan.startup.failed": { check: checkLifespan, ...message },
  "lifespan.shutdown.complete": { check: checkLifespan, required: {} },
  "lifespan.shutdown.failed": { check: checkLifespan, ...message }
}

const minimal = (type: string, row: Row): Record<string, unknown> => {
  const event: Record<string, unknown> = { type }
  for (const [property, [value]] of Object.entries(row.required)) event[property] = value
  return event
}

const assertRefused = (check: Check, event: unknown, type: string, expected: string) => {
  const error = check(event)
  assert.strictEqual(error?.reason._tag, "InvalidEvent")
  assert.strictEqual(error?.reason.event, type)
  assert.include(error?.message, expected)
  assert.isTrue(error?.message.startsWith(`${type}: `))
}

describe("EventGuard", () => {
  describe.each(Object.entries(rows))("%s", (type, row) => {
    const event = minimal(type, row)

    it("accepts the event with its required properties only", () => {
      assert.isUndefined(row.check(event))
    })

    it("accepts every sound value of its properties", () => {
      for (const [property, values] of Object.entries(row.optional ?? {})) {
        for (const value of values) assert.isUndefined(row.check({ ...event, [property]: value }), property)
      }
    })

    it("ignores properties that it does not know", () => {
      assert.isUndefined(row.check({ ...event, "x-extra": { deep: [1] }, another: undefined }))
    })

    it("refuses a missing property", () => {
      for (const [property, [, missing]] of Object.entries(row.required)) {
        const { [property]: _, ...rest } = event
        assertRefused(row.check, rest, type, missing)
      }
    })

    it("refuses a wrong property", () => {
      for (const [property, value, expected] of row.mistakes ?? []) {
        assertRefused(row.check, { ...event, [property]: value }, type, expected)
      }
    })

    it("does not quote what was sent, however long it is", () => {
      const long = Array.from({ length: 10_000 }, () => "secret")
      for (const property of Object.keys({ ...row.required, ...row.optional })) {
        const error = row.check({ ...event, [property]: long })
        assert.isDefined(error)
        assert.isBelow(error?.message.length ?? Number.NaN, 200)
        assert.notInclude(error?.message, "secret")
      }
    })
  })

  it("accepts bytes in place of text, but not neither and not both", () => {
    assert.isUndefined(checkWebSocket({ type: "websocket.send", bytes: new Uint8Array(2) }))
    assertRefused(checkWebSocket, { type: "websocket.send", bytes: "text" }, "websocket.send", `at ["bytes"]`)
  })

  const families = [
    { name: "http", check: checkHttp },
    { name: "sse", check: checkSse },
    { name: "websocket", check: checkWebSocket },
    { name: "lifespan", check: checkLifespan }
  ]

  describe.each(families)("$name", ({ name, check }) => {
    it("refuses the events of other scopes and names its own", () => {
      for (const [type, row] of Object.entries(rows)) {
        const error = check(minimal(type, row))
        if (row.check === check) assert.isUndefined(error)
        else {
          assert.strictEqual(error?.reason.event, type)
          assert.include(error?.message, `unknown event type for the ${name} scope; expected one of ${name}.`)
        }
      }
    })

    it("names every event type that it knows when it refuses one that it does not know", () => {
      const own = Object.entries(rows).flatMap(([type, row]) => (row.check === check ? [type] : []))
      for (const type of ["", "http", `${name}.response`, "__proto__", "constructor", "toString"]) {
        const error = check({ type })
        assert.strictEqual(error?.reason.event, type)
        assert.isTrue(error?.message.endsWith(`expected one of ${own.join(", ")}`), error?.message)
      }
    })

    it("refuses what is no event at all", () => {
      const junk = [
        undefined,
        null,
        0,
        "",
        "http.response.start",
        true,
        5n,
        Symbol("type"),
        [],
        () => undefined,
        new Map()
      ]
      const types = [undefined, null, 5, Symbol("type"), {}, Object.create(null), [], ["http.response.body"]]
      for (const event of [...junk, {}, ...types.map((type) => ({ type }))]) {
        const error = check(event)
        assert.strictEqual(error?.reason.event, "an event without a type")
        assert.include(error?.message, `unknown event type for the ${name} scope`)
      }
    })
  })

  const properties = [
    "status",
    "headers",
    "trailers",
    "body",
    "file",
    "fh",
    "offset",
    "more",
    "data",
    "event",
    "text",
    "bytes",
    "code"
  ]
  const junk = Schema.Record(
    Schema.Union([Schema.Literals(properties), Schema.String]),
    Schema.Union([Schema.Unknown, Schema.Array(Schema.Array(Schema.Union([Schema.String, Schema.Unknown])))])
  )
  const junkEvent = Arbitrary.map(
    Arbitrary.all([
      Arbitrary.schema(Schema.Union([Schema.Literals(Object.keys(rows)), Schema.Unknown])),
      Arbitrary.schema(junk)
    ]),
    ([type, properties]): unknown => ({ ...properties, type })
  )

  describe("a file as the rest of the body", () => {
    const type = "http.response.body"

    it.each([
      { file: "/srv/a.txt" },
      { file: "/srv/a.txt", offset: 0, length: 0, more: false },
      { fh: 3, offset: 10 },
      { fh: { fd: 3, close: () => undefined }, length: 7 }
    ])("takes %o", (event) => {
      assert.isUndefined(checkHttp({ type, ...event }))
    })

    it.each([
      [{ file: "/srv/a.txt", body: "" }, "Expected one of body, file and fh"],
      [{ file: "/srv/a.txt", fh: 3 }, "Expected one of body, file and fh"],
      [{ fh: 3, body: "" }, "Expected one of body, file and fh"],
      [{ file: "/srv/a.txt", offset: -1 }, `["offset"]`],
      [{ file: "/srv/a.txt", offset: 0.5 }, `["offset"]`],
      [{ fh: 3, length: Number.NaN }, `["length"]`],
      [{ fh: 3, more: true }, "Expected false, because a file ends the response"]
    ])("refuses %o", (event, expected) => {
      assertRefused(checkHttp, { type, ...event }, type, expected)
    })
  })

  it.prop(
    "answers junk with undefined or an error, and never throws",
    [junkEvent, Schema.Unknown],
    (candidates) => {
      for (const { check } of families) {
        for (const candidate of candidates) {
          const error = check(candidate)
          if (error !== undefined) assert.strictEqual(error._tag, "SendError")
        }
      }
    },
    { arbitrary: { runs: 200, size: 8 } }
  )
})
