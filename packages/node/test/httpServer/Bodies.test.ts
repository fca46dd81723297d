/** The content of requests, as programs read it. */
import { assert, describe, it } from "@effect/vitest"
import * as ByteSize from "effect/ByteSize"
import * as Effect from "effect/Effect"
import * as HttpIncomingMessage from "effect/http/HttpIncomingMessage"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as UrlParams from "effect/http/UrlParams"
import * as Latch from "effect/Latch"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { open } from "../support/Client.ts"
import { ask, type Program, serve, versions, withLog, withRequest } from "../support/HttpPrograms.ts"
import { attempt, fetch, type HttpExchange } from "../support/HttpSuiteClient.ts"
import { pattern, settled } from "../support/Traffic.ts"
import { until } from "../support/Until.ts"

const split = (text: string) => [...text].map((character) => Buffer.from(character))

const textOf = (request: HttpServerRequest.HttpServerRequest) => Stream.mkString(Stream.decodeText(request.stream))

/** Answers with the content as JSON has it. */
const readers = {
  text: ({ text }: HttpServerRequest.HttpServerRequest) => text,
  bytes: ({ arrayBuffer }) => Effect.map(arrayBuffer, (buffer) => Buffer.from(buffer).toString()),
  json: ({ json }) => json,
  stream: textOf,
  form: ({ urlParamsBody }) => Effect.map(urlParamsBody, (params) => [...params])
} satisfies Readonly<Record<string, (request: HttpServerRequest.HttpServerRequest) => Effect.Effect<unknown, unknown>>>

const reading = (name: keyof typeof readers): Program =>
  withRequest((request) => Effect.map(readers[name](request), HttpServerResponse.jsonUnsafe))

describe.each(versions)("HTTP/$version over $over", (way) => {
  const post = (program: Program, content: string | Uint8Array | ReadonlyArray<Uint8Array>) =>
    ask(way, program, { method: "POST", content })

  const read = (name: keyof typeof readers, content: string | ReadonlyArray<Uint8Array>) =>
    Effect.map(post(reading(name), content), ({ status, text }) => {
      assert.strictEqual(status, 200)
      return JSON.parse(text)
    })

  for (const [how, contentOf] of [
    ["whole", (text: string) => text],
    ["in pieces", split]
  ] as const) {
    it.live(`content that comes ${how} is read as text, bytes, JSON, URL parameters and a stream`, () =>
      Effect.gen(function* () {
        for (const name of ["text", "bytes", "stream"] as const)
          assert.strictEqual(yield* read(name, contentOf("Grün")), "Grün")
        assert.deepStrictEqual(yield* read("json", contentOf(`{"a":["b"]}`)), { a: ["b"] })
        assert.deepStrictEqual(yield* read("form", contentOf("a=1&b=%26+x&a=2&c")), [
          ["a", "1"],
          ["b", "& x"],
          ["a", "2"],
          ["c", ""]
        ])
      })
    )
  }

  it.live("content of a kind that a text could hide is kept", () =>
    Effect.gen(function* () {
      // A question mark would begin a query, and a byte order mark a text.
      assert.deepStrictEqual(yield* read("form", "?a=1"), [["?a", "1"]])
      assert.deepStrictEqual(yield* read("form", "\ufeffa=1"), [["\ufeffa", "1"]])
      assert.deepStrictEqual(yield* read("text", "\ufeffa"), "a")
    })
  )

  it.live("no content is an empty text, no parameters, and null", () =>
    Effect.gen(function* () {
      for (const name of ["text", "bytes", "stream"] as const) assert.strictEqual(yield* read(name, ""), "")
      assert.deepStrictEqual(yield* read("form", ""), [])
      assert.strictEqual(yield* read("json", ""), null)
      const { text } = yield* ask(way, reading("text"))
      assert.strictEqual(text, `""`)
    })
  )

  it.live("a megabyte arrives unchanged", () =>
    Effect.gen(function* () {
      const content = pattern(1_048_577)
      const program = withRequest((request) =>
        Effect.map(request.arrayBuffer, (buffer) => HttpServerResponse.uint8Array(new Uint8Array(buffer)))
      )
      assert.isTrue((yield* post(program, content)).content.equals(content))
    })
  )

  it.live("content is read once, and then known", () =>
    Effect.gen(function* () {
      const program = withRequest((request) =>
        Effect.map(
          Effect.all([request.text, request.json, request.urlParamsBody, request.arrayBuffer], { concurrency: 4 }),
          ([text, json, params, bytes]) =>
            HttpServerResponse.jsonUnsafe([text, json, UrlParams.toString(params), bytes.byteLength])
        )
      )
      assert.strictEqual((yield* post(program, split("12"))).text, `["12",12,"12=",2]`)
    })
  )

  it.live("bytes that a program has been given are its own", () =>
    Effect.gen(function* () {
      const program = withRequest((request) =>
        Effect.gen(function* () {
          new Uint8Array(yield* request.arrayBuffer).fill(0)
          return HttpServerResponse.text(yield* request.text)
        })
      )
      assert.strictEqual((yield* post(program, "kept")).text, "kept")
    })
  )

  it.live("behind the end of content there is none", () =>
    Effect.gen(function* () {
      for (const [first, second] of [
        ["stream", "stream"],
        ["stream", "text"],
        ["text", "stream"]
      ] as const) {
        const program = withRequest((request) =>
          Effect.gen(function* () {
            const texts = [yield* readers[first](request), yield* readers[second](request)]
            return HttpServerResponse.text(texts.join("|"))
          })
        )
        assert.strictEqual((yield* post(program, split("once"))).text, "once|", `${first}, then ${second}`)
      }
    })
  )

  it.live("a program that leaves a stream early reads on where it has left", () =>
    Effect.gen(function* () {
      const program = withRequest((request) =>
        Effect.gen(function* () {
          const first = yield* Stream.mkString(Stream.decodeText(Stream.take(request.stream, 1)))
          return HttpServerResponse.text(`${first.length > 0}|${first}${yield* request.text}`)
        })
      )
      assert.strictEqual((yield* post(program, split("abcdef"))).text, "true|abcdef")
    })
  )

  it.live("a stream is read while it comes, and answered meanwhile", () =>
    Effect.gen(function* () {
      const more = Latch.makeUnsafe(false)
      const program = withRequest((request) =>
        Effect.succeed(HttpServerResponse.stream(Stream.tap(request.stream, () => more.await)))
      )
      const { client } = yield* serve(way, program)
      const exchange = client.begin({ method: "POST", content: split("echo") })
      yield* exchange.started
      assert.strictEqual(exchange.status, 200)
      assert.strictEqual(exchange.text, "")
      yield* more.open
      yield* exchange.ended
      assert.strictEqual(exchange.text, "echo")
    })
  )

  it.live("a client is not read faster than the program reads its stream", () =>
    Effect.gen(function* () {
      const more = Latch.makeUnsafe(false)
      let received = 0
      const program = withRequest((request) =>
        Effect.map(
          Stream.runForEach(request.stream, (bytes) => {
            received += bytes.length
            return more.await
          }),
          () => HttpServerResponse.text(String(received))
        )
      )
      const { client } = yield* serve(way, program, { server: { maxBodySize: 0 } })
      const content = Array.from({ length: 64 }, () => new Uint8Array(262_144))
      const exchange: HttpExchange = client.begin({ method: "POST", content })
      yield* until("the first piece arrives", () => received > 0)
      yield* settled("what the program has received", () => received)
      assert.isBelow(received, 1_000_000)
      yield* more.open
      yield* exchange.ended
      assert.strictEqual(exchange.text, String(64 * 262_144))
    })
  )

  it.live("JSON that is none is answered with 400, and nothing is logged", () =>
    withLog(
      Effect.fnUntraced(function* (messages) {
        for (const content of ["{", "[1,]", "nul"]) {
          assert.strictEqual((yield* post(reading("json"), content)).status, 400, content)
        }
        assert.deepStrictEqual(messages, [])
      })
    )
  )

  it.live("schemas decode JSON, URL parameters, headers and cookies", () =>
    Effect.gen(function* () {
      const Amount = Schema.Struct({ amount: Schema.FiniteFromString })
      const program = Effect.gen(function* () {
        const [body, headers, cookies] = yield* Effect.all([
          HttpServerRequest.schemaBodyUrlParams(Amount),
          HttpServerRequest.schemaHeaders(Schema.Struct({ "x-amount": Schema.FiniteFromString })),
          HttpServerRequest.schemaCookies(Amount)
        ])
        return HttpServerResponse.text(String(body.amount + headers["x-amount"] + cookies.amount))
      })
      const request = {
        method: "POST",
        content: "amount=1",
        headers: { "content-type": "application/x-www-form-urlencoded", "x-amount": "2", cookie: "amount=4" }
      }
      assert.strictEqual((yield* ask(way, program, request)).text, "7")
    })
  )

  it.live("content that the program finds too large is answered with 413, and the next request is served", () =>
    withLog(
      Effect.fnUntraced(function* (messages) {
        for (const name of ["text", "json", "form", "bytes"] as const) {
          const program = Effect.provideService(
            reading(name),
            HttpIncomingMessage.MaxBodySize,
            ByteSize.fromInputUnsafe(4)
          )
          const { client } = yield* serve(way, program)
          const all = yield* fetch(client, { method: "POST", content: "1234" })
          assert.strictEqual(all.status, 200, name)
          for (const content of ["12345", split("12345")]) {
            assert.strictEqual((yield* attempt(client, { method: "POST", content })).status, 413, name)
          }
          assert.strictEqual((yield* fetch(client, { method: "POST", content: "12" })).status, 200, name)
        }
        assert.deepStrictEqual(messages, [])
      })
    )
  )

  it.live("content that is too large for the server is answered with 413, whatever the program says", () =>
    Effect.gen(function* () {
      const problems: Array<string> = []
      const program = withRequest((request) =>
        Effect.map(request.text, HttpServerResponse.text).pipe(
          Effect.tapError(({ reason }) =>
            Effect.sync(() => problems.push(reason._tag === "RequestParseError" ? String(reason.reason) : reason._tag))
          )
        )
      )
      const { client } = yield* serve(way, program, { server: { maxBodySize: 4 } })
      const content = ["123", "456"].map((text) => Buffer.from(text))
      assert.strictEqual((yield* attempt(client, { method: "POST", content })).status, 413)
      assert.strictEqual((yield* fetch(client, { method: "POST", content: "1234" })).text, "1234")
      yield* until("the program is told", () => problems.length > 0)
      assert.deepStrictEqual(problems, ["BodyTooLarge"])
    })
  )

  it.live("content that the program does not read does not keep the next request from being served", () =>
    Effect.gen(function* () {
      const { client } = yield* serve(way, Effect.succeed(HttpServerResponse.text("unread")))
      for (const content of ["small", pattern(100_000), split("pieces")]) {
        assert.strictEqual((yield* fetch(client, { method: "POST", content })).text, "unread")
      }
    })
  )

  it.live("a client that waits for leave to send its content gets it when the program reads", () =>
    Effect.gen(function* () {
      const { client } = yield* serve(way, reading("text"))
      const exchange = yield* fetch(client, {
        method: "POST",
        content: "after 100",
        headers: { expect: "100-continue" }
      })
      assert.strictEqual(exchange.text, `"after 100"`)
    })
  )
})

it.live("a client that waits for leave to send its content does not get it when the program does not read", () =>
  Effect.gen(function* () {
    const { target } = yield* serve({ version: "1.1", over: "TCP" }, Effect.succeed(HttpServerResponse.text("no")))
    const client = yield* open("port" in target.address ? target.address.port : 0)
    client.send("POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n")
    yield* client.ended
    assert.match(client.text, /^HTTP\/1\.1 200 /)
    assert.match(client.text, /\r\n\r\nno$/)
  })
)
