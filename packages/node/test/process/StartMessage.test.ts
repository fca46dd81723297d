import { assert, describe, it } from "@effect/vitest"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import * as StartMessage from "../../src/process/StartMessage.ts"
import { version } from "../../src/process/Version.ts"

const start = { pid: 4711, protocols: ["h2", "http/1.1"], urls: ["http://127.0.0.1:80/", "unix:/run/a"] }

describe("the line of a start", () => {
  it("has the version of the packages", () => {
    const packages = ["cli", "core", "http1", "http2", "node", "websocket"]
    for (const name of packages) {
      const manifest: unknown = JSON.parse(
        readFileSync(join(import.meta.dirname, `../../../${name}/package.json`), "utf8")
      )
      assert.deepInclude(manifest, { version }, name)
    }
  })

  it("says protocols, processes and URLs", () => {
    const rest = ": http://127.0.0.1:80/ unix:/run/a"
    const both = `pagi ${version} serves HTTP/1.1 and HTTP/2`
    assert.strictEqual(
      StartMessage.describe({ ...start, processes: "single" }),
      `${both} in process 4711, without workers${rest}`
    )
    assert.strictEqual(
      StartMessage.describe({ ...start, processes: "embedded" }),
      `${both} in process 4711, as a part of a program${rest}`
    )
    assert.strictEqual(
      StartMessage.describe({ ...start, processes: 1 }),
      `${both} with 1 worker below process 4711${rest}`
    )
    assert.strictEqual(
      StartMessage.describe({ ...start, processes: 16 }),
      `${both} with 16 workers below process 4711${rest}`
    )
  })

  it("names other protocols as they are, and one by itself", () => {
    const line = (...protocols: ReadonlyArray<string>) =>
      StartMessage.describe({ ...start, processes: 1, protocols }).replace(/ with .*/, "")
    assert.strictEqual(line("http/1.1"), `pagi ${version} serves HTTP/1.1`)
    assert.strictEqual(line("x-lines", "h2", "http/1.1"), `pagi ${version} serves HTTP/1.1, HTTP/2 and x-lines`)
  })
})
