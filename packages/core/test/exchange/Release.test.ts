import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { setImmediate } from "node:timers/promises"
import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
import * as PagiApp from "../../src/contract/PagiApp.ts"
import * as TestClient from "../../src/testing/TestClient.ts"

setFlagsFromString("--expose-gc")
const collect = runInNewContext("gc") as () => void // What the flag provides, in new contexts only.

describe("an exchange that has ended", () => {
  for (const waits of [false, true]) {
    it.effect(`keeps nothing of its request, of an application that ${waits ? "waited" : "did not wait"}`, () =>
      Effect.gen(function* () {
        const kept: Array<unknown> = []
        const scopes: Array<WeakRef<object>> = []
        const app = PagiApp.make({
          http: Effect.fnUntraced(function* (scope, receive, send) {
            kept.push(receive, send)
            scopes.push(new WeakRef(scope))
            if (waits) yield* Effect.promise(() => setImmediate())
            yield* send({ type: "http.response.start", status: 200 })
            yield* send({ type: "http.response.body", body: "done" })
          })
        })
        const client = yield* TestClient.make(app)
        for (let count = 0; count < 3; count++) yield* client.request({ path: "/" })
        yield* Effect.promise(() => setImmediate())
        collect()
        assert.strictEqual(kept.length, 6)
        // The last one may still be on somebody's stack.
        assert.isUndefined(scopes[0]?.deref())
      })
    )
  }
})
