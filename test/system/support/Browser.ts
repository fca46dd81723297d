import * as Effect from "effect/Effect"
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core"
import { findProgram } from "../../support/FindProgram.ts"

const executablePath = findProgram("chromium")

/** Whether there is a browser to test with. */
export const hasBrowser = executablePath !== undefined

/** Chromium without a window, as long as the scope is open. */
export const browser = Effect.acquireRelease(
  Effect.promise(() => chromium.launch({ executablePath: executablePath ?? "chromium", args: ["--no-sandbox"] })),
  (browser: Browser) => Effect.promise(() => browser.close())
)

/** A page, with all that went wrong in it. */
export interface WatchedPage {
  readonly page: Page
  readonly problems: ReadonlyArray<string>
}

/** Opens a page that shares nothing with others. */
export const openPage = (
  browser: Browser,
  url: string,
  viewport = { width: 1280, height: 800 },
  options: BrowserContextOptions = {}
) =>
  Effect.promise(async (): Promise<WatchedPage> => {
    const page = await browser.newPage({ viewport, ...options })
    const problems: Array<string> = []
    page.on("pageerror", (error) => problems.push(error.message))
    page.on("console", (message) => {
      if (message.type() === "error" || message.type() === "warning") problems.push(message.text())
    })
    page.setDefaultTimeout(15_000)
    await page.goto(url)
    return { page, problems }
  })
