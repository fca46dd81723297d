import { assert, describe, it } from "@effect/vitest"
import { getCiphers } from "node:tls"
import { numberOf } from "../src/CipherSuites.ts"

describe("CipherSuites", () => {
  it("knows every suite that Node can agree on with a certificate", () => {
    const names = getCiphers().filter((name) => !/psk|srp/.test(name))
    assert.isAbove(names.length, 20)
    assert.deepStrictEqual(
      names.filter((name) => numberOf(name.toUpperCase()) === null),
      []
    )
  })

  it("has the numbers of the registry", () => {
    assert.strictEqual(numberOf("TLS_AES_128_GCM_SHA256"), 0x1301)
    assert.strictEqual(numberOf("ECDHE-RSA-CHACHA20-POLY1305"), 0xcca8)
    assert.strictEqual(numberOf("AES128-SHA"), 0x002f)
    assert.isNull(numberOf("NO-SUCH"))
  })
})
