import { assert, describe, it } from "@effect/vitest"
import { readFileSync } from "node:fs"
import * as ExitCode from "../../src/pool/ExitCode.ts"

describe("ExitCode", () => {
  it("the table at the top lists every code", () => {
    const source = readFileSync(new URL("../../src/pool/ExitCode.ts", import.meta.url), "utf8")
    const listed = [...source.matchAll(/^ \* \| (\d+) \|/gm)].map((match) => Number(match[1]))
    const { cannotListen, cannotLoad, incompleteDrain, internal, refused, stopped, usage } = ExitCode
    assert.deepStrictEqual(listed, [stopped, internal, usage, cannotListen, cannotLoad, refused, incompleteDrain])
  })
})
