import { assert, describe, it } from "@effect/vitest"
import * as Runtime from "effect/Runtime"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import * as RuntimeError from "../../src/process/RuntimeError.ts"
import { problemOf } from "../../src/process/RuntimeSupport.ts"

/** What is said to a program with these versions, beside those of this one. */
const problem = (versions: Readonly<Record<string, string>>) => problemOf({ ...process.versions, ...versions })

describe("RuntimeSupport", () => {
  it("takes Node from the version on that the manifest names", () => {
    const manifest = readFileSync(join(import.meta.dirname, "../../package.json"), "utf8")
    assert.include(manifest, '"node": ">=22.19.0"')
    assert.isUndefined(problemOf(process.versions))
    for (const node of ["22.19.0", "22.20.1", "23.0.0", "24.21.0", "100.0.0"])
      assert.isUndefined(problem({ node }), node)
    for (const node of ["22.18.9", "22.9.0", "20.20.2", "18.19.1", "9.99.0"]) {
      assert.strictEqual(problem({ node }), `PAGI needs Node 22.19 or later, and this is Node ${node}`)
    }
  })

  it("takes nothing else, whatever Node that says it is", () => {
    const need = "PAGI needs Node 22.19 or later, and this is"
    assert.strictEqual(problem({ bun: "1.4.5", node: "26.3.0" }), `${need} Bun 1.4.5`)
    assert.strictEqual(problem({ deno: "2.9.6", node: "26.3.0" }), `${need} Deno 2.9.6`)
  })
})

describe("RuntimeError", () => {
  it("has the exit code of a wrong usage, and is one line", () => {
    const error = RuntimeError.make("no")
    assert.strictEqual(Runtime.getErrorExitCode(error), 2)
    assert.strictEqual(error.stack, "RuntimeError: no")
  })
})
