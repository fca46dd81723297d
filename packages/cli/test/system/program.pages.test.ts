/** Pages of a server in development, in a browser, while their application is edited. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { certificates } from "../../../../test/support/Certificates.ts"
import { browser, hasBrowser } from "../../../../test/system/support/Browser.ts"
import * as Program from "../support/Program.ts"
import * as Site from "../support/Site.ts"
import { looks, until } from "../support/Until.ts"

const timeout = 120_000

const policy = "default-src 'none'; script-src 'self'; frame-src 'self'"

/** A page, and beside it what a script would fetch. */
const app = (version: string, body = ""): string => `export default {
  fetch: ({ url }) => {
    ${body}
    const { pathname } = new URL(url)
    if (pathname === "/data") return new Response("data of ${version}")
    if (pathname === "/failing") throw new Error("thrown in ${version}")
    return new Response("<!doctype html><title>t</title><h1>Version ${version}</h1>", {
      headers: { "content-type": "text/html", "content-security-policy": "${policy}", etag: '"1"' }
    })
  }
}
`

const broken = 'export default {\n  fetch: () => new Response("</script><b>")\n  what is this\n}\n'

const flags = ["--no-access-log", "-E", "development", "--log-format", "plain", "--reload", "--reload-browser"]

const serve = (more: ReadonlyArray<string> = []) =>
  Effect.gen(function* () {
    const { server } = yield* Effect.promise(certificates)
    const cwd = yield* Site.make({ "app.mjs": app("one"), "server.crt": server.cert, "server.key": server.key })
    const start = Effect.fnUntraced(function* (port: string) {
      const program = yield* Program.start(["--port", port, ...flags, ...more, "./app.mjs"], { cwd })
      const address = yield* Program.address(program)
      return { program, address }
    })
    return { start, write: (text: string) => writeFileSync(join(cwd, "app.mjs"), text), ...(yield* start("0")) }
  })

/** A page, the text of which can be waited for; nobody touches it. */
const open = (address: string, path = "") =>
  Effect.gen(function* () {
    const chromium = yield* browser
    return yield* Effect.promise(async () => {
      const page = await chromium.newPage({ ignoreHTTPSErrors: true })
      page.setDefaultTimeout(timeout / 2)
      const scripts: Array<string> = []
      page.on("pageerror", (error) => scripts.push(error.message))
      const streams: Array<string> = []
      page.on("request", (request) => {
        if (request.url().endsWith("/.pagi/reload")) streams.push(request.url())
      })
      await page.goto(address + path)
      return {
        page,
        scripts,
        streams,
        shows: (text: string | RegExp) => Effect.promise(() => page.getByText(text).first().waitFor()),
        fetches: (path: string) =>
          Effect.promise(() => page.evaluate(`fetch(${JSON.stringify(path)}).then((response) => response.text())`))
      }
    })
  })

const ways: Readonly<Record<string, ReadonlyArray<string>>> = {
  "by HTTP/1.1": [],
  "by HTTP/2 over TLS": ["--ssl-cert=server.crt", "--ssl-key=server.key"],
  "from two workers": ["--workers=2"]
}

describe.skipIf(!hasBrowser)("a page in development", () => {
  for (const [way, more] of Object.entries(ways)) {
    it.live(
      `reloads itself at edits, good and broken ones, ${way}`,
      () =>
        Effect.gen(function* () {
          const { address, write } = yield* serve(more)
          const { fetches, page, scripts, shows } = yield* open(address)
          yield* shows("Version one")
          write(app("two"))
          yield* shows("Version two")
          assert.strictEqual(yield* fetches("data"), "data of two")
          write(broken)
          yield* shows("The application cannot be loaded")
          yield* shows(/app\.mjs:3/)
          // What a script fetches is the old code's, whatever the page shows.
          assert.strictEqual(yield* fetches("data"), "data of two")
          write(broken.replace("what is this", "what is that"))
          yield* shows("what is that")
          write(app("three"))
          yield* shows("Version three")
          assert.deepStrictEqual(scripts, [])
          const protocol = yield* Effect.promise(() =>
            page.evaluate("performance.getEntriesByType('navigation')[0].nextHopProtocol")
          )
          assert.strictEqual(protocol, way.includes("HTTP/2") ? "h2" : "http/1.1")
        }),
      timeout
    )
  }

  it.live(
    "that shows an error reloads itself, and so does one whose server is started anew",
    () =>
      Effect.gen(function* () {
        const { address, program, start, write } = yield* serve()
        const { shows } = yield* open(address, "failing")
        yield* shows("thrown in one")
        write(app("two"))
        yield* shows("thrown in two")
        yield* program.signal("SIGTERM")
        yield* program.result
        write(app("three"))
        yield* start(new URL(address).port)
        yield* shows("thrown in three")
      }),
    timeout
  )

  it.live(
    "listens while it can be seen, once for all of its frames",
    () =>
      Effect.gen(function* () {
        const { address, write } = yield* serve()
        const { page, shows, streams } = yield* open(address)
        const evaluate = (script: string) => Effect.promise(() => page.evaluate(script))
        // A page connects some time after it has loaded, and so would its frame.
        yield* until(() => streams.length > 0)
        const look = (state: "hidden" | "visible") =>
          evaluate(
            `Object.defineProperty(document, "visibilityState", { value: "${state}", configurable: true }); document.dispatchEvent(new Event("visibilitychange"))`
          )
        yield* evaluate(
          `new Promise((resolve) => { const frame = document.createElement("iframe"); frame.onload = () => frame.contentWindow.setTimeout(resolve, 50); frame.src = "/"; document.body.append(frame) })`
        )
        assert.lengthOf(streams, 1)
        yield* look("hidden")
        write(app("two"))
        yield* Effect.repeat(
          Effect.promise(() => fetch(`${address}data`).then((response) => response.text())),
          { until: (text) => text === "data of two", schedule: looks }
        )
        assert.strictEqual(yield* evaluate("document.querySelector('h1').textContent"), "Version one")
        assert.lengthOf(streams, 1)
        yield* look("visible")
        yield* shows("Version two")
        assert.isAtLeast(streams.length, 2)
      }),
    timeout
  )
})
