import { assert } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type { Browser, Page } from "playwright-core"
import { openPage, type WatchedPage } from "./Browser.ts"
import type { Server } from "./Programs.ts"
import { until } from "./Until.ts"

/** Somebody who uses the chat in a browser. */
export class ChatMember {
  readonly name: string
  readonly #page: Page
  readonly #problems: ReadonlyArray<string>
  /** How often the page has begun to connect. */
  connections = 0

  constructor(name: string, { page, problems }: WatchedPage) {
    page.on("websocket", () => this.connections++)
    this.name = name
    this.#page = page
    this.#problems = problems
  }

  do(action: (page: Page) => Promise<unknown>): Effect.Effect<void> {
    return Effect.asVoid(Effect.promise(() => action(this.#page)))
  }

  readonly close: Effect.Effect<void> = this.do((page) => page.close())

  /** Waits until the page shows a text, and nothing else with it. */
  sees(text: string | RegExp): Effect.Effect<void> {
    return this.do((page) => page.getByText(text, { exact: true }).waitFor())
  }

  /** Waits until so many names are shown. */
  seesMembers(...names: ReadonlyArray<string>): Effect.Effect<void> {
    const expected = names.map((name) => (name === this.name ? `${name} (you)` : name))
    return until(
      `${this.name} sees that ${names.join(", ")} are there`,
      Effect.promise(async () => {
        const shown = await this.#page.getByRole("list", { name: "Here now" }).getByRole("listitem").allTextContents()
        return JSON.stringify(shown) === JSON.stringify(expected)
      })
    )
  }

  /** Everything that was said, as it is shown. */
  readonly messages: Effect.Effect<ReadonlyArray<string>> = Effect.promise(() =>
    this.#page.getByRole("log", { name: "Messages" }).locator(".message p").allTextContents()
  )

  /** Whether there is a connection, and to whom, in the words of the page. */
  readonly state: Effect.Effect<string> = Effect.promise(() => this.#page.getByRole("status").innerText())

  /** Types into the field that has the focus, as after entering and after each message. */
  say(text: string): Effect.Effect<void> {
    return this.do(async ({ keyboard }) => {
      await keyboard.type(text)
      await keyboard.press("Enter")
    })
  }

  readonly hasNoProblems: Effect.Effect<void> = Effect.sync(() => assert.deepStrictEqual(this.#problems, []))
}

/** Enters a room through the form. */
export const enter = (
  browser: Browser,
  { url }: Pick<Server, "url">,
  name: string,
  viewport?: { readonly width: number; readonly height: number }
): Effect.Effect<ChatMember> =>
  Effect.gen(function* () {
    const member = new ChatMember(name, yield* openPage(browser, url("/?room=tearoom"), viewport))
    yield* member.do(async ({ keyboard }) => {
      // The first field has the focus.
      await keyboard.type(name)
      await keyboard.press("Enter")
    })
    yield* member.sees(/^Connected/)
    return member
  })
