import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { Inbox } from "../../src/redis/Inbox.ts"
import { nobody } from "./support/Parts.ts"

/** An inbox whose subscribers to "slow" want each message to be waited for. */
const makeInbox = () => {
  const told: Array<string> = []
  const ends: Array<() => void> = []
  const inbox = new Inbox(
    {
      ...nobody,
      onMessage: (topic, text) => {
        told.push(`${topic} ${text}`)
        return topic === "slow" ? Effect.void : undefined
      },
      onGap: (topic, reason) => void told.push(`${topic ?? "all"} ${reason}`)
    },
    (_, onEnd) => void ends.push(onEnd)
  )
  return { inbox, told, end: () => ends.shift()?.() }
}

describe("Inbox", () => {
  it("keeps messages and gaps of a topic back, in order, while a subscriber there wants to be waited for", () => {
    const { end, inbox, told } = makeInbox()
    inbox.message("slow", "1")
    inbox.message("slow", "2")
    inbox.gap("slow", "disconnected")
    inbox.message("slow", "3")
    inbox.message("quick", "1")
    assert.deepStrictEqual(told, ["slow 1", "quick 1"])
    end()
    assert.deepStrictEqual(told.slice(2), ["slow 2"])
    end()
    assert.deepStrictEqual(told.slice(3), ["slow disconnected", "slow 3"])
    end()
    inbox.gap("slow", "overloaded")
    assert.deepStrictEqual(told.slice(5), ["slow overloaded"])
  })

  it("tells a gap of all topics at once, and in its place where messages are kept back", () => {
    const { end, inbox, told } = makeInbox()
    inbox.message("slow", "1")
    inbox.message("slow", "2")
    inbox.gap(undefined, "overloaded")
    inbox.message("slow", "3")
    end()
    end()
    assert.deepStrictEqual(told, ["slow 1", "all overloaded", "slow 2", "slow overloaded", "slow 3"])
  })

  it("leaves out what is too much to keep, tells of it in its place, and goes on", () => {
    const { end, inbox, told } = makeInbox()
    const kept = 10_000
    for (let count = 0; count <= kept + 5; count++) inbox.message("slow", `${count}`)
    for (let count = 0; count <= kept; count++) end()
    assert.deepStrictEqual(told.slice(-2), [`slow ${kept}`, "slow overloaded"])
    inbox.message("slow", "again")
    assert.deepStrictEqual(told.slice(-1), ["slow again"])
  })

  it("forgets what is kept of a topic that nobody subscribes to any more", () => {
    const { end, inbox, told } = makeInbox()
    inbox.message("slow", "1")
    inbox.message("slow", "2")
    inbox.forget("slow")
    end()
    inbox.message("slow", "3")
    assert.deepStrictEqual(told, ["slow 1", "slow 3"])
  })
})
