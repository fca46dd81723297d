/** A wall clock that jumps to and fro: nothing of a server goes by it. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import { freePort } from "../support/Ports.ts"
import { isMeasurable, tell } from "./support/Memory.ts"
import { open, requestText } from "./support/Peer.ts"
import { pagiServer } from "./support/Programs.ts"
import { application, expectQuiet, familyOf, running, start, stop } from "./support/SupervisorPool.ts"
import { visit } from "./support/SupervisorVisitors.ts"

const jumping = pathToFileURL(join(import.meta.dirname, "fixtures/jumpingClock.ts")).href

/** In which the clock makes each of its jumps twice. */
const milliseconds = 5000

/** Milliseconds that the clock of a server is away from that of the tests when it has jumped by an hour or a day. */
const far = 3_000_000

describe.skipIf(!isMeasurable)("a wall clock that jumps", () => {
  it.live("replaces no worker, loses no request, and moves no deadline", () =>
    Effect.gen(function* () {
      const admin = yield* freePort
      const flags = ["--workers=2", "--port=0", "--no-access-log", "--timeout=1", `--admin=127.0.0.1:${admin}`]
      const limits = ["--heartbeat-timeout=30", "--max-loop-delay=30", "--max-worker-memory=2GiB", "--min-workers=2"]
      const tree = yield* start(pagiServer, [...flags, ...limits, "--max-workers=2", application], {
        NODE_OPTIONS: `--import=${jumping}`
      })
      const pool = yield* running(tree, 2)
      const { workers } = familyOf(pool)
      const visitors = yield* visit(pool.port)
      const begin = performance.now()
      const idle: Array<number> = []
      let furthest = 0
      const distance = Effect.scoped(
        Effect.gen(function* () {
          const peer = (yield* open(pool.port)).read()
          // Its time begins with the answer, which this process may see late.
          const asked = performance.now()
          peer.send(requestText("/"))
          const [, date = assert.fail("no date")] = /^date: (.*)\r$/m.exec((yield* peer.response) ?? "") ?? []
          const now = Date.now()
          yield* peer.closed
          idle.push(performance.now() - asked)
          return Math.abs(Date.parse(date) - now)
        })
      )
      while (performance.now() - begin < milliseconds || furthest < far) {
        furthest = Math.max(furthest, yield* distance)
        const ready = yield* Effect.promise(() => fetch(`http://127.0.0.1:${admin}/readyz`))
        assert.strictEqual(ready.status, 200, yield* Effect.promise(() => ready.text()))
      }
      for (const time of idle) {
        assert.isAtLeast(time, 900)
        assert.isBelow(time, 10_000)
      }
      const { answers, count, failures } = yield* visitors.end
      assert.deepStrictEqual(failures, [])
      assert.sameMembers([...answers.keys()], [...workers], "no worker was replaced")
      yield* stop(pool)
      expectQuiet(pool)
      yield* tell(
        `a clock that jumps: ${count} visits, none lost; connections were closed after ${Math.min(...idle).toFixed()} to ${Math.max(...idle).toFixed()} ms without a request`
      )
    })
  )
})
