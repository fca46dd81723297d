import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import * as PagePolicy from "../../src/development/PagePolicy.ts"

const allowing = (...policies: ReadonlyArray<string>) => PagePolicy.allowing(policies, () => "made")

/** Policies, what becomes of them, and the nonce that the script has. */
const cases: ReadonlyArray<readonly [policy: string, changed: string, nonce: string | undefined]> = [
  ["img-src 'self'", "img-src 'self'", undefined],
  ["default-src *; script-src 'unsafe-inline'", "default-src *; script-src 'unsafe-inline'", undefined],
  ["script-src 'self'", "script-src 'self' 'nonce-made'", "made"],
  ["script-src 'none'; connect-src 'none'", "script-src 'nonce-made'; connect-src 'self'", "made"],
  ["default-src 'none'", "default-src 'none'; script-src 'nonce-made'; connect-src 'self'", "made"],
  ["default-src 'self'", "default-src 'self'; script-src 'self' 'nonce-made'", "made"],
  ["default-src 'unsafe-inline'", "default-src 'unsafe-inline'; connect-src 'unsafe-inline' 'self'", undefined],
  ["script-src 'nonce-abc+/=' 'strict-dynamic'", "script-src 'nonce-abc+/=' 'strict-dynamic'", "abc+/="],
  ["script-src 'unsafe-inline' 'sha256-x'", "script-src 'unsafe-inline' 'sha256-x' 'nonce-made'", "made"],
  [
    "script-src 'self' 'unsafe-inline'; script-src-elem 'self'",
    "script-src 'self' 'unsafe-inline'; script-src-elem 'self' 'nonce-made'",
    "made"
  ],
  ["SCRIPT-SRC 'Self';; ", "script-src 'Self' 'nonce-made'", "made"],
  ["script-src 'nonce-\"><script>'", "script-src 'nonce-\"><script>' 'nonce-made'", "made"],
  ["connect-src https://api.example", "connect-src https://api.example 'self'", undefined],
  [
    "default-src 'self', script-src 'nonce-n'",
    "default-src 'self'; script-src 'self' 'nonce-n', script-src 'nonce-n'",
    "n"
  ]
]

describe("the policy of a page", () => {
  for (const [policy, changed, nonce] of cases) {
    it(`allows the script and no more: ${policy}`, () => {
      assert.deepStrictEqual(allowing(policy), { policies: [changed], nonce })
    })
  }

  it("is one of several, which all have to allow the script by the same nonce", () => {
    assert.deepStrictEqual(allowing("script-src 'self'", "script-src 'nonce-a'", "script-src 'nonce-b'"), {
      policies: ["script-src 'self' 'nonce-a'", "script-src 'nonce-a'", "script-src 'nonce-b' 'nonce-a'"],
      nonce: "a"
    })
  })

  it("gets another nonce for each page", () => {
    const nonces = new Set(Array.from({ length: 20 }, () => PagePolicy.allowing(["script-src 'self'"]).nonce))
    assert.strictEqual(nonces.size, 20)
    for (const nonce of nonces) assert.match(nonce ?? "", /^[\w-]{22}$/)
  })

  it.prop(
    "never gives a nonce that could end an attribute, and leaves what it has changed as it is",
    [
      Schema.Array(
        Schema.Union([
          Schema.String,
          Schema.Literals(["script-src ", "default-src ", ";", ",", " ", "'nonce-", "'", "'none'", '"', ">"])
        ])
      )
    ],
    ([pieces]) => {
      const { nonce, policies } = allowing(pieces.join(""))
      if (nonce !== undefined) assert.match(nonce, /^[\w+/=-]+$/)
      assert.deepStrictEqual(PagePolicy.allowing(policies, () => "other").policies, policies)
    }
  )
})
