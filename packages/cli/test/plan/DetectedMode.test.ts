import { assert, describe, it } from "@effect/vitest"
import { complete } from "../../src/plan/DetectedMode.ts"

const textsWith = (mode?: string) => ({
  options: mode === undefined ? {} : { mode: { source: "PAGI_ENV", text: mode } },
  noAccessLog: false
})

describe("DetectedMode", () => {
  it("takes development in a terminal alone, and where nobody has named a mode", () => {
    assert.deepStrictEqual(complete(textsWith(), { daemonize: false, isTerminal: () => false }), textsWith())
    assert.deepStrictEqual(
      complete(textsWith("production"), { daemonize: false, isTerminal: () => true }),
      textsWith("production")
    )
    const wrong = { mode: { source: "a.json: mode", text: "", value: 5, origin: "file" } } as const
    const texts = { options: wrong, noAccessLog: false }
    assert.deepStrictEqual(complete(texts, { daemonize: false, isTerminal: () => true }), texts)
    const detected = { mode: { source: "the terminal", text: "development", origin: "detected" } } as const
    for (const texts of [textsWith(), textsWith("")]) {
      assert.deepStrictEqual(complete(texts, { daemonize: false, isTerminal: () => true }), {
        options: detected,
        noAccessLog: false
      })
    }
  })

  it("takes production for a server in the background, which has been started in a terminal", () => {
    const background = { daemonize: true, isTerminal: () => true }
    assert.deepStrictEqual(complete(textsWith(), background), textsWith())
    assert.deepStrictEqual(complete(textsWith("development"), background), textsWith("development"))
  })
})
