import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Cookies from "effect/http/Cookies"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { Readable } from "node:stream"
import { ask, nameOf, type Program, serve, versions, withLog } from "../support/HttpPrograms.ts"
import { type Fields, fetch } from "../support/HttpSuiteClient.ts"
import { until } from "../support/Until.ts"

const {
  empty,
  formData,
  html,
  htmlStream,
  jsonUnsafe,
  raw,
  redirect,
  schemaJson,
  stream,
  text,
  uint8Array,
  urlParams
} = HttpServerResponse

const bytes = (...texts: ReadonlyArray<string>) => Stream.map(Stream.fromIterable(texts), (text) => Buffer.from(text))

/** What a response looks like to a client, but for what every response has. */
interface Seen {
  readonly status?: number
  readonly headers?: Fields
  readonly text?: string
}

const Point = Schema.Struct({ x: Schema.FiniteFromString })

/** Programs, and what a client gets. */
const answers: ReadonlyArray<readonly [what: string, program: Program, seen: Seen]> = [
  ["nothing", Effect.succeed(empty()), { status: 204 }],
  [
    "nothing with a status",
    Effect.succeed(empty({ status: 202 })),
    { status: 202, headers: { "content-length": "0" } }
  ],
  [
    "a redirection",
    Effect.succeed(redirect("/there")),
    { status: 302, headers: { location: "/there", "content-length": "0" } }
  ],
  [
    "a text",
    Effect.succeed(text("Grün")),
    { headers: { "content-type": "text/plain", "content-length": "5" }, text: "Grün" }
  ],
  ["HTML", html`<b>${1}</b>`, { headers: { "content-type": "text/html", "content-length": "8" }, text: "<b>1</b>" }],
  [
    "bytes",
    Effect.succeed(uint8Array(Buffer.from("abc"))),
    { headers: { "content-type": "application/octet-stream", "content-length": "3" }, text: "abc" }
  ],
  [
    "JSON",
    Effect.succeed(jsonUnsafe({ a: 1 })),
    { headers: { "content-type": "application/json", "content-length": "7" }, text: `{"a":1}` }
  ],
  [
    "JSON by a schema",
    schemaJson(Point)({ x: 1 }, { status: 201 }),
    { status: 201, headers: { "content-type": "application/json", "content-length": "9" }, text: `{"x":"1"}` }
  ],
  [
    "URL parameters",
    Effect.succeed(urlParams({ a: "1 2" })),
    { headers: { "content-type": "application/x-www-form-urlencoded", "content-length": "5" }, text: "a=1+2" }
  ],
  [
    "a type of its own",
    Effect.succeed(text("a,b", { contentType: "text/csv", headers: { "x-own": "1" } })),
    { headers: { "content-type": "text/csv", "content-length": "3", "x-own": "1" }, text: "a,b" }
  ],
  [
    "an odd status",
    Effect.succeed(text("x", { status: 599 })),
    { status: 599, headers: { "content-type": "text/plain", "content-length": "1" }, text: "x" }
  ],
  [
    "a stream",
    Effect.succeed(stream(bytes("a", "", "bc"))),
    { headers: { "content-type": "application/octet-stream" }, text: "abc" }
  ],
  [
    "an empty stream",
    Effect.succeed(stream(Stream.empty)),
    { headers: { "content-type": "application/octet-stream", "content-length": "0" }, text: "" }
  ],
  [
    "a stream of a known length",
    Effect.succeed(stream(bytes("a", "bc"), { contentLength: 3 })),
    { headers: { "content-type": "application/octet-stream", "content-length": "3" }, text: "abc" }
  ],
  [
    "HTML that is streamed",
    htmlStream`<b>${Stream.make("x", "y")}</b>`,
    { headers: { "content-type": "text/html" }, text: "<b>xy</b>" }
  ]
]

/** Raw content, which belongs to one response. */
const raws: Readonly<Record<string, () => unknown>> = {
  "a text": () => "abc",
  bytes: () => Buffer.from("abc"),
  "an array buffer": () => Uint8Array.from([97, 98, 99]).buffer,
  "a readable": () => Readable.from(["a", Buffer.from("bc")]),
  "a readable of bytes": () => Readable.from([Buffer.from("abc")], { objectMode: false }),
  async *"an async generator"() {
    yield "a"
    yield Buffer.from("bc")
  },
  "a blob": () => new Blob(["a", "bc"]),
  "a stream of the web": () => new Blob(["abc"]).stream(),
  "a stream of texts": () => ReadableStream.from(["a", "bc"]),
  "a response": () => new Response("abc")
}

describe.each(versions)("HTTP/$version over $over", (way) => {
  const { status: _status, ...good } = { status: 200 }

  for (const [what, program, seen] of answers) {
    it.live(`${what} is sent`, () =>
      Effect.gen(function* () {
        const { headers, status, text } = yield* ask(way, program)
        const { date, ...others } = headers
        assert.match(String(date), / GMT$/)
        assert.deepStrictEqual(
          { status, headers: others, text },
          { status: 200, headers: {}, text: "", ...good, ...seen }
        )
      })
    )
  }

  for (const [what, make] of Object.entries(raws)) {
    it.live(`${what} as raw content is sent`, () =>
      Effect.gen(function* () {
        const program = Effect.sync(() => raw(make(), { contentType: "text/x-raw" }))
        const { client } = yield* serve(way, program)
        for (const _ of [1, 2]) {
          const { headers, status, text } = yield* fetch(client)
          assert.deepStrictEqual([status, headers["content-type"], text], [200, "text/x-raw", "abc"])
        }
      })
    )
  }

  it.live("no raw content is an empty response", () =>
    Effect.gen(function* () {
      for (const content of [null, undefined]) {
        const { headers, status, text } = yield* ask(way, Effect.succeed(raw(content)))
        assert.deepStrictEqual([status, headers["content-length"], text], [200, "0", ""])
      }
    })
  )

  it.live("raw content of a kind that cannot be sent is a 500, and logged", () =>
    withLog(
      Effect.fnUntraced(function* (messages) {
        for (const content of [{ a: 1 }, 42, () => "text"]) {
          const { status, text } = yield* ask(way, Effect.succeed(raw(content)))
          assert.deepStrictEqual([status, text], [500, ""])
        }
        yield* until("all are logged", () => messages.length === 3)
        assert.match(messages[0] ?? "", /raw content.*an object/s)
      })
    )
  )

  it.live("a raw response has its own status and fields, unless the other one has them", () =>
    Effect.gen(function* () {
      const inner = () =>
        new Response("inner", {
          status: 201,
          headers: [
            ["x-a", "inner"],
            ["x-b", "inner"],
            ["set-cookie", "a=1"],
            ["set-cookie", "b=2"]
          ]
        })
      const program = Effect.sync(() =>
        HttpServerResponse.setCookieUnsafe(raw(inner(), { headers: { "x-a": "outer" } }), "c", "3")
      )
      const { headers, status, text } = yield* ask(way, program)
      assert.deepStrictEqual([status, text], [201, "inner"])
      assert.deepInclude(headers, { "x-a": "outer", "x-b": "inner", "set-cookie": ["a=1", "b=2", "c=3"] })
      assert.match(String(headers["content-type"]), /^text\/plain/)
    })
  )

  it.live("a form is sent", () =>
    Effect.gen(function* () {
      const form = new FormData()
      form.append("a", "1")
      form.append("b", new File(["file"], "b.txt"))
      const program = Effect.succeed(formData(form, { status: 201, headers: { "content-type": "text/plain" } }))
      const { content, headers, status } = yield* ask(way, program)
      assert.strictEqual(status, 201)
      // There is no reading a form without the boundary that it was written with.
      const contentType = String(headers["content-type"])
      assert.match(contentType, /^multipart\/form-data; boundary=/)
      const received = yield* Effect.promise(() =>
        new Response(Uint8Array.from(content), { headers: { "content-type": contentType } }).formData()
      )
      const file = received.get("b")
      assert.strictEqual(received.get("a"), "1")
      assert.strictEqual(
        typeof file === "object" ? yield* Effect.promise(() => file?.text() ?? Promise.resolve("")) : "",
        "file"
      )
    })
  )

  it.live("each cookie is a field of its own", () =>
    Effect.gen(function* () {
      const program = Effect.succeed(
        empty({ headers: { "set-cookie": "own=0" } }).pipe(
          HttpServerResponse.setCookieUnsafe("a", "1 2"),
          HttpServerResponse.setCookieUnsafe("b", "", {
            httpOnly: true,
            secure: true,
            sameSite: "lax",
            partitioned: true,
            path: "/",
            domain: "example.com",
            expires: new Date(0),
            maxAge: Duration.minutes(1)
          })
        )
      )
      const { headers } = yield* ask(way, program)
      const lines = headers["set-cookie"]
      assert.sameMembers([...(lines ?? [])].slice(0, 2), ["own=0", "a=1%202"])
      const [, , b] = Object.values(Cookies.fromSetCookie(lines ?? []).cookies)
      assert.deepInclude(b?.options, {
        httpOnly: true,
        secure: true,
        sameSite: "lax",
        path: "/",
        domain: "example.com"
      })
      assert.deepStrictEqual(b?.options?.maxAge, Duration.minutes(1))
    })
  )

  it.live("fields that belong to a connection are not the program's", () =>
    Effect.gen(function* () {
      const headers = { "transfer-encoding": "chunked", "keep-alive": "timeout=1", "proxy-connection": "close" }
      const { client } = yield* serve(way, Effect.succeed(text("x", { headers })))
      for (const _ of [1, 2]) {
        const { outcome, text } = yield* fetch(client)
        assert.deepStrictEqual([outcome, text], ["complete", "x"])
      }
    })
  )

  it.live("values of bytes are sent as they are", () =>
    Effect.gen(function* () {
      const { headers } = yield* ask(way, Effect.succeed(text("x", { headers: { "x-bytes": "\xe9\xff" } })))
      assert.strictEqual(headers["x-bytes"], "\xe9\xff")
    })
  )
})

it.live(`many responses at a time, by ${nameOf({ version: "2", over: "TCP" })}, are those that were asked for`, () =>
  Effect.gen(function* () {
    const { client } = yield* serve(
      { version: "2", over: "TCP" },
      Effect.map(Effect.yieldNow, () => stream(bytes("a", "b")))
    )
    const texts = yield* Effect.forEach(
      Array.from({ length: 200 }, (_, index) => `/${index}`),
      (path) => Effect.map(fetch(client, { path }), ({ text }) => text),
      { concurrency: 50 }
    )
    assert.isTrue(texts.every((text) => text === "ab"))
  })
)
