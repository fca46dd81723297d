/** Requests as fetch handlers see them, over both versions of HTTP. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { plain, serveFetch } from "./support/FetchServers.ts"
import { attempt, fetch as request } from "./support/HttpSuiteClient.ts"
import { mebibyte, pattern } from "./support/Traffic.ts"
import { turns, until } from "./support/Until.ts"

describe.each(plain)("a fetch handler over HTTP/$version", (way) => {
  it.live("sees the request", () =>
    Effect.gen(function* () {
      const { client, server } = yield* serveFetch(way, (given, info) =>
        Response.json({
          is: given instanceof Request,
          method: given.method,
          url: given.url,
          headers: [given.headers.get("X-A"), given.headers.get("x-none")],
          body: given.body,
          info: [info.remoteAddress, typeof info.remotePort, info.httpVersion, info.secure, info.readiness.isReady]
        })
      )
      const { headers, status, text } = yield* request(client, { path: "/a/b?c=d&c=e", headers: { "x-a": ["1", "2"] } })
      assert.strictEqual(status, 200)
      assert.strictEqual(headers["content-type"], "application/json")
      assert.strictEqual(headers["content-length"], String(text.length))
      assert.deepStrictEqual(JSON.parse(text), {
        is: true,
        method: "GET",
        url: "http://test/a/b?c=d&c=e",
        headers: ["1, 2", null],
        body: null,
        info: ["127.0.0.1", "number", way.version, false, true]
      })
      assert.isAbove(server.port, 0)
    })
  )

  it.live("may have a very long URL", () =>
    Effect.gen(function* () {
      const { client } = yield* serveFetch(way, ({ url }) => new Response(url))
      const path = `/${"a/".repeat(2000)}?${"b=c&".repeat(800)}`
      const { text } = yield* request(client, { path })
      assert.strictEqual(text, `http://test${path}`)
    })
  )

  describe("the content of a request", () => {
    const content = pattern(3 * mebibyte)

    for (const [name, read] of Object.entries<(given: Request) => Promise<Uint8Array>>({
      "bytes()": (given) => given.bytes(),
      "arrayBuffer()": async (given) => new Uint8Array(await given.arrayBuffer()),
      "blob()": async (given) => new Uint8Array(await (await given.blob()).arrayBuffer()),
      "a stream": async (given) => {
        const pieces: Array<Uint8Array> = []
        for await (const piece of given.body ?? []) pieces.push(piece)
        return Buffer.concat(pieces)
      },
      "a clone": async (given) => {
        const clone = given.clone()
        await given.bytes()
        return clone.bytes()
      },
      "another request": async (given) => new Request(given).bytes()
    })) {
      it.live(`arrives as ${name}`, () =>
        Effect.gen(function* () {
          const { client } = yield* serveFetch(way, async (given) => {
            const bytes = await read(given)
            return Response.json([bytes.length, Buffer.compare(bytes, content), given.bodyUsed])
          })
          const { text } = yield* request(client, { method: "POST", content })
          assert.deepStrictEqual(JSON.parse(text), [content.length, 0, true])
        })
      )
    }

    it.live("is a form with a file", () =>
      Effect.gen(function* () {
        const { client } = yield* serveFetch(way, async (given) => {
          const form = await given.formData()
          const file = form.get("file")
          return Response.json([form.get("a"), file instanceof File ? [file.name, file.type, await file.text()] : file])
        })
        const form = new FormData()
        form.set("a", "ä")
        form.set("file", new File(["Hello"], "a.css", { type: "text/css" }))
        const sent = new Response(form)
        const { text } = yield* request(client, {
          method: "POST",
          headers: { "content-type": sent.headers.get("content-type") ?? "" },
          content: yield* Effect.promise(() => sent.bytes())
        })
        assert.deepStrictEqual(JSON.parse(text), ["ä", ["a.css", "text/css", "Hello"]])
      })
    )

    it.live("is asked for when it is read, and not before", () =>
      Effect.gen(function* () {
        let go = (): void => {}
        let isWaiting = false
        const { client } = yield* serveFetch(way, async (given) => {
          await new Promise<void>((resolve) => {
            go = resolve
            isWaiting = true
          })
          return new Response(await given.text())
        })
        // Node's client of HTTP/2 sees no 100 that it has not asked for.
        const exchange = client.begin({
          method: "POST",
          content: ["a", "b"].map((text) => Buffer.from(text)),
          headers: { expect: "100-continue" }
        })
        yield* until("the handler runs", () => isWaiting)
        yield* turns(20)
        assert.isUndefined(exchange.status)
        go()
        yield* exchange.ended
        assert.strictEqual(exchange.text, "ab")
      })
    )

    it.live("comes as it is read, whatever has been sent", () =>
      Effect.gen(function* () {
        let read = (): void => {}
        let received = 0
        const { client } = yield* serveFetch(way, async (given) => {
          const reader = given.body?.getReader()
          for (let next = await reader?.read(); next?.done === false; next = await reader?.read()) {
            if (received === 0) {
              await new Promise<void>((resolve) => {
                read = resolve
                received = next?.value?.length ?? 0
              })
            } else received += next.value.length
          }
          return new Response(String(received))
        })
        const exchange = client.begin({ method: "POST", content: Array.from({ length: 3 }, () => pattern(mebibyte)) })
        yield* until("something arrives", () => received > 0)
        yield* turns(20)
        assert.isBelow(received, mebibyte)
        assert.isUndefined(exchange.outcome)
        read()
        yield* exchange.ended
        assert.strictEqual(exchange.text, String(3 * mebibyte))
      })
    )

    it.live("need not be read", () =>
      Effect.gen(function* () {
        const { client } = yield* serveFetch(way, () => new Response("good"))
        for (let time = 0; time < 3; time++) {
          const { text } = yield* request(client, { method: "POST", content })
          assert.strictEqual(text, "good")
        }
      })
    )

    it.live("is read once", () =>
      Effect.gen(function* () {
        const { client } = yield* serveFetch(way, async (given) => {
          await given.text()
          return new Response(await given.text().catch(String))
        })
        const { text } = yield* request(client, { method: "POST", content: "a" })
        assert.strictEqual(text, "TypeError: Body is unusable: Body has already been read")
      })
    )

    it.live("beyond the limit is refused with 413", () =>
      Effect.gen(function* () {
        let error: unknown
        const { client } = yield* serveFetch(
          way,
          async (given) => {
            await given.bytes().catch((reason) => {
              error = reason
            })
            return new Response("too late")
          },
          { maxBodySize: 1000 }
        )
        const { status } = yield* attempt(client, { method: "POST", content: [pattern(600), pattern(600)] })
        assert.strictEqual(status, 413)
        yield* until("the handler is told", () => error !== undefined)
        assert.match(String(error), /^AbortError/)
      })
    )
  })
})
