import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type { Page } from "playwright-core"
import { certificates } from "../support/Certificates.ts"
import { browser, hasBrowser } from "./support/Browser.ts"
import { serve, tlsFlags } from "./support/Http2.ts"

interface Visit {
  readonly type: string
  readonly path: string
  readonly httpVersion: string
  readonly port: number
}

/** The page of `fixtures/http2.ts`, by a browser that trusts everybody. */
const open = (url: string) =>
  Effect.gen(function* () {
    const chromium = yield* browser
    return yield* Effect.promise(async () => {
      const page = await chromium.newPage({ ignoreHTTPSErrors: true })
      page.setDefaultTimeout(15_000)
      await page.goto(url)
      return page
    })
  })

const when = (page: Page, condition: string) =>
  Effect.promise(async () => {
    try {
      await page.waitForFunction(condition)
    } catch {
      const seen = await page.evaluate("JSON.stringify({ events: events.length, messages, ending })")
      throw new Error(`never happened in the page: ${condition}; ${seen}`)
    }
  })

const evaluate = (page: Page, expression: string) => Effect.promise<unknown>(() => page.evaluate(expression))

const visitsOf = (page: Page) =>
  Effect.promise(() => page.evaluate<ReadonlyArray<Visit>>("fetch('/visits').then((response) => response.json())"))

describe.skipIf(!hasBrowser)("HTTP/2 in Chromium", () => {
  it.live("carries a page, events and a WebSocket over one connection", () =>
    Effect.gen(function* () {
      const server = yield* serve(tlsFlags(yield* Effect.promise(certificates)))
      const page = yield* open(server.url("/"))
      yield* when(page, "events.length >= 2")
      assert.deepStrictEqual(yield* evaluate(page, "events.slice(0, 2)"), ["1", "2"])

      yield* evaluate(page, "connect()")
      yield* when(page, "socket.readyState === WebSocket.OPEN")
      assert.strictEqual(yield* evaluate(page, "socket.protocol"), "two")
      yield* evaluate(page, `socket.send("grüße 😀"), socket.send(""), socket.send(new Uint8Array(60000))`)
      yield* when(page, "messages.length === 3")
      assert.deepStrictEqual(yield* evaluate(page, "messages"), ["grüße 😀", "", 60_000])

      // Beside them, large content both ways.
      const length = yield* evaluate(
        page,
        "fetch('/large').then((response) => response.text()).then((text) => text.length)"
      )
      assert.strictEqual(length, 5_000_000)
      const posted =
        "fetch('/length', { method: 'POST', body: new Uint8Array(3e6) }).then((response) => response.text())"
      assert.strictEqual(yield* evaluate(page, posted), "3000000")
      const seen = Number(yield* evaluate(page, "events.length"))
      yield* when(page, `events.length > ${seen}`)

      yield* evaluate(page, `socket.send("leave")`)
      yield* when(page, "ending !== undefined")
      assert.deepStrictEqual(yield* evaluate(page, "ending"), [4000, "gone"])

      const visits = yield* visitsOf(page)
      assert.deepStrictEqual(
        visits.map(({ httpVersion, path, type }) => `${type} ${path} ${httpVersion}`),
        ["http / 2", "sse /events 2", "websocket /socket 2", "http /large 2", "http /length 2"]
      )
      assert.strictEqual(new Set(visits.map(({ port }) => port)).size, 1, "there was one connection")
      assert.notInclude(server.output(), "ERROR")
    })
  )

  it.live("has a WebSocket over HTTP/1.1 where HTTP/2 does not offer them", () =>
    Effect.gen(function* () {
      const flags = tlsFlags(yield* Effect.promise(certificates))
      const server = yield* serve([...flags, "--no-h2-enable-connect-protocol"])
      const page = yield* open(server.url("/"))
      yield* when(page, "events.length >= 1")
      yield* evaluate(page, "connect()")
      yield* when(page, "socket.readyState === WebSocket.OPEN")
      yield* evaluate(page, `socket.send("hello")`)
      yield* when(page, "messages.length === 1")
      const visits = yield* visitsOf(page)
      assert.deepStrictEqual(
        visits.map(({ httpVersion, path, type }) => `${type} ${path} ${httpVersion}`),
        ["http / 2", "sse /events 2", "websocket /socket 1.1"]
      )
      assert.strictEqual(new Set(visits.map(({ port }) => port)).size, 2)
    })
  )

  it.live("goes on with a new connection when the server was restarted", () =>
    Effect.gen(function* () {
      const flags = tlsFlags(yield* Effect.promise(certificates))
      const { page, port } = yield* Effect.gen(function* () {
        const server = yield* serve(flags)
        const page = yield* open(server.url("/"))
        yield* when(page, "events.length >= 1")
        yield* evaluate(page, "connect()")
        yield* when(page, "socket.readyState === WebSocket.OPEN")
        yield* server.signal("SIGTERM")
        assert.deepStrictEqual(yield* server.result, { code: 0, signal: null }, server.output())
        yield* when(page, "ending !== undefined")
        assert.deepStrictEqual(yield* evaluate(page, "ending[0]"), 1001)
        yield* evaluate(page, "events = []")
        return { page, port: server.port }
      })
      yield* serve(flags, port)
      yield* when(page, "events.length >= 2")
      yield* evaluate(page, "connect()")
      yield* when(page, "socket.readyState === WebSocket.OPEN")
    })
  )
})
