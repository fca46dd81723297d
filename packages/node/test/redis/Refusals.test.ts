import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { RedisLink } from "../../src/redis/RedisLink.ts"
import { advise, describe as describeError, isLasting } from "../../src/redis/RedisTopicsError.ts"
import { turn } from "./support/FakeRedis.ts"
import { connectionBy, makeOutbox, nobody } from "./support/Parts.ts"

/** A connection to a Redis that answers with an error where it refuses a command. */
const connectionTo = (refuse: (command: ReadonlyArray<string>) => string | undefined, sent: Array<string> = []) =>
  connectionBy((command) => {
    sent.push(command.slice(1).join(" "))
    const refusal = refuse(command)
    return refusal === undefined ? Promise.resolve(command[0] === "EVAL" ? 0 : 1) : Promise.reject(new Error(refusal))
  })

describe("what Redis refuses", () => {
  it.effect("is told as a gap with the next message of its topic, as often as that is refused too", () =>
    Effect.gen(function* () {
      const sent: Array<string> = []
      let refusal: string | undefined = "NOPERM no right to publish"
      const outbox = makeOutbox()
      outbox.connected(connectionTo(() => refusal, sent))
      const publish = (topic: string, text: string) => {
        assert.isUndefined(outbox.publish(topic, text))
        return turn
      }
      yield* publish("t", "1")
      yield* publish("t", "2")
      refusal = undefined
      yield* publish("u", "3")
      yield* publish("t", "4")
      yield* publish("t", "5")
      assert.deepStrictEqual(
        sent.map((text) => text.slice("pagi:x:".length)),
        ["t:t mP1", "t:t dP", "t:t mP2", "t:u mP3", "t:t dP", "t:t mP4", "t:t mP5"]
      )
    })
  )

  it.effect("is told to all topics when there are very many", () =>
    Effect.gen(function* () {
      const sent: Array<string> = []
      let refusal: string | undefined = "NOPERM no right to publish"
      const outbox = makeOutbox()
      outbox.connected(connectionTo(() => refusal, sent))
      for (let index = 0; index < 1001; index++) {
        outbox.publish(`t${index}`, "")
        yield* turn
      }
      refusal = undefined
      sent.length = 0
      outbox.publish("new", "1")
      assert.deepStrictEqual(sent, ["pagi:x:a dP", "pagi:x:t:new mP1"])
      yield* turn
    })
  )

  it.effect("is logged when it is who is there, with what to do", () =>
    Effect.gen(function* () {
      const warnings: Array<string> = []
      const link = new RedisLink({
        prefix: "x",
        process: "P".repeat(16),
        timeout: 1000,
        listener: nobody,
        run: () => {},
        warn: (text) => warnings.push(text)
      })
      let isFull = false
      const connection = () =>
        connectionTo(([name]) =>
          isFull && name === "SADD" ? "OOM command not allowed when used memory > 'maxmemory'." : undefined
        )
      link.connected(connection())
      yield* turn
      yield* link.link.join("t", { id: "1", text: "{}" })
      assert.deepStrictEqual(warnings, [])
      isFull = true
      link.disconnected()
      link.connected(connection())
      yield* turn
      assert.lengthOf(warnings, 1)
      assert.match(warnings[0] ?? "", /does not take the members of this process \(OOM.*maxmemory/)
      // It is tried again all the time, and told again after ten minutes.
      for (let ticks = 0; ticks < 2000; ticks++) {
        link.tick()
        if (ticks % 10 === 0) yield* turn
      }
      assert.lengthOf(warnings, 2)
    })
  )

  it("has advice of its own, and none about addresses where Redis has answered", () => {
    for (const text of [
      "OOM command not allowed when used memory > 'maxmemory'.",
      "READONLY You can't write against a read only replica.",
      "NOREPLICAS Not enough good replicas to write.",
      "MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk."
    ]) {
      assert.notInclude(advise(new Error(text), "pagi:x:"), "address", text)
    }
  })
})

describe("what is said of an error of Redis", () => {
  it("has nothing of what was asked", () => {
    const error = new Error("ERR unknown command 'PUBLISH', with args beginning with: 'pagi:x:t:t' 'secret\n' ")
    assert.strictEqual(describeError(error), "ERR unknown command 'PUBLISH'")
    assert.isTrue(isLasting(error))
  })
})

describe("what waits for Redis", () => {
  it("is bounded for the shortest messages as well", () => {
    const outbox = makeOutbox()
    for (let count = 0; count < 100_000; count++) outbox.publish("t", "1")
    assert.isBelow(outbox.waitingCount, 70_000)
  })
})
