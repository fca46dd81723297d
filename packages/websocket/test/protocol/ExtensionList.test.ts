import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import { type ExtensionOffer, parseExtensions } from "../../src/protocol/ExtensionList.ts"
import { bytes, integer, oneOf } from "../support/Generators.ts"

const offer = (name: string, ...parameters: ExtensionOffer["parameters"]): ExtensionOffer => ({ name, parameters })

describe("RFC 6455 §9.1: Sec-WebSocket-Extensions", () => {
  it("names alone", () => {
    assert.deepStrictEqual(parseExtensions("foo"), [offer("foo")])
    assert.deepStrictEqual(parseExtensions("foo, bar"), [offer("foo"), offer("bar")])
    assert.deepStrictEqual(parseExtensions("foo,foo"), [offer("foo"), offer("foo")])
  })

  it("parameters with and without a value, in their order", () => {
    assert.deepStrictEqual(parseExtensions("foo; bar=2, baz; a; b=c; a"), [
      offer("foo", ["bar", "2"]),
      offer("baz", ["a", undefined], ["b", "c"], ["a", undefined])
    ])
  })

  it("a quoted value is the same as its token", () => {
    assert.deepStrictEqual(parseExtensions('foo; a="10"; b="x\\y\\z"'), [offer("foo", ["a", "10"], ["b", "xyz"])])
  })

  it("a quoted value that is not a token → malformed", () => {
    for (const value of [
      '""',
      '" "',
      '"a b"',
      '"a,b"',
      '"a;b"',
      '"\\""',
      '"\\\\"',
      '"\xe9"',
      '"a',
      '"a\\',
      '"a\\"',
      '"'
    ]) {
      assert.isUndefined(parseExtensions(`foo; a=${value}`), value)
    }
  })

  it("blanks between the parts mean nothing", () => {
    assert.deepStrictEqual(parseExtensions(' \tfoo \t;\ta\t= "1" ;b , bar '), [
      offer("foo", ["a", "1"], ["b", undefined]),
      offer("bar")
    ])
  })

  it("empty elements of the list are passed over (RFC 9110 §5.6.1.2)", () => {
    assert.deepStrictEqual(parseExtensions(""), [])
    assert.deepStrictEqual(parseExtensions(" ,, \t"), [])
    assert.deepStrictEqual(parseExtensions(",foo,, bar,"), [offer("foo"), offer("bar")])
  })

  it("anything else is malformed", () => {
    const malformed = [
      "foo bar",
      "foo;",
      "foo;;a",
      ";a",
      "foo; a=",
      "foo; =a",
      "foo; a=b=c",
      "foo; a b",
      'foo; a="b"c',
      'foo; a=b"c"',
      "foo=a",
      '"foo"',
      "foo\xa0",
      "foo\0",
      "f(oo)",
      "foo, bar;",
      "foo; a=, bar",
      "foo/bar",
      "fo\xe9"
    ]
    for (const value of malformed) assert.isUndefined(parseExtensions(value), JSON.stringify(value))
  })

  const token = oneOf("foo", "a", "x-1", "permessage-deflate", "!#$%&'*+-.^_`|~09AZ")
  const anyOffer = Arbitrary.all({
    name: token,
    parameters: Arbitrary.array(Arbitrary.all([token, oneOf(undefined, "1", "b")]), { maxLength: 4 })
  })

  it.prop(
    "what is written in the form of the grammar is read as it was meant",
    [Arbitrary.array(anyOffer, { maxLength: 4 }), oneOf("", " ", "\t "), integer(0, 1)],
    ([offers, blank, quoting]) => {
      const quote = quoting === 1 ? '"' : ""
      const write = ({ name, parameters }: ExtensionOffer): string =>
        [
          name,
          ...parameters.map(([key, value]) => (value === undefined ? key : `${key}=${quote}${value}${quote}`))
        ].join(`${blank};${blank}`)
      assert.deepStrictEqual(parseExtensions(offers.map(write).join(`,${blank}`)), offers)
    }
  )

  it.prop("random bytes do not throw", [bytes(40)], ([text]) => {
    const offers = parseExtensions(text)
    for (const { name } of offers ?? []) assert.isTrue(text.includes(name))
  })
})
