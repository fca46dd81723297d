import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { connect, range } from "./support/Http2Session.ts"
import { fetch } from "./support/HttpSuiteClient.ts"
import { until } from "./support/Until.ts"

describe("a client that keeps few compressed fields, or none", () => {
  for (const headerTableSize of [0, 1, 100]) {
    it.live(`understands every response, with a table of ${headerTableSize} bytes`, () =>
      Effect.gen(function* () {
        let count = 0
        const { client, session } = yield* connect(
          Effect.fnUntraced(function* (_scope, _receive, send) {
            yield* send({ type: "http.response.start", status: 200, headers: [["x-count", String(count++ % 3)]] })
            yield* send({ type: "http.response.body", body: "fine" })
          }),
          { client: { headerTableSize } }
        )
        yield* until("the server knows", () => session.pendingSettingsAck === false)
        for (const index of range(10)) {
          const { headers, text } = yield* fetch(client, {})
          assert.deepStrictEqual([text, headers["x-count"]], ["fine", String(index % 3)])
        }
        assert.isFalse(session.destroyed)
      })
    )
  }
})
