import { assert, describe, it } from "@effect/vitest"
import { parse } from "../../src/http/ForwardedNode.ts"

describe("ForwardedNode", () => {
  it.each([
    ["192.0.2.7", "192.0.2.7", 0],
    ["192.0.2.7:4711", "192.0.2.7", 4711],
    ["192.0.2.7:_hidden", "192.0.2.7", 0],
    ["2001:db8::1", "2001:db8::1", 0],
    ["[2001:DB8:0::1]", "2001:db8::1", 0],
    ["[2001:db8::1]:65535", "2001:db8::1", 65_535],
    ["::ffff:192.0.2.7", "192.0.2.7", 0],
    ["[::FFFF:c000:207]:80", "192.0.2.7", 80],
    ["0:0:0:0:0:ffff:192.0.2.7", "192.0.2.7", 0],
    ["::1", "::1", 0]
  ])("reads %s", (text, host, port) => {
    assert.deepStrictEqual(parse(text), [host, port])
  })

  it.each(["unix", "unix:"])("takes %j for a Unix socket", (text) => {
    assert.strictEqual(parse(text), "unix")
  })

  it.each([
    "",
    "unknown",
    "_hidden",
    "_hidden:80",
    "example.org",
    "localhost",
    "192.0.2",
    "192.0.2.7.1",
    "192.0.2.256",
    "192.0.2.07",
    "192.0.2.7:",
    "192.0.2.7:65536",
    "192.0.2.7:-1",
    "192.0.2.7:0x50",
    "192.0.2.7:80:80",
    " 192.0.2.7",
    "192.0.2.7 ",
    "192.0.2.7\x00",
    "[192.0.2.7]",
    "[2001:db8::1",
    "2001:db8::1]",
    "[2001:db8::1]80",
    "[2001:db8::1]:",
    "[]",
    "[::1%lo]",
    "fe80::1%eth0",
    "1::2::3",
    ":",
    "::g",
    "0x7f.1",
    "2130706433",
    `${"0".repeat(4000)}::1`
  ])("knows nobody by %j", (text) => {
    assert.isUndefined(parse(text))
  })
})
