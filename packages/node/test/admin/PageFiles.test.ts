import { assert, describe, it } from "@effect/vitest"
import { readdirSync } from "node:fs"
import { join } from "node:path"
import * as PageFiles from "../../src/admin/PageFiles.ts"

const folder = join(import.meta.dirname, "../../src/admin/page")

const files = PageFiles.read()

const textOf = (path: string): string => Buffer.from(files.get(path)?.bytes ?? []).toString()

/** The page's own modules, without the library. */
const modules = [...files.keys()].filter((path) => path.endsWith(".js") && !path.startsWith("/uPlot"))

describe("PageFiles", () => {
  it("has every file of the page, and the library", () => {
    const own = readdirSync(folder).filter((name) => !/\.(?:d\.ts|json|md)$/.test(name))
    const expected = [
      ...own.map((name) => (name === "index.html" ? "/" : `/${name}`)),
      "/uPlot.esm.js",
      "/uPlot.min.css"
    ]
    assert.deepStrictEqual([...files.keys()].toSorted(), expected.toSorted())
    for (const [path, { bytes }] of files) assert.isAbove(bytes.length, 100, path)
  })

  it("has all that the page and its modules ask for", () => {
    const asked = [
      ...Array.from(textOf("/").matchAll(/(?:src|href)="([^"#]+)"/g), ([, name = ""]) => name),
      ...modules.flatMap((path) => Array.from(textOf(path).matchAll(/ from "\.\/([^"]+)"/g), ([, name = ""]) => name))
    ].filter((name) => name !== "status") // For those without JavaScript.
    assert.isAbove(asked.length, 10)
    for (const name of asked) assert.isTrue(files.has(`/${name}`), name)
  })

  it("has nothing that its content security policy forbids, and never takes text for markup", () => {
    assert.notMatch(textOf("/"), /<style|style=|<script(?![^>]* src=)|\son\w+=/)
    for (const path of modules) {
      assert.notMatch(
        textOf(path),
        /innerHTML|outerHTML|insertAdjacentHTML|document\.write|setAttribute\("style"/,
        path
      )
    }
    for (const path of ["/", "/dashboard.css", "/uPlot.min.css", ...modules]) {
      assert.notMatch(textOf(path), /https?:|url\(|@import "/, path)
    }
    const [, policy] = PageFiles.headers.find(([name]) => name === "content-security-policy") ?? []
    assert.match(policy ?? "", /^default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; /)
    assert.notMatch(policy ?? "", /unsafe|\*/)
  })
})
