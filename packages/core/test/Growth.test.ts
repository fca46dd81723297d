import { describe, it } from "@effect/vitest"
import { assertNotQuadratic } from "../../../test/support/Growth.ts"
import { isAuthority } from "../src/http/Authority.ts"
import { checkHttp } from "../src/exchange/EventGuard.ts"
import * as EventStream from "../src/http/EventStream.ts"
import { isMisdirected } from "../src/http/ExpectedHost.ts"
import { listElements } from "../src/http/CommaList.ts"
import { readPath } from "../src/http/RequestPath.ts"
import { escapeLogText } from "../src/observe/accessLog/Escape.ts"

const length = 100_000

/** Texts that make a reader look at the same place again, if anything does. */
const texts: ReadonlyArray<string> = [
  `a${" ".repeat(length)}b`,
  `a${"\t ".repeat(length / 2)}`,
  " ,".repeat(length / 2),
  ";q=0.".repeat(length / 5),
  ":1".repeat(length / 2),
  `:${"1".repeat(length)}x`,
  "%".repeat(length),
  "%41".repeat(length / 3),
  '\\"'.repeat(length / 2),
  "\r\n ".repeat(length / 3),
  "\n".repeat(length),
  "\xff".repeat(length)
]

const readers: Readonly<Record<string, (text: string) => unknown>> = {
  "a list": listElements,
  "what is accepted": (text) => EventStream.accepts(`text/event-stream${text}`),
  "an authority": isAuthority,
  "a host beside a certificate": (text) => isMisdirected("a", [["host", text]]),
  "a path": (text) => readPath(`/${text}`),
  "a text for the log": escapeLogText,
  "an event's lines": (text) => EventStream.encodeComment(text),
  "an event that is wrong": (text) => checkHttp({ type: "http.response.start", status: text, headers: [[text, 1]] })
}

describe("work that does not grow with the square of the input", () => {
  for (const [what, read] of Object.entries(readers)) {
    it(`reads ${what}`, () => {
      for (const text of texts) assertNotQuadratic(() => void read(text))
    })
  }
})
