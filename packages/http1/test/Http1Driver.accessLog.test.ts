import { assert, describe, it } from "@effect/vitest"
import type { MemoryTransport } from "@pagi/core/testing/MemoryTransport"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import { hello, recorded } from "@pagi/core/test/drivers/support/Applications"
import { converse, finish, makeHarness } from "./support/DriverHarness.ts"
import { get, lines, post } from "./support/Machine.ts"

describe("the access log has a line for", () => {
  it.effect("heads that were not understood, and none for a peer that sends nothing", () =>
    Effect.gen(function* () {
      const harness = yield* makeHarness(recorded(hello).application, { options: { maxHeaderSize: 200 } })
      const transports: Array<MemoryTransport> = []
      for (const head of [
        "GET\r\n\r\n",
        lines("GET / HTTP/1.1"),
        `GET /${"a".repeat(300)} HTTP/1.1\r\n\r\n`,
        get(`X: ${"a".repeat(300)}`),
        lines("GET / HTTP/3.0"),
        post("Transfer-Encoding: nonsense, chunked"),
        post("Content-Length: 99999999"),
        get() + "\u0000\r\n\r\n",
        ""
      ]) {
        transports.push(yield* converse(harness, head))
      }
      const found = harness.log.map(({ bytes, outcome, request, status }) => {
        assert.isTrue(bytes > 0)
        return `${status} ${outcome} ${request?.target}`
      })
      assert.deepStrictEqual(found, [
        "400 protocol_error undefined",
        "400 protocol_error undefined",
        "414 protocol_error undefined",
        "431 protocol_error undefined",
        "505 protocol_error undefined",
        "501 protocol_error undefined",
        "413 protocol_error undefined",
        "200 complete /",
        "400 protocol_error undefined"
      ])
      yield* finish(harness, ...transports)
    })
  )

  it.effect("a head that did not come to its end in time", () =>
    Effect.gen(function* () {
      const { application } = recorded(hello)
      const harness = yield* makeHarness(application, { options: { headersTimeout: "1 second" } })
      const transport = yield* converse(harness, "GET / HT")
      yield* TestClock.adjust("1200 millis")
      const [record, ...others] = harness.log
      assert.deepInclude(record, { request: undefined, status: 408, outcome: "client_timeout" })
      assert.isAbove(record?.bytes ?? 0, 0)
      assert.deepStrictEqual(others, [])
      yield* finish(harness, transport)
    })
  )
})
