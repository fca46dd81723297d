import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { turn } from "./support/FakeRedis.ts"
import { connectionBy, makeOutbox } from "./support/Parts.ts"

/** An outbox, and a Redis that answers when it is told to. */
const makeAnswered = () => {
  const sent: Array<string> = []
  const answers: Array<() => void> = []
  const connection = connectionBy(
    ([, channel = "", text = ""]) =>
      new Promise((resolve) => {
        sent.push(`${channel.slice("pagi:x:".length)} ${text}`)
        answers.push(() => resolve(1))
      })
  )
  const answer = (count: number) =>
    Effect.andThen(
      Effect.sync(() => {
        for (const one of answers.splice(0, count)) one()
      }),
      turn
    )
  return { outbox: makeOutbox(), sent, answer, connection }
}

const windowMessages = 1000

describe("Outbox", () => {
  it.effect("sends without waiting until so much is under way, and then has publishers wait, in order", () =>
    Effect.gen(function* () {
      const { answer, connection, outbox, sent } = makeAnswered()
      outbox.connected(connection)
      for (let index = 0; index < windowMessages; index++) assert.isUndefined(outbox.publish("t", `${index}`))
      const waits = ["a", "b", "c"].map((text) => outbox.publish("t", text) ?? Effect.die("it did not wait"))
      assert.lengthOf(sent, windowMessages)
      assert.strictEqual(outbox.waitingCount, 3)
      const fibers = yield* Effect.forEach(waits, (wait) => Effect.forkChild(wait, { startImmediately: true }))
      yield* answer(2)
      assert.deepStrictEqual(sent.slice(windowMessages), ["t:t mPa", "t:t mPb"])
      yield* answer(1)
      for (const fiber of fibers) yield* Fiber.join(fiber)
      assert.deepStrictEqual(sent.slice(-1), ["t:t mPc"])
    })
  )

  it.effect("fails what has waited for too long, and tells others of the gap before what comes next", () =>
    Effect.gen(function* () {
      const { connection, outbox, sent } = makeAnswered()
      const late = outbox.publish("t", "late") ?? Effect.void
      outbox.tick()
      outbox.tick()
      const inTime = outbox.publish("u", "in time") ?? Effect.die("it did not wait")
      outbox.tick()
      assert.strictEqual(outbox.waitingCount, 2)
      outbox.tick()
      assert.strictEqual((yield* Effect.flip(late)).message, "t: late")
      outbox.connected(connection)
      yield* inTime
      assert.deepStrictEqual(sent, ["t:t dP", "t:u mPin time"])
    })
  )

  it.effect("does not send again what was under way when the connection was lost, and tells of the gap", () =>
    Effect.gen(function* () {
      const { answer, connection, outbox, sent } = makeAnswered()
      outbox.connected(connection)
      outbox.publish("t", "1")
      outbox.publish("t", "2")
      outbox.publish("u", "3")
      yield* answer(1)
      outbox.disconnected()
      sent.length = 0
      outbox.connected({ ...connection })
      outbox.publish("t", "4")
      assert.deepStrictEqual(sent, ["t:t dP", "t:u dP", "t:t mP4"])
    })
  )

  it.effect("tells all topics of the gap when there are very many", () =>
    Effect.gen(function* () {
      const { connection, outbox, sent } = makeAnswered()
      for (let index = 0; index < 1001; index++) outbox.publish(`t${index}`, "")
      for (let count = 0; count < 4; count++) outbox.tick()
      outbox.connected(connection)
      assert.deepStrictEqual(sent, ["a dP"])
      yield* turn
    })
  )

  it.effect("fails at once when too much waits", () =>
    Effect.gen(function* () {
      const { outbox } = makeAnswered()
      const text = "x".repeat(1024 * 1024)
      for (let count = 0; count < 15; count++) outbox.publish("t", text)
      const full = outbox.publish("t", text) ?? Effect.void
      assert.strictEqual((yield* Effect.flip(full)).message, "t: full")
      assert.strictEqual(outbox.waitingCount, 15)
    })
  )
})
