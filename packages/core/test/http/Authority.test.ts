import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { isIPv6 } from "node:net"
import { isAuthority, isHost } from "../../src/http/Authority.ts"

/** Parts of which addresses, and what is nearly one, come about by chance. */
const part = Schema.Literals(["0", "1", "ff", "abcd", "12345", "g", ":", ":", ":", "::", ".", "1.2.3.4", "256", "01"])

describe("IPv6 literals", () => {
  it.each([
    "[::]",
    "[::1]",
    "[1::]",
    "[::]:80",
    "[::1]:",
    "[2001:db8::1]:65535",
    "[2001:DB8:0:0:8:800:200C:417A]",
    "[1:2:3:4:5:6:7::]",
    "[::2:3:4:5:6:7:8]",
    "[::ffff:192.0.2.1]",
    "[1:2:3:4:5:6:192.0.2.255]",
    "[0000:0:00:000:0:0:0:0]"
  ])("%s is one", (text) => assert.isTrue(isAuthority(text)))

  it.each([
    "[]",
    "[:]",
    "[:::]",
    "[::::]",
    "[1]",
    "[1:2]",
    "[1:2:3:4:5:6:7]",
    "[1:2:3:4:5:6:7:8:9]",
    "[1:2:3:4:5:6:7:8::]",
    "[1::2:3:4:5:6:7:8]",
    "[1::2::3]",
    "[:1:2:3:4:5:6:7:8]",
    "[1:2:3:4:5:6:7:]",
    "[12345::]",
    "[g::]",
    "[::1.2.3]",
    "[::1.2.3.4.5]",
    "[::1.2.3.256]",
    "[::01.2.3.4]",
    "[1.2.3.4]",
    "[1.2.3.4::]",
    "[::1.2.3.4:1]",
    "[1:2:3:4:5:6:7:1.2.3.4]",
    "[::1%25eth0]",
    "[::1",
    "::1",
    "[::1]]",
    "[::1]1",
    "[::1]:65536",
    "[::1]:80:80"
  ])("%s is none", (text) => assert.isFalse(isAuthority(text)))

  it.prop(
    "are those that the system reads",
    [Schema.Array(part).check(Schema.isMaxLength(17))],
    ([parts]) => {
      const text = parts.join("")
      assert.strictEqual(isAuthority(`[${text}]`), isIPv6(text), text)
    },
    { arbitrary: { runs: 2000, size: 20 } }
  )
})

describe("isHost", () => {
  it("allows what isAuthority does, and an empty text", () => {
    assert.deepStrictEqual(["", "a", "[::1]:80", "[::::]", "a:b"].map(isHost), [true, true, true, false, false])
  })
})
