import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import { type ExtensionPlace, extensionStep, mayExtensionEnd } from "../../src/protocol/ChunkExtension.ts"
import { bytes, oneOf } from "../support/Generators.ts"

/** Whether a text may stand between a chunk's size and its line end. */
const isAccepted = (text: string): boolean => {
  let place: ExtensionPlace | undefined = "after-size"
  for (const character of text) {
    place = extensionStep(place, character.charCodeAt(0))
    if (place === undefined) return false
  }
  return mayExtensionEnd(place)
}

/** The grammar of RFC 9112 §7.1.1 and RFC 9110 §5.6, written down once more, and blanks behind the size. */
const token = "[!#$%&'*+\\-.^_`|~0-9A-Za-z]+"
const quoted = '"(?:[\\t \\x21\\x23-\\x5b\\x5d-\\x7e\\x80-\\xff]|\\\\[\\t\\x20-\\x7e\\x80-\\xff])*"'
const blanks = "[ \\t]*"
const extension = `${blanks};${blanks}${token}(?:${blanks}=${blanks}(?:${token}|${quoted}))?`
const grammar = new RegExp(`^(?:${blanks}|(?:${extension})*)$`)

const pieces = Arbitrary.array(
  oneOf(
    ";",
    ";",
    "=",
    "a",
    "token",
    "0",
    '"',
    '"b;c=d"',
    '"\\""',
    "\\",
    " ",
    "\t",
    "@",
    ",",
    "\xe9",
    "\x7f",
    "\0",
    "\r",
    "\n"
  ),
  { maxLength: 12 }
)

describe("a chunk extension", () => {
  it.each([
    "",
    ";a",
    ";a=1",
    ";a;b",
    ' ; a = 1 ;\tb\t=\t"x;y"',
    ';a="\t"',
    ';a="\\"\\\\\\\t\xff"',
    ';a=""',
    ";!#$%&'*+-.^_`|~=~",
    "  ",
    "\t"
  ])("%j is right", (text) => assert.isTrue(isAccepted(text)))

  it.each([
    ";",
    ";=v",
    ";a@b",
    ';a="b',
    ";a=",
    ";a;",
    ";a ",
    ";a=1 ",
    ';a="b" ',
    ";;a",
    ";a=b=c",
    ";a b",
    ";a=b c",
    ';a="b"c',
    ';a=b"c"',
    ';"a"',
    ";a=\xe9",
    ';a="\\',
    ';a="\\"',
    "a",
    ",a",
    "=1"
  ])("%j is wrong", (text) => assert.isFalse(isAccepted(text)))

  it("has no control byte but the tab, quoted or not", () => {
    for (let code = 0; code < 256; code++) {
      const isControl = (code < 0x20 && code !== 0x09) || code === 0x7f
      const byte = String.fromCharCode(code)
      for (const text of [`;a="\\${byte}"`, `;${byte}a`, `${byte};a`, `;a=${byte}b`]) {
        if (isControl) assert.isFalse(isAccepted(text), JSON.stringify(text))
      }
      if (!isControl) assert.isTrue(isAccepted(`;a="\\${byte}"`), JSON.stringify(byte))
    }
  })

  it.prop(
    "is what the grammar says",
    [pieces],
    ([parts]) => {
      const text = parts.join("")
      assert.strictEqual(isAccepted(text), grammar.test(text), JSON.stringify(text))
    },
    { arbitrary: { runs: 2000, size: 20 } }
  )

  it.prop("is what the grammar says, of any bytes", [bytes(6)], ([text]) => {
    assert.strictEqual(isAccepted(`;a=${text}`), grammar.test(`;a=${text}`), JSON.stringify(text))
  })
})
