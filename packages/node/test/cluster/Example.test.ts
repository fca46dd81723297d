import { assert, describe, it } from "@effect/vitest"
import { readFileSync } from "node:fs"
import { join } from "node:path"

const root = join(import.meta.dirname, "../../../..")

describe("the examples of docs/cluster.md", () => {
  it("are the files that are type-checked, the first of which the system tests run", () => {
    const shown = readFileSync(join(root, "docs/cluster.md"), "utf8").matchAll(/```ts\n(.*?)```/gs)
    const files = ["app", "stored", "machines"].map((name) => {
      const file = readFileSync(join(root, `examples/16-cluster/${name}.ts`), "utf8")
      return file.slice(file.indexOf("import"))
    })
    assert.deepStrictEqual(
      Array.from(shown, ([, text]) => text),
      files
    )
  })
})
