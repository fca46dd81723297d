import { assert, describe, it } from "@effect/vitest"
import { getCiphers } from "node:tls"
import { defaultCiphers, numberOf } from "../../src/tls/CipherSuites.ts"

describe("CipherSuites", () => {
  it("knows every suite that Node can agree on with a certificate", () => {
    const names = getCiphers().filter((name) => !/psk|srp/.test(name))
    assert.isAbove(names.length, 20)
    assert.deepStrictEqual(
      names.filter((name) => numberOf(name.toUpperCase()) === null),
      []
    )
  })

  it("offers by default what Node knows, nothing without forward secrecy, and nothing that does not authenticate", () => {
    const known = new Set(getCiphers().map((name) => name.toUpperCase()))
    for (const name of defaultCiphers.split(":")) {
      assert.isTrue(known.has(name), name)
      assert.match(name, /^(TLS|ECDHE-\w+)[-_].*(GCM|CHACHA20)/)
    }
  })

  it("has the numbers of the registry", () => {
    assert.strictEqual(numberOf("TLS_AES_128_GCM_SHA256"), 0x1301)
    assert.strictEqual(numberOf("ECDHE-RSA-CHACHA20-POLY1305"), 0xcca8)
    assert.strictEqual(numberOf("AES128-SHA"), 0x002f)
    assert.isNull(numberOf("NO-SUCH"))
  })
})
