import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Schema from "effect/Schema"
import { assertNotQuadratic } from "../../../../test/support/Growth.ts"
import { type ForwardedElement, parse, visitFromEnd } from "../../src/http/ForwardedElement.ts"

const all = (...fields: ReadonlyArray<string>) => {
  const elements: Array<ForwardedElement | undefined> = []
  visitFromEnd(fields, (element) => {
    elements.push(element)
    return true
  })
  return elements
}

/** A value as a proxy quotes it that wants to be sure. */
const quote = (text: string) => `"${text.replace(/["\\]/g, "\\$&")}"`

/** Texts of these characters. */
const textOf = (characters: string) =>
  Arbitrary.map(Arbitrary.array(Arbitrary.schema(Schema.Literals([...characters])), { maxLength: 20 }), (text) =>
    text.join("")
  )

describe("ForwardedElement", () => {
  it("is what one proxy says", () => {
    assert.deepStrictEqual(parse('for="[2001:db8::1]:4711";Proto=https;BY=_me;host=example.org'), {
      for: "[2001:db8::1]:4711",
      proto: "https",
      by: "_me",
      host: "example.org"
    } as ForwardedElement)
    assert.deepStrictEqual(parse("for=192.0.2.7:80; proto=http ;"), { for: "192.0.2.7:80", proto: "http" })
    assert.deepStrictEqual(parse(String.raw`host="a\"\\b"`), { host: String.raw`a"\b` })
    assert.deepStrictEqual(parse('host="a;b=c"'), { host: "a;b=c" })
  })

  it.each([
    "for",
    "=1",
    "for=",
    "for=1;for=2",
    "for=1;FOR=2",
    'for="1',
    'for=1"',
    'for="1"2"',
    "f r=1",
    "for= 1",
    'for=\\"'
  ])("is nothing when it is malformed: %s", (text) => {
    assert.isUndefined(parse(text))
  })

  it("is read from the end, over several fields and empty elements", () => {
    assert.deepStrictEqual(all("for=a, , for=b", "", " ,for=c,"), [{ for: "c" }, { for: "b" }, { for: "a" }])
    assert.deepStrictEqual(all('for="a,b", for="c\\",d"'), [{ for: 'c",d' }, { for: "a,b" }])
  })

  it("ends where nobody wants more", () => {
    let count = 0
    visitFromEnd(["for=a, for=b", "for=c"], () => ++count < 2)
    assert.strictEqual(count, 2)
  })

  it.prop(
    "is the same whatever is left of it",
    [textOf('\\",;= a'), Arbitrary.array(textOf('\\",;= a1.[]:'), { minLength: 1, maxLength: 6 })],
    ([before, values]) => {
      const text = values.map((value) => `for=${quote(value)}`).join(",")
      const expected = values.map((value) => ({ for: value })).toReversed()
      assert.deepStrictEqual(all(`${before},${text}`).slice(0, values.length), expected)
      assert.deepStrictEqual(all(before, text).slice(0, values.length), expected)
    }
  )

  it.each(['"', '\\"', "\\", ",", ";", "=", '="', '";', "for=a;", 'for="\\"'])(
    "takes no time that grows with the square of its length: %s",
    (unit) => {
      const text = unit.repeat(50_000)
      assertNotQuadratic(() => void all(text))
    }
  )
})
