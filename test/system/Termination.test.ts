/**
 * The end of a pod: it is told to stop, and taken off the addresses of its service, at the same time. Requests go on
 * coming until everybody knows, and `drainDelay` is the time for that (docs/containers/kubernetes.yaml).
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { freePort } from "../support/Ports.ts"
import { keepAsking } from "./support/KeepAsking.ts"
import { isMeasurable, tell } from "./support/Memory.ts"
import { pagiServer } from "./support/Programs.ts"
import { application, expectQuiet, start } from "./support/SupervisorPool.ts"
import { kill } from "./support/SupervisorProcesses.ts"
import { ask } from "./support/SupervisorVisitors.ts"
import { until } from "./support/Until.ts"

/** Milliseconds. */
const drainDelay = 2000
const untilTold = 1500

/** The status of an answer; 0 without one. */
const statusOf = (port: number, path: string): Effect.Effect<number> =>
  Effect.promise(() =>
    fetch(`http://127.0.0.1:${port}${path}`, { headers: { connection: "close" } }).then(
      ({ status }) => status,
      () => 0
    )
  )

describe.skipIf(!isMeasurable)("a pod that is told to stop", () => {
  for (const workers of [0, 2]) {
    it.live(`serves what comes until everybody knows (${workers} workers)`, () =>
      Effect.gen(function* () {
        const [port, admin] = [yield* freePort, yield* freePort]
        const flags = [`--port=${port}`, `--admin=127.0.0.1:${admin}`, `--workers=${workers}`, "--no-access-log"]
        const tree = yield* start(pagiServer, [
          ...flags,
          `--drain-delay=${drainDelay}ms`,
          "--shutdown-timeout=10s",
          application
        ])
        yield* until(
          "the pod is ready",
          Effect.map(statusOf(admin, "/readyz"), (status) => status === 200)
        )

        let count = 0
        const failures: Array<{ readonly begun: number; readonly reason: string }> = []
        const client = (path: string) =>
          Effect.suspend(() => {
            const begun = performance.now()
            return Effect.match(ask(port, path), {
              onSuccess: () => void count++,
              onFailure: ({ message }) => void failures.push({ begun, reason: message })
            })
          })
        const everybodyKnows = yield* keepAsking(["/", "/", "/", "/slow"].map(client))
        yield* until(
          "requests are answered",
          Effect.sync(() => count > 20)
        )

        const before = count
        const begin = performance.now()
        kill(tree.pid, "SIGTERM")
        yield* until(
          "the pod says that it leaves",
          Effect.map(statusOf(admin, "/readyz"), (status) => status === 503)
        )
        const toldAfter = performance.now() - begin
        assert.strictEqual(yield* statusOf(admin, "/livez"), 200)
        yield* Effect.sleep(untilTold - toldAfter)
        yield* everybodyKnows
        // A machine may pause until the time is over in which those who come are served.
        assert.deepStrictEqual(
          failures.filter((failure) => failure.begun < begin + untilTold),
          []
        )
        assert.isAbove(count - before, 20)

        assert.deepStrictEqual(yield* tree.result, { code: 0, signal: null }, tree.output())
        const took = performance.now() - begin
        assert.isAtLeast(took, drainDelay)
        assert.isBelow(took, drainDelay + 10_000 + 6000)
        expectQuiet(tree)
        yield* tell(
          `${workers} workers: not ready ${toldAfter.toFixed()} ms after the signal, ${count - before} requests since then, none lost`
        )
      })
    )
  }
})
