import { assert, describe, it } from "@effect/vitest"
import { createHash } from "node:crypto"
import * as Schema from "effect/Schema"
import * as ErrorAnswer from "../../src/development/ErrorAnswer.ts"
import * as ErrorPage from "../../src/development/ErrorPage.ts"
import type { ErrorReport } from "../../src/development/ErrorReport.ts"

const reportOf = (text: string): ErrorReport => {
  const error = {
    name: text,
    message: text,
    place: { file: text, line: 2, column: 3 },
    source: [
      { number: 1, text },
      { number: 2, text }
    ],
    frames: [
      { call: text, file: text, line: 1, column: 1, isOwn: true, place: undefined },
      { call: text, file: text, line: 1, column: 1, isOwn: false, place: undefined }
    ]
  }
  return [error, error]
}

const nasty = `</pre></style><script>alert("1")</script><img src=x onerror='alert(2)'>&amp;`

describe("the page of an error", () => {
  it("has every text as text", () => {
    const page = ErrorPage.toHtml({ title: nasty, advice: nasty }, reportOf(nasty))
    assert.notMatch(page, /<(?:script|img)/)
    assert.strictEqual(page.match(/<\/style>/g)?.length, 1)
    assert.include(page, "&lt;script&gt;alert(&quot;1&quot;)")
    assert.include(page, "&amp;amp;")
  })

  it.prop(
    "has no markup but its own, whatever the texts are",
    [Schema.Array(Schema.Union([Schema.String, Schema.Literals(["<", ">", "&", "'", '"', "</style>", "\u0000"])]))],
    ([pieces]) => {
      const text = pieces.join("")
      const plain = ErrorPage.toHtml({ title: "x", advice: "x" }, reportOf("x"))
      const page = ErrorPage.toHtml({ title: text, advice: text }, reportOf(text))
      const count = (of: string, character: string) => of.split(character).length
      // A call without a name is written shorter, and a line's mark is moved by its tabs.
      if (text === "") return
      for (const character of ["<", ">", '"', "'"]) assert.strictEqual(count(page, character), count(plain, character))
    }
  )

  it("has no control but line breaks and tabs, in no form", () => {
    const report = reportOf("a\u0000b\u001b[31mc\u202ed\r\ne\u009b")
    for (const make of [ErrorPage.toHtml, ErrorPage.toText, ErrorPage.toJson]) {
      const text = make({ title: "\u001b]0;x\u0007", advice: "" }, report)
      assert.notMatch(text, /[^\P{Cc}\t\n]/u)
    }
  })

  it("allows nothing but its own styles", () => {
    const page = ErrorPage.toHtml({ title: "x", advice: "x" }, reportOf("x"))
    const [, style = ""] = /<style>([^]*)<\/style>/.exec(page) ?? []
    assert.include(ErrorPage.policy, `style-src 'sha256-${createHash("sha256").update(style).digest("base64")}'`)
    assert.match(ErrorPage.policy, /^default-src 'none'; /)
    assert.notMatch(page, / style=| on\w+=/)
  })

  it("marks the line, and the column below it", () => {
    const [error] = reportOf("x")
    const source = [
      { number: 9, text: "before" },
      { number: 10, text: "\tf(a)" }
    ]
    const report: ErrorReport = [
      { ...error, name: "E", message: "m", frames: [], source, place: { file: "a.ts", line: 10, column: 4 } }
    ]
    const text = ErrorPage.toText({ title: "T", advice: "A" }, report)
    assert.strictEqual(text, "T\n\nE: m\n\na.ts:10:4\n   9 | before\n> 10 | \tf(a)\n     | \t  ^\n\n\nA\n")
    assert.include(
      ErrorPage.toHtml({ title: "T", advice: "A" }, report),
      '<code>\tf(a)\n\t  <u aria-hidden="true">^</u></code>'
    )
  })

  it("marks the line alone where the column is not known, and names no error that has no name", () => {
    const [error] = reportOf("x")
    const source = [{ number: 2, text: "code" }]
    const report: ErrorReport = [
      { ...error, name: "", message: "m", frames: [], source, place: { file: "a.ts", line: 2, column: undefined } }
    ]
    const occasion = { title: "T", advice: "A" }
    assert.strictEqual(ErrorPage.toText(occasion, report), "T\n\nm\n\na.ts:2\n> 2 | code\n\n\nA\n")
    const page = ErrorPage.toHtml(occasion, report)
    assert.include(page, '<span class="hit"><i>2</i><code>code</code></span>')
    assert.include(page, "<title>m</title>")
  })

  it("is kept by nobody, and tells its length in bytes", () => {
    for (const form of ["html", "json", "text"] as const) {
      const { content, headers, status } = ErrorAnswer.make(form, { title: "T", advice: "A" }, reportOf("ü"))
      const fields = Object.fromEntries(headers)
      assert.strictEqual(status, 500)
      assert.strictEqual(fields["cache-control"], "no-store")
      assert.strictEqual(fields["vary"], "accept")
      assert.strictEqual(fields["x-content-type-options"], "nosniff")
      assert.strictEqual(fields["content-length"], String(Buffer.byteLength(content)))
      assert.strictEqual("content-security-policy" in fields, form === "html")
    }
  })
})
