import { assert, describe, it } from "@effect/vitest"
import { isToken, nameProblem, valueProblem } from "../../src/http/FieldSyntax.ts"
import { checkField, lookUpName } from "../../src/http/ResponseField.ts"

describe("a field that an application sends", () => {
  it("has a token for a name, in any case", () => {
    for (let code = 0; code < 0x180; code++) {
      const name = `X${String.fromCharCode(code)}`
      for (const _ of ["looked up", "remembered"]) {
        assert.strictEqual(lookUpName(name)?.name, isToken(name) ? name.toLowerCase() : undefined, name)
      }
    }
    assert.isUndefined(lookUpName(""))
    assert.strictEqual(lookUpName("__proto__")?.name, "__proto__")
    assert.deepStrictEqual(lookUpName("Constructor"), { name: "constructor", role: "other", isForbiddenTrailer: false })
  })

  it("is remembered rightly when there are more than are remembered", () => {
    for (let index = 0; index < 2000; index++) assert.strictEqual(lookUpName(`Name-${index}`)?.name, `name-${index}`)
    assert.strictEqual(lookUpName("Name-0")?.name, "name-0")
  })

  it("is known by its name for what the server does with it", () => {
    const roles = [
      ["Date", "date"],
      ["CONTENT-LENGTH", "content-length"],
      ["Connection", "connection"],
      ["Upgrade", "upgrade"],
      ["Keep-Alive", "hop"],
      ["Proxy-Connection", "hop"],
      ["Transfer-Encoding", "hop"],
      ["Trailer", "other"],
      ["x-date", "other"]
    ] as const
    for (const [name, role] of roles) assert.strictEqual(lookUpName(name)?.role, role, name)
  })

  it("is refused for its name before its value, with the place of what is wrong", () => {
    for (const name of ["", "a b", "a:", "a\r\nb", "é"]) assert.strictEqual(checkField(name, "\n"), nameProblem(name))
    for (const value of ["b\r\nc: d", "b\n", "\r", "\0", "\x7f", "\u0100", "\u560a"]) {
      assert.strictEqual(checkField("A", value), valueProblem("A", value))
    }
    assert.strictEqual(checkField("A", "\t é"), lookUpName("A"))
  })
})
