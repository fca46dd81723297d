import { assert, describe, it } from "@effect/vitest"
import { type Entry, formatSize, render } from "../../src/directory/Listing.ts"

const entry = (name: string, more: Partial<Entry> = {}): Entry => ({
  name,
  isDirectory: false,
  size: 1536,
  modified: Date.UTC(2026, 1, 3, 4, 5, 6),
  ...more
})

describe("Listing", () => {
  it("shows names, sizes and dates, directories first and numbers in order", () => {
    const page = render([], [entry("part 10"), entry("part 9"), entry("zoo", { isDirectory: true })], 0)
    assert.deepStrictEqual(
      [...page.matchAll(/<bdi>([^<]+)<\/bdi>/g)].map((match) => match[1]),
      ["/", "zoo/", "part 9", "part 10"]
    )
    assert.include(page, '<a href="./part%2010">')
    assert.include(page, "1.5 KiB")
    assert.include(page, "2026-02-03 04:05")
    assert.notInclude(page, "../")
  })

  it("leads up from a directory below the root", () => {
    const page = render(["a", "b c"], [], 0)
    assert.include(page, "<title>/a/b c/</title>")
    assert.include(page, '<a href="/a/b%20c/">')
    assert.include(page, '<a href="../">')
  })

  it("no name can break out of its place", () => {
    const names = ["<script>alert(1)</script>", '"onmouseover="x', "'&amp;", "javascript:alert(1)", "a?b#c"]
    const page = render(
      names,
      names.map((name) => entry(name)),
      0
    )
    assert.notMatch(page, /<script|="onmouse|href="javascript|'&amp;'/)
    assert.include(page, "&lt;script&gt;alert(1)&lt;/script&gt;")
    assert.include(page, 'href="./javascript%3Aalert(1)"')
    assert.include(page, 'href="./a%3Fb%23c"')
  })

  it("times beyond what a date can be are shown as the last that can", () => {
    assert.include(render([], [entry("a", { modified: 1e17 })], 0), "+275760-09-13")
  })

  it("says how many entries it leaves out", () => {
    assert.include(render([], [entry("a")], 17), "and 17 more")
    assert.notInclude(render([], [entry("a")], 0), "more")
  })

  it("sizes are easy to read", () => {
    const sizes = [0, 1023, 1024, 10 * 1024, 1024 ** 2, 5.5 * 1024 ** 3, 2048 * 1024 ** 4]
    assert.deepStrictEqual(sizes.map(formatSize), [
      "0 B",
      "1023 B",
      "1.0 KiB",
      "10 KiB",
      "1.0 MiB",
      "5.5 GiB",
      "2048 TiB"
    ])
  })
})
