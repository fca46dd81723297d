import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { join } from "node:path"
import { browser, hasBrowser } from "./support/Browser.ts"
import { openDashboard } from "./support/DashboardPage.ts"
import { fastAdmin } from "./support/FastAdmin.ts"
import { mixedLoad } from "./support/MixedLoad.ts"
import { fixture } from "./support/Programs.ts"
import { familyOf, type Pool, serve as servePool, stop } from "./support/SupervisorPool.ts"
import { kill } from "./support/SupervisorProcesses.ts"
import { until } from "./support/Until.ts"

const application = fixture("observed")

const token = "open-sesame-0123456789"

/** Where pictures are written, as for the documentation, if at all; there is more to see in them after a while. */
const pictures = process.env["PAGI_SCREENSHOTS"]

/** A server with two workers, and where its admin listener is. */
const serve = (port = 0, adminPort = 0) =>
  Effect.gen(function* () {
    const flags = ["--request-id=make", `--admin=127.0.0.1:${adminPort}`, `--admin-token=${token}`]
    const pool = yield* servePool({ application, flags, port })
    const url = /the admin listener is at (http:\S+)/.exec(pool.output())?.[1]
    return { pool, url: url ?? assert.fail(pool.output()) }
  })

/** Kills a worker, and waits until another one serves. */
const loseWorker = (pool: Pool) =>
  Effect.gen(function* () {
    const worker = familyOf(pool).workers[0] ?? assert.fail()
    kill(worker, "SIGKILL")
    yield* until(
      "another worker is there",
      Effect.sync(() => !familyOf(pool).workers.includes(worker) && familyOf(pool).workers.length === 2)
    )
  })

/** As the page writes times; both are in the zone of this machine. */
const clockOf = (at: number): string => new Date(at).toTimeString().slice(0, 8)

const sizes = [
  { width: 1920, height: 1080 },
  { width: 390, height: 844 }
]

describe.skipIf(!hasBrowser)("the dashboard in Chromium", () => {
  it.live(
    "shows what happens under load, for everybody",
    () =>
      Effect.gen(function* () {
        const { pool, url } = yield* serve()
        yield* mixedLoad(pool.port)
        if (pictures !== undefined) yield* Effect.sleep("40 seconds")
        yield* loseWorker(pool)
        if (pictures !== undefined) yield* Effect.sleep("20 seconds")
        const chromium = yield* browser
        for (const viewport of sizes) {
          for (const colorScheme of ["light", "dark"] as const) {
            const dashboard = yield* openDashboard(chromium, url, { viewport, colorScheme, reducedMotion: "reduce" })
            yield* dashboard.showsFigure("Requests", /^[1-9][\d,.]*$/)
            yield* dashboard.showsFigure("Latency p99", /^[\d.]+ m?s$/)
            yield* dashboard.showsFigure("Connections", /^[1-9]\d*$/)
            yield* dashboard.showsFigure("Memory", /^[\d.]+ [MG]iB$/)
            yield* dashboard.shows("#identity", /^version \d.* on Node \d.* · 2 of 2 workers · serving for /)
            yield* dashboard.shows("#readiness", /^Ready$/)
            yield* dashboard.shows("#workers tr", /^1\d+serving/)
            yield* dashboard.shows("#slowest tr", /200GET\/reports\/\d+/)
            yield* dashboard.shows("#failed tr", /500GET\/orders\/\d+/)
            yield* dashboard.shows("#closed tr", /^http\/1\.1\d/)
            yield* dashboard.shows("#refused tr", /\d$/)
            yield* dashboard.shows("#marks tr", /worker ended/)
            yield* dashboard.shows("#options tr", /^admin127\.0\.0\.1:/)
            const text = yield* dashboard.do((page) => page.innerText("body"))
            assert.notInclude(text, token)
            assert.notInclude(text, "secret=")
            yield* dashboard.isAccessible
            yield* dashboard.hasNoProblems
            if (pictures !== undefined) {
              yield* dashboard.do((page) => page.getByLabel("1 min").check())
              if (viewport.width < 1000)
                yield* dashboard.do((page) => page.setViewportSize({ width: 390, height: 1500 }))
              const path = join(pictures, `dashboard-${viewport.width}-${colorScheme}.png`)
              yield* dashboard.do((page) => page.screenshot({ path, fullPage: viewport.width > 1000 }))
            }
            yield* dashboard.do((page) => page.close())
          }
        }
      }),
    240_000
  )

  it.live("is used by keyboard, and takes commands from those who have the token", () =>
    Effect.gen(function* () {
      const { pool, url } = yield* serve()
      const dashboard = yield* openDashboard(yield* browser, url)
      const press = (...keys: ReadonlyArray<string>) =>
        dashboard.do(async ({ keyboard }) => {
          for (const key of keys) await keyboard.press(key)
        })
      const focused = dashboard.do((page) => page.evaluate("document.activeElement.textContent.trim()"))

      yield* press("Tab")
      assert.strictEqual(yield* focused, "To the figures")
      yield* press("Tab", "ArrowRight")
      assert.strictEqual(yield* dashboard.do((page) => page.locator("input[name=window]:checked").inputValue()), "10")
      yield* press("Tab")
      assert.strictEqual(yield* focused, "Pause")
      yield* press("Tab", "Enter")
      yield* dashboard.shows("details[open] td", /^\d\d:\d\d:\d\d$/)

      const reload = dashboard.page.getByRole("button", { name: "Reload workers" })
      yield* dashboard.do(() => reload.focus())
      yield* press("Enter")
      yield* dashboard.shows("dialog[open]", /Reload the workers\?/)
      yield* dashboard.isAccessible
      yield* dashboard.hasNoProblems
      yield* dashboard.do(({ keyboard }) => keyboard.type("wrong"))
      yield* press("Enter")
      yield* dashboard.shows("dialog[open]", /does not know that token/)
      const before = familyOf(pool).workers
      yield* dashboard.do(({ keyboard }) => keyboard.type(token))
      yield* press("Enter")
      yield* dashboard.shows("#outcome", /^The workers are being replaced\.$/)
      yield* until(
        "both workers are others",
        Effect.sync(() => {
          const { workers } = familyOf(pool)
          return workers.length === 2 && workers.every((pid) => !before.includes(pid))
        })
      )

      // The token is known by now, and one worker more disturbs nobody.
      yield* dashboard.do((page) => page.getByRole("button", { name: "Add a worker" }).press("Enter"))
      yield* dashboard.shows("#identity", /3 of 3 workers/)
      yield* dashboard.do((page) => page.getByRole("button", { name: "Remove a worker" }).press("Enter"))
      yield* dashboard.shows("dialog[open]", /Remove a worker\?/)
      // The focus is on what does nothing.
      assert.strictEqual(yield* focused, "Cancel")
      yield* press("Tab", "Enter")
      yield* dashboard.shows("#identity", /2 of 2 workers/)
    })
  )

  it.live("connects again by itself after the server has restarted", () =>
    Effect.gen(function* () {
      const chromium = yield* browser
      const first = yield* serve()
      const adminPort = Number(new URL(first.url).port)
      const dashboard = yield* openDashboard(chromium, first.url)
      yield* dashboard.hasNoProblems
      yield* stop(first.pool)
      yield* dashboard.shows("#link", /^Not connected, trying again …$/)
      yield* dashboard.isAccessible
      const second = yield* serve(first.pool.port, adminPort)
      yield* dashboard.shows("#link", /^Connected$/)
      yield* mixedLoad(second.pool.port)
      yield* dashboard.shows("#identity", new RegExp(`process ${familyOf(second.pool).parent} `))
      yield* dashboard.showsFigure("Requests", /^[1-9][\d,.]*$/)
      yield* dashboard.hasNoOtherProblems
    })
  )

  it.live("holds no more after ten minutes than before", () =>
    Effect.gen(function* () {
      const admin = yield* fastAdmin
      const dashboard = yield* openDashboard(yield* browser, admin.url)
      const cdp = yield* dashboard.do((page) => page.context().newCDPSession(page))
      const measure = Effect.gen(function* () {
        yield* dashboard.do(() => cdp.send("HeapProfiler.collectGarbage"))
        const { nodes } = yield* dashboard.do(() => cdp.send("Memory.getDOMCounters"))
        const { usedSize } = yield* dashboard.do(() => cdp.send("Runtime.getHeapUsage"))
        return { nodes, usedSize }
      })
      yield* dashboard.do((page) => page.locator("summary").first().click())
      const tell = (seconds: number) =>
        Effect.flatMap(admin.tell(seconds, 5), (last) => dashboard.shows("details[open] td", new RegExp(clockOf(last))))
      yield* tell(150)
      const before = yield* measure
      yield* tell(600)
      const after = yield* measure
      assert.isBelow(after.usedSize, before.usedSize * 1.1 + 256 * 1024, JSON.stringify({ before, after }))
      // A row more or less, as things come into the time that is shown and leave it.
      assert.isBelow(after.nodes, before.nodes + 100, JSON.stringify({ before, after }))
      yield* dashboard.hasNoProblems
      if (pictures !== undefined) console.log(JSON.stringify({ before, after }))
    })
  )
})
