import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import type { ExchangeRecord } from "../../../src/observe/Observer.ts"
import { compile, names, presets, problemOf } from "../../../src/observe/accessLog/Format.ts"
import { record, request, withoutRequest } from "./Record.ts"

/** The line without its line feed. */
const write = (format: string, changes: Partial<ExchangeRecord> = {}): string => {
  const line = compile(format, 4711).write({ ...record, ...changes })
  assert.strictEqual(line.indexOf("\n"), line.length - 1)
  return line.slice(0, -1)
}

/** Format, what it writes for a request, and what without one. */
const atoms: ReadonlyArray<readonly [format: string, line: string, without: string]> = [
  ["%h", "192.0.2.7", "192.0.2.7"],
  ["%a", "192.0.2.7", "192.0.2.7"],
  ["%l", "-", "-"],
  ["%u", "-", "-"],
  ["%t", "22/Nov/2026:08:00:05 +0000", "22/Nov/2026:08:00:05 +0000"],
  ["%r", "GET /a?b=c HTTP/1.1", "-"],
  ["%m", "GET", "-"],
  ["%U", "/a", "-"],
  ["%q", "?b=c", ""],
  ["%m %U%q", "GET /a?b=c", "-"],
  ["%H", "HTTP/1.1", "-"],
  ["%s", "200", "400"],
  ["%>s", "200", "400"],
  ["%b", "1234", "-"],
  ["%B", "1234", "0"],
  ["%L", "k3v9x2-1", "-"],
  ["%A", "192.0.2.1", "192.0.2.1"],
  ["%p", "8080", "8080"],
  ["%P", "4711", "4711"],
  ["%d", "12.346", "0.000"],
  ["%D", "12345678", "0"],
  ["%T", "12", "0"],
  ["%{s}T", "12", "0"],
  ["%{ms}T", "12345", "0"],
  ["%{us}T", "12345678", "0"],
  ["%{Referer}i", "http://a/", "-"],
  ["%{x-twice}i", "first", "-"],
  ["%{X-Empty}i", "", "-"],
  ["%{X-Missing}i", "-", "-"],
  ["%{content-type}o", "text/plain", "-"],
  ["%{X-Quoted}o", '\\"\\x0a', "-"],
  ["%{X-Missing}o", "-", "-"],
  ["100%% %s%%d", "100% 200%d", "100% 400%d"],
  ["\t%s\t", "\t200\t", "\t400\t"]
]

const presetLines: Readonly<Record<string, readonly [line: string, without: string]>> = {
  clf: [
    '192.0.2.7 - - [22/Nov/2026:08:00:05 +0000] "GET /a?b=c" 200 12.346s',
    '192.0.2.7 - - [22/Nov/2026:08:00:05 +0000] "-" 400 0.000s'
  ],
  combined: [
    '192.0.2.7 - - [22/Nov/2026:08:00:05 +0000] "GET /a?b=c HTTP/1.1" 200 1234 "http://a/" "curl/8.0"',
    '192.0.2.7 - - [22/Nov/2026:08:00:05 +0000] "-" 400 - "-" "-"'
  ],
  common: [
    '192.0.2.7 - - [22/Nov/2026:08:00:05 +0000] "GET /a?b=c HTTP/1.1" 200 1234',
    '192.0.2.7 - - [22/Nov/2026:08:00:05 +0000] "-" 400 -'
  ],
  tiny: ["GET /a?b=c 200 12345ms", "- 400 0ms"]
}

const problems: ReadonlyArray<readonly [format: string, problem: string]> = [
  ["%h %Z", "%Z is not an atom"],
  ["%>h", "%>h is not an atom"],
  ["%é", "it may have printable ASCII characters and tabs only"],
  ["%s\n%s", "it may have printable ASCII characters and tabs only"],
  ["%h %", "it ends with a single %; a percent sign is written %%"],
  ["%s %{Referer", "a %{ has no } behind it"],
  ["%{", "a %{ has no } behind it"],
  ["%{Referer}", "%{Referer} is not an atom"],
  ["%{Referer}x", "%{Referer}x is not an atom"],
  ["%{}i", "%{}i does not name a header field"],
  ["%{User Agent}o", "%{User Agent}o does not name a header field"],
  ["%{days}T", "%{days}T is not an atom"],
  ["%Referer}i", "%R is not an atom"],
  ["combinde", "it is not the name of a format, and has no atom"],
  ["", "it is not the name of a format, and has no atom"]
]

describe("access log formats", () => {
  it.each(atoms)("%s", (format, line, without) => {
    assert.isUndefined(problemOf(format))
    assert.strictEqual(write(format), line)
    assert.strictEqual(write(format, withoutRequest), without)
  })

  it.each([...presets.keys()])("the preset %s", (name) => {
    assert.deepStrictEqual([write(name), write(name, withoutRequest)], presetLines[name])
  })

  it("has names that are formats themselves", () => {
    assert.deepStrictEqual(names, ["clf", "combined", "common", "tiny", "json"])
    for (const name of names) assert.isUndefined(problemOf(name))
  })

  it.each(problems)("refuses %j", (format, problem) => {
    assert.strictEqual(problemOf(format), problem)
    assert.throws(() => compile(format, 0), `${format} is not an access log format: ${problem}`)
  })

  it("writes a path without a query, an empty query, and a query with question marks", () => {
    const targets = ["/", "/?", "/a?b?c", "*", "http://a/b?c"]
    const parts = targets.map((target) => write("%U %q", { request: { ...request, target } }))
    assert.deepStrictEqual(parts, ["/ ", "/ ?", "/a ?b?c", "* ", "http://a/b ?c"])
  })

  it("names the peer of a Unix socket, and the socket", () => {
    assert.strictEqual(write("%h %a %A %p", { client: undefined, server: ["/run/a b", null] }), "unix unix /run/a b -")
    assert.strictEqual(write("%A %p", { server: undefined }), "- -")
  })

  it("asks for what it uses only", () => {
    const uses = ["clf", "combined", "json", "%{a}o", "%{o}i", "%%{a}o%s"].map((format) => {
      const { usesFirstByte, usesResponseHeaders } = compile(format, 0)
      return [usesResponseHeaders, usesFirstByte]
    })
    const nothing = [false, false]
    assert.deepStrictEqual(uses, [nothing, nothing, [false, true], [true, false], nothing, nothing])
  })

  const anyText = Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 255 })))
  const toText = (codes: ReadonlyArray<number>) => String.fromCharCode(...codes)

  it.prop(
    "write one line of printable ASCII in which no request can end its quotes",
    [anyText, anyText, anyText, anyText],
    ([method, target, field, responseField]) => {
      const line = write('"%r" "%m %U%q" "%U" "%q" "%m" "%{Referer}i" "%{X}o"', {
        request: {
          ...request,
          method: toText(method),
          target: toText(target),
          headers: [["referer", toText(field)]]
        },
        responseHeaders: [["x", toText(responseField)]]
      })
      assert.match(line, /^[\x20-\x7e]*$/)
      assert.match(line, /^(?:(?:^| )"(?:[^"\\]|\\.)*"){7}$/)
    },
    { arbitrary: { runs: 500 } }
  )
})
