import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Schedule from "effect/Schedule"
import { tell } from "./support/Memory.ts"
import { bodyOf, open, requestText } from "./support/Peer.ts"
import { type Server, serve, courseSinceStart } from "./support/Programs.ts"
import { statsOf } from "./support/Stats.ts"
import { until } from "./support/Until.ts"

const clients = 100

/** Waits until so many requests are with the application. */
const waiting = ({ port }: Server, count: number) =>
  until(
    `${count} requests are under way`,
    Effect.map(statsOf(port), (stats) => stats.waiting === count)
  )

describe("a busy server", () => {
  it.live("that is told to stop answers everything that is under way, and ends with 0", () =>
    Effect.gen(function* () {
      const server = yield* serve("app")
      let answered = 0
      /** Makes requests one after the other until it is told that there will be no more, and yields the last answer. */
      const client = Effect.scoped(
        Effect.gen(function* () {
          const peer = (yield* open(server.port)).read()
          while (true) {
            peer.send(requestText("/slow"))
            const response = yield* peer.response
            if (response === undefined) return "lost"
            answered++
            assert.strictEqual(bodyOf(response), "slow")
            if (/^connection: close\r$/m.test(response)) {
              yield* peer.closed
              return "told"
            }
          }
        })
      )
      const running = yield* Effect.forkChild(
        Effect.forEach(Array.from({ length: clients }), () => client, { concurrency: clients })
      )
      // The second round: connections that have served before, and stop in the middle of a request.
      yield* until(
        "every client has got an answer",
        Effect.sync(() => answered >= clients)
      )
      yield* waiting(server, clients)
      yield* server.signal("SIGTERM")
      const ends = yield* Fiber.join(running)
      const result = yield* server.result
      yield* tell(`stopped under load: ${answered} answers for ${clients} clients`)
      assert.deepStrictEqual([...new Set(ends)], ["told"])
      assert.deepStrictEqual(result, { code: 0, signal: null }, server.output())
      const course = courseSinceStart(server)
      assert.deepStrictEqual([course.at(0), course.at(-1)], ["shutting down", "shut down"], server.output())
      // Only how many requests it waits for is left to chance, and whether there are any.
      assert.isTrue(
        course.slice(1, -1).every((line) => line.startsWith("waiting for ")),
        server.output()
      )
      assert.strictEqual((yield* Effect.flip(Effect.scoped(open(server.port)))).message.includes("ECONNREFUSED"), true)
    })
  )

  it.live("that is told a second time ends at once", () =>
    Effect.gen(function* () {
      const server = yield* serve("app")
      const peers = yield* Effect.forEach(Array.from({ length: clients }), () => open(server.port))
      for (const peer of peers) peer.read().send(requestText("/stuck"))
      yield* waiting(server, clients)
      yield* server.signal("SIGINT")
      yield* until(
        "it is stopping",
        Effect.sync(() => server.output().includes("shutting down"))
      )
      // Soon after the first one, a signal counts as the same request.
      yield* Effect.forkChild(Effect.repeat(server.signal("SIGINT"), Schedule.spaced("50 millis")))
      assert.deepStrictEqual(yield* server.result, { code: 130, signal: null }, server.output())
      for (const peer of peers) yield* peer.closed
    })
  )
})
