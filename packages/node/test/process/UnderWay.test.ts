import { assert, describe, it } from "@effect/vitest"
import { count, durationOf } from "../../src/process/Amounts.ts"
import { describe as inWords } from "../../src/process/UnderWay.ts"

const nothing = { connections: 0, requests: 0, eventStreams: 0, webSockets: 0 }

describe("what is under way", () => {
  it("is told by its kinds", () => {
    assert.strictEqual(inWords(nothing), "0 connections")
    assert.strictEqual(inWords({ ...nothing, connections: 1 }), "1 connection")
    assert.strictEqual(inWords({ ...nothing, connections: 3, requests: 1 }), "3 connections (1 request)")
    assert.strictEqual(
      inWords({ connections: 9, requests: 2, eventStreams: 3, webSockets: 4 }),
      "9 connections (2 requests, 4 WebSockets, 3 event streams)"
    )
  })

  it("has amounts as people write them", () => {
    assert.deepStrictEqual(
      [count(0, "worker"), count(1, "worker"), count(2, "worker")],
      ["0 workers", "1 worker", "2 workers"]
    )
    const durations = [-5, 0, 12.4, 999, 1000, 1049, 1250, 9949, 10_000, 10_400, 75_500].map(durationOf)
    assert.deepStrictEqual(durations, ["0ms", "0ms", "12ms", "999ms", "1s", "1s", "1.3s", "9.9s", "10s", "10s", "76s"])
  })
})
