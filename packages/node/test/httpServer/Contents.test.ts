/** Content of responses: where there must be none, and how it keeps to its length and to the client's pace. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Stream from "effect/Stream"
import { Readable } from "node:stream"
import { ask, serve, versions, withLog } from "../support/HttpPrograms.ts"
import { attempt, fetch } from "../support/HttpSuiteClient.ts"
import { pattern, settled } from "../support/Traffic.ts"
import { turns, until } from "../support/Until.ts"

const { raw, stream, text } = HttpServerResponse

const bytes = (...texts: ReadonlyArray<string>) => Stream.map(Stream.fromIterable(texts), (text) => Buffer.from(text))

describe.each(versions)("HTTP/$version over $over", (way) => {
  it.live("HEAD gets the head of GET, and the content is neither read nor kept open", () =>
    Effect.gen(function* () {
      let reads = 0
      let closed = 0
      const readable = () => {
        const made = new Readable({ read: () => reads++ })
        made.on("close", () => closed++)
        return made
      }
      const streamed = Stream.sync(() => Buffer.from(`${++reads}`))
      const web = () =>
        new ReadableStream({ pull: () => void reads++, cancel: () => void closed++ }, { highWaterMark: 0 })
      for (const [make, headers] of [
        [() => text("12345"), { "content-type": "text/plain", "content-length": "5" }],
        [() => stream(streamed), { "content-type": "application/octet-stream" }],
        [
          () => stream(streamed, { contentLength: 7 }),
          { "content-type": "application/octet-stream", "content-length": "7" }
        ],
        [() => raw(readable()), {}],
        [() => raw(readable(), { contentLength: 9 }), { "content-length": "9" }],
        [() => raw(web()), {}],
        [() => raw(new Response(web(), { headers: { "x-own": "1" } })), { "x-own": "1" }]
      ] as const) {
        const head = yield* ask(way, Effect.sync(make), { method: "HEAD" })
        const { date: _, ...others } = head.headers
        assert.deepStrictEqual([head.status, head.text, others], [200, "", headers])
      }
      yield* until("what was raw is closed", () => closed === 4)
      assert.strictEqual(reads, 0)
    })
  )

  // Node rejects a promise of its own when its stream of a form is cancelled, which fails the test, and ends a server.
  it.live("a form of which the client does not read the end", () =>
    Effect.gen(function* () {
      const data = new FormData()
      data.set("file", new File([new Uint8Array(10_000_000)], "file"))
      const forms = [() => HttpServerResponse.formData(data), () => raw(new Response(data))]
      for (const make of forms) {
        const { client } = yield* serve(way, Effect.sync(make))
        assert.strictEqual((yield* fetch(client, { method: "HEAD" })).text, "")
        const exchange = client.begin({})
        yield* exchange.started
        exchange.pause()
        exchange.abort()
        yield* turns(50)
        assert.strictEqual((yield* fetch(client, { method: "HEAD" })).status, 200)
      }
    })
  )

  it.live("statuses without content get none, and what they would have had is closed", () =>
    Effect.gen(function* () {
      let closed = 0
      const readable = () => {
        const made = new Readable({ read: () => {} })
        made.on("close", () => closed++)
        return made
      }
      for (const [status, length] of [
        [204, undefined],
        [205, "0"],
        [304, "5"]
      ] as const) {
        const withText = yield* ask(way, Effect.succeed(text("12345", { status })))
        assert.deepStrictEqual([withText.status, withText.text], [status, ""])
        assert.strictEqual(withText.headers["content-length"], length)
        const withRaw = yield* ask(
          way,
          Effect.sync(() => raw(readable(), { status }))
        )
        assert.deepStrictEqual([withRaw.status, withRaw.text], [status, ""])
      }
      yield* until("what was raw is closed", () => closed === 3)
    })
  )

  it.live("a large content arrives unchanged, and no further than the client reads", () =>
    Effect.gen(function* () {
      const piece = pattern(65_536)
      let pulled = 0
      const pieces = Stream.unfold(0, (index) =>
        Effect.sync(() => {
          pulled = index
          return index === 256 ? undefined : ([piece, index + 1] as const)
        })
      )
      const { client } = yield* serve(way, Effect.succeed(stream(pieces)))
      const exchange = client.begin({})
      yield* exchange.started
      exchange.pause()
      yield* settled("what is sent", () => pulled)
      assert.isBelow(pulled, 200)
      exchange.resume()
      yield* exchange.ended
      assert.strictEqual(exchange.outcome, "complete")
      assert.isTrue(exchange.content.equals(Buffer.concat(Array.from({ length: 256 }, () => piece))))
    })
  )

  it.live("a readable is read no further than the client reads", () =>
    Effect.gen(function* () {
      const piece = Buffer.alloc(65_536)
      let pulled = 0
      const program = Effect.sync(() =>
        raw(
          new Readable({
            read() {
              this.push(++pulled > 256 ? null : piece)
            }
          })
        )
      )
      const { client } = yield* serve(way, program)
      const exchange = client.begin({})
      yield* exchange.started
      exchange.pause()
      yield* settled("what is read", () => pulled)
      assert.isBelow(pulled, 200)
      exchange.resume()
      yield* exchange.ended
      assert.strictEqual(exchange.received, 256 * 65_536)
    })
  )

  it.live("a content that is not as long as was said is cut off", () =>
    withLog(
      Effect.fnUntraced(function* () {
        for (const make of [
          () => stream(bytes("abc"), { contentLength: 9 }),
          () => stream(bytes("abc", "def"), { contentLength: 4 }),
          () => raw(Readable.from([Buffer.from("abc")]), { contentLength: 9 }),
          () => raw(Readable.from([Buffer.from("abc"), Buffer.from("def")]), { contentLength: 4 })
        ]) {
          const { client } = yield* serve(way, Effect.sync(make))
          // Of a first piece that is too much nothing has been sent.
          const { outcome, status } = yield* attempt(client)
          assert.isTrue(outcome === "failed" || status === 500)
        }
      })
    )
  )
})
