import { assert, describe, it } from "@effect/vitest"
import * as Network from "../../src/options/Network.ts"

describe("Network", () => {
  it.each([
    ["127.0.0.1", "127.0.0.1", "ipv4", 32],
    ["10.0.0.0/8", "10.0.0.0", "ipv4", 8],
    ["0.0.0.0/0", "0.0.0.0", "ipv4", 0],
    ["::1", "::1", "ipv6", 128],
    ["::/0", "::", "ipv6", 0],
    ["FD00::/8", "FD00::", "ipv6", 8],
    ["::ffff:10.0.0.1", "::ffff:10.0.0.1", "ipv6", 128]
  ] as const)("reads %s", (text, address, family, prefix) => {
    assert.deepStrictEqual(Network.parse(text), { address, family, prefix })
    assert.strictEqual(Network.peerKind.accept(text), text)
  })

  it.each([
    "",
    "/",
    "/8",
    "localhost",
    "10.0.0",
    "10.0.0.256",
    "010.0.0.1",
    "10.0.0.0/",
    "10.0.0.0/33",
    "10.0.0.0/08",
    "10.0.0.0/-1",
    "10.0.0.0/8/8",
    "::/129",
    ":",
    "1::2::3",
    "[::1]",
    "fe80::1%eth0",
    "::1 ",
    "unix/8"
  ])("refuses %j", (text) => {
    assert.isUndefined(Network.parse(text))
    assert.isUndefined(Network.peerKind.accept(text))
  })

  it("has a word for Unix sockets, which have no address", () => {
    assert.strictEqual(Network.peerKind.accept("unix"), "unix")
    assert.isUndefined(Network.parse("unix"))
  })
})
