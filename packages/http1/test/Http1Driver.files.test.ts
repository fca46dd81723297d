import { assert, describe, it } from "@effect/vitest"
import { answering, content, path, text, withHead } from "@pagi/core/test/drivers/support/FileAnswers"
import * as Effect from "effect/Effect"
import { readResponse } from "./support/ClientConnection.ts"
import { assertNothingLeft, converse, finish, makeHarness, turn } from "./support/DriverHarness.ts"
import { get, lines } from "./support/Machine.ts"

describe("a file response", () => {
  it.effect("to HTTP/1.0 has its length too, and keeps the connection where that is wanted", () =>
    Effect.gen(function* () {
      const { application, files } = answering(withHead())
      const harness = yield* makeHarness(application, { files })
      const transport = yield* converse(harness, lines("GET / HTTP/1.0", "Connection: keep-alive"))
      const [response] = readResponse(transport.text, { method: "GET", httpVersion: "1.0", keepAlive: true }, false)
      assert.isTrue(response.body === text)
      assert.isTrue(response.persistent)
      yield* finish(harness, transport)
    })
  )

  it.effect("of a file that becomes shorter ends the connection behind all that could be read", () =>
    Effect.gen(function* () {
      const { application, files } = answering(withHead())
      const harness = yield* makeHarness(application, { files })
      const transport = harness.connect({ capacity: 1000 })
      transport.push(get())
      yield* turn
      files.set(path, content.subarray(0, 150_000))
      let received = ""
      for (let reads = 0; reads < 300; reads++) {
        received += transport.read()
        yield* turn
      }
      assert.match(received, /\r\ncontent-length: 200000\r\n/)
      assert.strictEqual(received.length - received.indexOf("\r\n\r\n") - 4, 150_000)
      assert.strictEqual(transport.ending, "closed")
      assertNothingLeft(harness)
    })
  )
})
