import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as RemoteParent from "../../src/tracing/RemoteParent.ts"
import { TraceStateOfSpan } from "../../src/tracing/TraceState.ts"

const traceId = "0af7651916cd43dd8448eb211c80319c"
const spanId = "b7ad6b7169203331"
const traceparent = ["traceparent", `00-${traceId}-${spanId}-01`] as const

const stateOf = (...fields: Parameters<typeof RemoteParent.fromBlock>[0]) => {
  const parent = RemoteParent.fromBlock(fields)
  assert.isDefined(parent)
  return Context.getOrUndefined(parent.annotations, TraceStateOfSpan)?.serialize()
}

describe("the caller's span", () => {
  it("is told by traceparent, or else by B3", () => {
    const told = { traceId, spanId, sampled: true }
    assert.deepInclude(RemoteParent.fromBlock([["host", "a"], traceparent]), told)
    assert.deepInclude(RemoteParent.fromBlock([["b3", `${traceId}-${spanId}-1`]]), told)
    assert.deepInclude(
      RemoteParent.fromBlock([
        ["x-b3-traceid", traceId],
        ["x-b3-spanid", spanId],
        ["x-b3-sampled", "0"]
      ]),
      { ...told, sampled: false }
    )
    assert.deepInclude(RemoteParent.fromBlock([["b3", `${traceId}-${"1".repeat(16)}-1`], traceparent]), told)
  })

  it("is absent when nothing tells it, or what does is malformed", () => {
    assert.isUndefined(RemoteParent.fromBlock([["host", "a"]]))
    assert.isUndefined(RemoteParent.fromBlock([["tracestate", "a=1"]]))
    assert.isUndefined(RemoteParent.fromBlock([["traceparent", `00-${traceId}-${"0".repeat(16)}-01`]]))
    assert.isUndefined(RemoteParent.fromBlock([["traceparent", "00-xyz"]]))
    // W3C Trace Context §2.2: one that comes twice is not used.
    assert.isUndefined(RemoteParent.fromBlock([traceparent, traceparent]))
  })

  it("has the tracestate with it, which may come in several lines", () => {
    assert.isUndefined(stateOf(traceparent))
    assert.strictEqual(stateOf(traceparent, ["tracestate", "a=1"]), "a=1")
    assert.strictEqual(stateOf(["tracestate", "a=1"], traceparent, ["tracestate", "b=2,c=3"]), "a=1,b=2,c=3")
    assert.isUndefined(stateOf(traceparent, ["tracestate", "a=1,,=2"]))
    assert.isUndefined(stateOf(["b3", `${traceId}-${spanId}-1`], ["tracestate", "a=1"]))
  })
})
