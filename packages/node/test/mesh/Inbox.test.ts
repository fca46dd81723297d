import { assert, describe, it } from "@effect/vitest"
import * as Frames from "../../src/mesh/protocol/Frames.ts"
import { Inbox } from "../../src/mesh/protocol/Inbox.ts"
import { chunkSize, creditStep, maxFrame, window } from "../../src/mesh/protocol/Limits.ts"

/** An inbox whose messages make others wait, as long as `pauses`. */
const make = () => {
  const heard: Array<string> = []
  const state = { pauses: true, consumed: 0, calls: 0, heard }
  const inbox = new Inbox({
    onControl: (kind) => void heard.push(`control ${kind}`),
    onMessageFrame: (_kind, buffer, start, end) => {
      heard.push(buffer.toString("latin1", start, Math.min(end, start + 5)))
      return state.pauses
    },
    onConsumed: (bytes) => {
      state.consumed += bytes
      state.calls += 1
    }
  })
  inbox.open()
  return { inbox, state, heard }
}

const message = (text: string): Buffer => Frames.name(Frames.kinds.message, text)

describe("what has come from another process", () => {
  it("is held back while a subscriber makes others wait, but for what is no message", () => {
    const { heard, inbox, state } = make()
    assert.isFalse(inbox.isHolding)
    for (const text of ["one", "two", "three"]) assert.isTrue(inbox.read(message(text)))
    assert.isTrue(inbox.read(Frames.empty(Frames.kinds.synced)))
    assert.deepStrictEqual(heard, ["one", `control ${Frames.kinds.synced}`])
    inbox.resume()
    assert.strictEqual(heard.at(-1), "two")
    assert.isTrue(inbox.isHolding)
    // What comes while something is held back comes after that.
    inbox.read(message("four"))
    state.pauses = false
    inbox.resume()
    assert.deepStrictEqual(heard.slice(2), ["two", "three", "four"])
    assert.isFalse(inbox.isHolding)
    inbox.read(message("five"))
    assert.strictEqual(heard.at(-1), "five")
  })

  it("does not change when the bytes are used again with which it came", () => {
    const { heard, inbox, state } = make()
    inbox.read(message("first"))
    const bytes = message("mine!")
    inbox.read(bytes)
    bytes.fill(0, Frames.headLength)
    state.pauses = false
    inbox.resume()
    assert.deepStrictEqual(heard, ["first", "mine!"])
  })

  it("is never more than a peer may have sent", () => {
    const { inbox } = make()
    const most = window + chunkSize + maxFrame
    const long = message("x".repeat(chunkSize - Frames.headLength))
    inbox.read(message("first"))
    for (let held = 0; held + long.length <= most; held += long.length) assert.isTrue(inbox.read(long))
    assert.isFalse(inbox.read(long))
  })

  it("may be as much again when it was handled", () => {
    const { inbox, state } = make()
    const long = message("x".repeat(window - Frames.headLength))
    inbox.read(message("first"))
    const rounds = 2 * Math.ceil((window + chunkSize + maxFrame) / window)
    for (let count = 0; count < rounds; count++) {
      assert.isTrue(inbox.read(long), `round ${count}`)
      inbox.resume()
    }
    // Credit for each byte that was handled.
    assert.strictEqual(state.consumed, rounds * window + "first".length + Frames.headLength)
  })

  it("gives credit in steps", () => {
    const { inbox, state } = make()
    state.pauses = false
    const short = message("x".repeat(creditStep / 4 - Frames.headLength))
    for (let count = 0; count < 10; count++) inbox.read(short)
    assert.strictEqual(state.calls, 2)
    assert.strictEqual(state.consumed, 2 * creditStep)
  })

  it("is not held back any more when it was given up", () => {
    const { heard, inbox } = make()
    for (const text of ["one", "two", "three"]) inbox.read(message(text))
    inbox.resume()
    inbox.discard()
    assert.isFalse(inbox.isHolding)
    inbox.resume()
    assert.deepStrictEqual(heard, ["one", "two"])
  })
})
