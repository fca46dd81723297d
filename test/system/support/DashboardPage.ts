/** The dashboard in a browser, as somebody sees and uses it. */
import { assert } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { readFileSync } from "node:fs"
import { createRequire } from "node:module"
import type { Browser, BrowserContextOptions, Page } from "playwright-core"
import { openPage } from "./Browser.ts"

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8")

/** What axe finds, as far as it is looked at here. */
interface Findings {
  readonly violations: ReadonlyArray<{
    readonly id: string
    readonly impact: string | null
    readonly nodes: ReadonlyArray<{ readonly target: ReadonlyArray<unknown>; readonly failureSummary?: string }>
  }>
}

/** Said by the browser of a server that is away, or not ready: which is expected where one is stopped. */
const isAway = (problem: string): boolean => /net::ERR_|a status of 503/.test(problem)

export class DashboardPage {
  readonly page: Page
  readonly #problems: ReadonlyArray<string>

  constructor(page: Page, problems: ReadonlyArray<string>) {
    this.page = page
    this.#problems = problems
  }

  do<A>(action: (page: Page) => Promise<A>): Effect.Effect<A> {
    return Effect.promise(() => action(this.page))
  }

  /** Waits until an element has a text. */
  shows(selector: string, text: RegExp): Effect.Effect<void> {
    return Effect.asVoid(this.do((page) => page.locator(selector).filter({ hasText: text }).first().waitFor()))
  }

  /** A figure at the top. */
  showsFigure(title: string, value: RegExp): Effect.Effect<void> {
    return Effect.asVoid(
      this.do((page) =>
        page
          .locator(".figure")
          .filter({ has: page.getByText(title, { exact: true }) })
          .locator("dd:not(.note)")
          .filter({ hasText: value })
          .waitFor()
      )
    )
  }

  /** Nothing that keeps people from using it, and everything within the width of the screen. */
  readonly isAccessible: Effect.Effect<void> = Effect.promise(async () => {
    assert.isTrue(await this.page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "nothing sticks out")
    await this.page.evaluate(axe)
    // What the library gives is described above.
    const { violations } = (await this.page.evaluate("axe.run()")) as Findings
    const found = violations.map(({ id, impact, nodes }) => ({
      id,
      impact,
      nodes: nodes.map(({ failureSummary, target }) => `${target.join()}: ${failureSummary}`)
    }))
    assert.deepStrictEqual(found, [])
  })

  /** No error in the console, and nothing that the content security policy had to refuse. */
  readonly hasNoProblems: Effect.Effect<void> = Effect.suspend(() => this.#expectNone(this.#problems))

  /** The same, but for what was said of a server that was stopped. */
  readonly hasNoOtherProblems: Effect.Effect<void> = Effect.suspend(() =>
    this.#expectNone(this.#problems.filter((problem) => !isAway(problem)))
  )

  readonly #expectNone = (problems: ReadonlyArray<string>) =>
    Effect.promise(async () => {
      assert.deepStrictEqual(problems, [])
      assert.deepStrictEqual(await this.page.evaluate("violations"), [])
    })
}

const noteViolations = `
  globalThis.violations = []
  addEventListener("securitypolicyviolation", ({ violatedDirective, blockedURI }) => {
    violations.push(violatedDirective + " " + blockedURI)
  })
`

/** Opens it in a page of its own. */
export const openDashboard = (browser: Browser, url: string, options: BrowserContextOptions = {}) =>
  Effect.gen(function* () {
    const { page, problems } = yield* openPage(browser, "about:blank", options.viewport ?? undefined, options)
    const dashboard = new DashboardPage(page, problems)
    yield* dashboard.do((page) => page.addInitScript(noteViolations))
    yield* dashboard.do((page) => page.goto(url))
    yield* dashboard.shows("#link", /^Connected$/)
    return dashboard
  })
