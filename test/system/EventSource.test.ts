import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { type Browser, chromium, type Page } from "playwright-core"
import { bodyOf, fetchText } from "./support/Peer.ts"
import { findProgram } from "../support/FindProgram.ts"
import { serve } from "./support/Programs.ts"

const executablePath = findProgram("chromium")

const browser = Effect.acquireRelease(
  Effect.promise(() => chromium.launch({ executablePath: executablePath ?? "chromium", args: ["--no-sandbox"] })),
  (browser: Browser) => Effect.promise(() => browser.close())
)

/** A page whose EventSource the application of `fixtures/events.ts` serves. */
const open = (url: string) =>
  Effect.gen(function* () {
    const page = yield* Effect.flatMap(browser, (browser) => Effect.promise(() => browser.newPage()))
    page.setDefaultTimeout(15_000)
    yield* Effect.promise(() => page.goto(url))
    return page
  })

/** Waits until an expression holds in the page. */
const when = (page: Page, condition: string) => Effect.promise(() => page.waitForFunction(condition))

const evaluate = (page: Page, expression: string) => Effect.promise<unknown>(() => page.evaluate(expression))

/** What a page gets of one stream. */
const eventsAfter = (lastEventId: string) => [
  ["came", `after ${lastEventId}`, lastEventId === "nothing" ? "" : lastEventId],
  ["message", "one\n two\n\nfour", "ä-1"],
  ["news", "😀", "ä-2"],
  ["message", "", "ä-2"]
]

const streamsOf = (port: number, path = "/streams") => Effect.map(fetchText(port, path), bodyOf)

describe.skipIf(executablePath === undefined)("EventSource in Chromium", () => {
  it.live("receives events, connects again with Last-Event-ID after a restart of the server, and stops on 204", () =>
    Effect.gen(function* () {
      const { page, port } = yield* Effect.gen(function* () {
        const server = yield* serve("events")
        const page = yield* open(server.url("/"))
        yield* when(page, "received.length >= 4")
        assert.deepStrictEqual(yield* evaluate(page, "received"), eventsAfter("nothing"))
        assert.strictEqual(yield* streamsOf(server.port), "1")
        yield* server.signal("SIGTERM")
        // The open stream does not keep the server from ending.
        assert.deepStrictEqual(yield* server.result, { code: 0, signal: null }, server.output())
        yield* when(page, "source.readyState === EventSource.CONNECTING")
        return { page, port: server.port }
      })

      const server = yield* serve("events", [], port)
      yield* when(page, "received.length >= 8")
      assert.deepStrictEqual(yield* evaluate(page, "received.slice(4)"), eventsAfter("ä-2"))
      assert.strictEqual(yield* evaluate(page, "opened"), 2)

      const before = Number(yield* streamsOf(server.port, "/finish"))
      yield* when(page, "source.readyState === EventSource.CLOSED")
      assert.strictEqual(Number(yield* streamsOf(server.port)), before + 1)
      // It has been told to come again after 200 ms, and does not.
      yield* evaluate(page, "new Promise((resolve) => setTimeout(resolve, 1000))")
      assert.strictEqual(Number(yield* streamsOf(server.port)), before + 1)
      assert.strictEqual(yield* evaluate(page, "received.length"), 8)
    })
  )
})
