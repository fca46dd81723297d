import { assert, describe, it, vi } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import type { Socket } from "effect/socket/Socket"
import { existsSync, rmSync } from "node:fs"
import { connect } from "node:net"
import { join } from "node:path"
import { temporaryFolder } from "../../../../test/support/TemporaryFolder.ts"
import * as RunnerProtocol from "../../src/cluster/RunnerProtocol.ts"
import * as RunnerSocket from "../../src/cluster/RunnerSocket.ts"
import { claim } from "../../src/process/ClaimedFolder.ts"
import * as PoolFolder from "../../src/process/PoolFolder.ts"
import { fakeTimers } from "../support/FakeTimers.ts"

describe("the socket of a runner", () => {
  it.live("is there again after somebody has removed it, and those who were connected stay", () =>
    Effect.gen(function* () {
      const folder = PoolFolder.makeName({ XDG_RUNTIME_DIR: yield* temporaryFolder })
      yield* claim(folder)
      const path = RunnerSocket.pathOf(folder, 1)
      yield* fakeTimers("Interval")
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

  it.live("lets many wait until the other end reads, and Node does not take that for a leak", () =>
    Effect.gen(function* () {
      const warnings: Array<string> = []
      const note = ({ message }: Error): void => void warnings.push(message)
      yield* Effect.acquireRelease(
        Effect.sync(() => process.on("warning", note)),
        () => Effect.sync(() => process.off("warning", note))
      )
      const place = { path: join(yield* temporaryFolder, "socket") }
      const server = yield* RunnerProtocol.listen(place)
      const makeEnd = () => ({ writing: Latch.makeUnsafe(false), written: Latch.makeUnsafe(false) })
      const ends = [makeEnd(), makeEnd()] as const
      const mayRead = Latch.makeUnsafe(false)
      /** Writes a good deal, and reads later. */
      const talk = (socket: Socket, { writing, written }: ReturnType<typeof makeEnd>) =>
        Effect.gen(function* () {
          const { pull } = yield* socket.reader
          const { write } = yield* socket.writer
          const writes = Array.from({ length: 20 }, () => write(new Uint8Array(1_000_000)))
          const all = Effect.andThen(Effect.all(writes, { concurrency: "unbounded" }), written.open)
          yield* Effect.forkScoped(all, { startImmediately: true })
          yield* writing.open
          yield* mayRead.await
          yield* Effect.forever(pull)
        }).pipe(Effect.scoped)
      yield* Effect.forkScoped(server.run((socket) => talk(socket, ends[0])))
      yield* Effect.forkScoped(Effect.flatMap(RunnerProtocol.connect(place), (socket) => talk(socket, ends[1])))
      for (const { writing } of ends) yield* writing.await
      yield* mayRead.open
      for (const { written } of ends) yield* written.await
      assert.deepStrictEqual(warnings, [])
    }).pipe(Effect.scoped)
  )
})
