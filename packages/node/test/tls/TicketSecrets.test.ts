import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import { from, keepFresh, make, read, TicketKeyring, write } from "../../src/tls/TicketSecrets.ts"

describe("the secrets of session tickets", () => {
  it.effect("change every hour, and each of them is known before it is used and after", () =>
    Effect.gen(function* () {
      const keyring = new TicketKeyring()
      const first = keyring.secrets
      assert.strictEqual(new Set(Object.values(first)).size, 3)
      let changes = 0
      yield* keepFresh(keyring, () => changes++)
      yield* TestClock.adjust("59 minutes")
      assert.strictEqual(keyring.secrets, first)
      yield* TestClock.adjust("1 minute")
      const second = keyring.secrets
      assert.deepStrictEqual({ ...second, next: "" }, { next: "", current: first.next, previous: first.current })
      assert.notInclude(Object.values(first), second.next)
      yield* TestClock.adjust("1 hour")
      assert.strictEqual(keyring.secrets.previous, second.current)
      assert.strictEqual(changes, 2)
    })
  )

  it.effect("are handed over with their age", () =>
    Effect.gen(function* () {
      const keyring = new TicketKeyring()
      yield* Effect.scoped(Effect.andThen(keepFresh(keyring), TestClock.adjust("50 minutes")))
      const heir = read(write(keyring))
      assert.deepStrictEqual(heir.secrets, keyring.secrets)
      yield* keepFresh(heir)
      yield* TestClock.adjust("10 minutes")
      assert.strictEqual(heir.secrets.previous, keyring.secrets.current)
    })
  )

  it("are new ones where none can be read", () => {
    const { current, next, previous } = make()
    for (const text of [
      "",
      "{",
      "null",
      "5",
      "{}",
      `{"age":0}`,
      `{"secrets":{}}`,
      JSON.stringify({ secrets: make() })
    ]) {
      const { age, secrets } = read(text)
      assert.strictEqual(age, 0)
      assert.notDeepEqual(secrets, read(text).secrets)
      assert.deepStrictEqual(from(secrets), secrets)
    }
    for (const value of [
      undefined,
      "x",
      { current, next },
      { current, next, previous: "00" },
      { current, next: 1, previous }
    ]) {
      assert.isUndefined(from(value))
    }
  })
})
