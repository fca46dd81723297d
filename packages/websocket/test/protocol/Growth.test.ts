import { describe, it } from "@effect/vitest"
import { assertNotQuadratic } from "../../../../test/support/Growth.ts"
import { parseExtensions } from "../../src/protocol/ExtensionList.ts"

const length = 100_000

describe("a list of extensions", () => {
  for (const part of [" ", "\t,", ",", "a;", "a;b,", 'a;b="c",', 'a;b="', "\\", '"\\', ";="]) {
    it(`is read in a time that does not grow with its square: ${JSON.stringify(part)}`, () => {
      const parts = part.repeat(length / part.length)
      for (const text of [parts, `a${parts}`, `a;b=${parts}`, `a;b="${parts}`]) {
        assertNotQuadratic(() => void parseExtensions(text))
      }
    })
  }
})
