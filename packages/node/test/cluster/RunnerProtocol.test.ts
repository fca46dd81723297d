import { assert, describe, it, vi } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import { existsSync, rmSync } from "node:fs"
import { connect } from "node:net"
import { temporaryFolder } from "../../../../test/support/TemporaryFolder.ts"
import * as RunnerProtocol from "../../src/cluster/RunnerProtocol.ts"
import * as RunnerSocket from "../../src/cluster/RunnerSocket.ts"
import { claim } from "../../src/process/ClaimedFolder.ts"
import * as PoolFolder from "../../src/process/PoolFolder.ts"

describe("the socket of a runner", () => {
  it.live("is there again after somebody has removed it, and those who were connected stay", () =>
    Effect.gen(function* () {
      const folder = PoolFolder.makeName({ XDG_RUNTIME_DIR: yield* temporaryFolder })
      yield* claim(folder)
      const path = RunnerSocket.pathOf(folder, 1)
      yield* Effect.acquireRelease(
        Effect.sync(() => vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] })),
        () => Effect.sync(() => vi.useRealTimers())
      )
      const server = yield* RunnerProtocol.listenIn(folder, path)
      const met = [Latch.makeUnsafe(false), Latch.makeUnsafe(false)] as const
      let ended = 0
      let count = 0
      yield* Effect.forkScoped(
        server.run((socket) =>
          Effect.gen(function* () {
            yield* socket.reader
            met[count++]?.openUnsafe()
            return yield* Effect.ensuring(
              Effect.never,
              Effect.sync(() => {
                ended += 1
              })
            )
          }).pipe(Effect.scoped)
        )
      )
      const open = Effect.acquireRelease(
        Effect.sync(() => connect({ path })),
        (socket) => Effect.sync(() => socket.destroy())
      )
      yield* open
      yield* met[0].await
      rmSync(folder, { recursive: true })
      vi.advanceTimersByTime(5000)
      yield* Effect.sleep("1 millis").pipe(Effect.repeat({ until: () => existsSync(path) }))
      yield* open
      yield* met[1].await
      assert.strictEqual(ended, 0)
    }).pipe(Effect.scoped)
  )
})
