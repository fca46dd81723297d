import { assert, describe, it } from "@effect/vitest"
import * as Annotations from "../../src/exchange/Annotations.ts"
import type { Scope } from "../../src/contract/Scope.ts"
import { subjectOf } from "../../src/server/Subject.ts"
import * as Unended from "../../src/server/Unended.ts"

const parts = {
  path: "/path",
  httpVersion: "1.1",
  headers: [["a", "b"]],
  client: ["192.0.2.1", 1234]
}

// No more of a scope than messages are made of.
const scopes = [
  { ...parts, type: "websocket" },
  { ...parts, type: "sse", method: "GET" },
  { ...parts, type: "websocket", client: undefined },
  { ...parts, type: "sse", method: "POST", client: ["/socket", null] },
  { ...parts, type: "http", method: "GET" },
  { type: "lifespan" }
] as unknown as ReadonlyArray<Scope>

describe("subjectOf", () => {
  it("keeps what messages say of a scope", () => {
    for (const scope of scopes) {
      const subject = subjectOf(scope)
      assert.deepStrictEqual(Annotations.make(subject, 1), Annotations.make(scope, 1))
      assert.strictEqual(Unended.describe([subject]), Unended.describe([scope]))
    }
  })

  it("keeps no header fields for as long as a session or stream lasts", () => {
    for (const scope of scopes.slice(0, 4)) {
      assert.deepStrictEqual(
        Object.values(subjectOf(scope)).filter((value) => typeof value === "object"),
        []
      )
    }
  })
})
