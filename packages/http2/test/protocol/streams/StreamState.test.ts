import { assert, describe, it } from "@effect/vitest"
import { next, type Step, type StreamState } from "../../../src/protocol/streams/StreamState.ts"

const states: ReadonlyArray<StreamState> = ["open", "halfClosedLocal", "halfClosedRemote", "closed"]

const after = (...steps: ReadonlyArray<Step>): StreamState => {
  let state: StreamState = "open"
  for (const step of steps) state = next(state, step)
  return state
}

describe("RFC 9113 §5.1: stream states", () => {
  it("END_STREAM on one side closes that half", () => {
    assert.strictEqual(after("localEnd"), "halfClosedLocal")
    assert.strictEqual(after("remoteEnd"), "halfClosedRemote")
  })

  it("END_STREAM on both sides closes the stream", () => {
    assert.strictEqual(after("localEnd", "remoteEnd"), "closed")
    assert.strictEqual(after("remoteEnd", "localEnd"), "closed")
  })

  it("RST_STREAM closes it from everywhere", () => {
    for (const state of states) assert.strictEqual(next(state, "reset"), "closed")
  })

  it("a step that was made already changes nothing", () => {
    for (const step of ["localEnd", "remoteEnd", "reset"] as const) {
      for (const state of states) assert.strictEqual(next(next(state, step), step), next(state, step))
    }
  })

  it("what is closed stays closed", () => {
    for (const step of ["localEnd", "remoteEnd", "reset"] as const) assert.strictEqual(next("closed", step), "closed")
  })
})
