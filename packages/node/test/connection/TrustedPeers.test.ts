import { assert, describe, it } from "@effect/vitest"
import type { Address } from "@pagi/core/Address"
import * as TrustedPeers from "../../src/connection/TrustedPeers.ts"

const from = (host: string | undefined, server: Address | undefined = ["10.0.0.9", 80]) => ({
  client: host === undefined ? undefined : ([host, 1] as const),
  server
})

describe("TrustedPeers", () => {
  it("are those whose address is named or in a network", () => {
    const isTrusted = TrustedPeers.make(["127.0.0.1", "10.0.0.0/8", "fd00::/8"])
    // Each twice: the second answer is remembered.
    for (const host of ["127.0.0.1", "10.255.0.1", "::ffff:10.1.2.3", "fd00::1", "10.255.0.1", "fd00::1"]) {
      assert.isTrue(isTrusted(from(host)), host)
    }
    for (const host of ["127.0.0.2", "11.0.0.1", "::ffff:11.1.2.3", "fe80::1", "::1", "memory", "", "11.0.0.1"]) {
      assert.isFalse(isTrusted(from(host)), host)
    }
    assert.isFalse(isTrusted(from(undefined)))
  })

  it("are all of Unix sockets, if these are named", () => {
    const isTrusted = TrustedPeers.make(["unix"])
    assert.isTrue(isTrusted(from(undefined, ["/run/app.sock", null])))
    assert.isFalse(isTrusted(from("127.0.0.1")))
  })

  it("are none of TCP whose addresses are not known any more", () => {
    const isTrusted = TrustedPeers.make(["unix"])
    assert.isFalse(isTrusted(from(undefined)))
    assert.isFalse(isTrusted({ client: undefined, server: undefined }))
  })

  it("are none whose proxy has not said who they are", () => {
    const isTrusted = TrustedPeers.make(["unix", "10.0.0.1"])
    assert.isFalse(isTrusted({ ...from("10.0.0.1"), hasUnknownClient: true }))
    assert.isFalse(isTrusted({ ...from(undefined, ["/run/app.sock", null]), hasUnknownClient: true }))
  })

  it("stay the same however many others come", () => {
    const isTrusted = TrustedPeers.make(["10.0.0.7"])
    for (let index = 0; index < 1000; index++) assert.isFalse(isTrusted(from(`10.1.${index >> 8}.${index & 255}`)))
    assert.isTrue(isTrusted(from("10.0.0.7")))
  })
})
