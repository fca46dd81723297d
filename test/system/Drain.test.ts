import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { temporaryFolder } from "../support/TemporaryFolder.ts"
import { tell } from "./support/Memory.ts"
import { bodyOf, open, type Peer, requestText } from "./support/Peer.ts"
import { courseSinceStart, type Program, serve } from "./support/Programs.ts"
import { stopwatch } from "../support/Stopwatch.ts"
import { until } from "./support/Until.ts"

/** Requests under way, and as many connections without one. */
const count = 50

const openMany = (port: number) =>
  Effect.forEach(Array.from({ length: count }), () => Effect.map(open(port), (peer) => peer.read()), {
    concurrency: count
  })

/** Waits until a program has printed a line so many times. */
const printed = (program: Program, line: string, times = 1) =>
  until(
    `${JSON.stringify(line)} is printed ${times} times`,
    Effect.sync(
      () =>
        program
          .output()
          .split("\n")
          .filter((other) => other === line).length === times
    )
  )

const expectDone = (response: string | undefined): void => {
  assert.match(response ?? "", /^HTTP\/1\.1 200 /)
  assert.strictEqual(bodyOf(response ?? ""), "done")
}

/** The answer after which the connection ends. */
const expectLast = (response: string | undefined): void => {
  expectDone(response)
  assert.match(response ?? "", /\r\nconnection: close\r\n/)
}

/** Makes a request on each connection and waits for the answers; the connections stay. */
const askAll = (peers: ReadonlyArray<Peer>) =>
  Effect.forEach(
    peers,
    (peer) => {
      peer.send(requestText("/"))
      return Effect.map(peer.response, expectDone)
    },
    { concurrency: "unbounded", discard: true }
  )

const closed = (peers: ReadonlyArray<Peer>) =>
  Effect.forEach(peers, (peer) => peer.closed, { concurrency: "unbounded", discard: true })

describe("a server that is told to stop", () => {
  it.live("ends what is idle soon, what is under way when it is done, and exits with 0 about then", () =>
    Effect.gen(function* () {
      const server = yield* serve("draining")
      const idle = yield* openMany(server.port)
      yield* askAll(idle)
      const busy = yield* openMany(server.port)
      const mayEnd = join(yield* temporaryFolder, "end")
      for (const peer of busy) peer.send(requestText(`/until${mayEnd}`))
      yield* printed(server, `begun: /until${mayEnd}`, count)
      const sinceSignal = stopwatch()
      yield* server.signal("SIGTERM")
      yield* closed(idle)
      const idleClosed = sinceSignal()
      const refused = yield* Effect.flip(Effect.scoped(open(server.port)))
      assert.include(refused.message, "ECONNREFUSED")
      assert.isTrue(busy.every((peer) => !peer.hasClosed && peer.received === 0))
      const sinceRelease = stopwatch()
      writeFileSync(mayEnd, "")
      yield* Effect.forEach(busy, (peer) => Effect.map(peer.response, expectLast), {
        concurrency: "unbounded",
        discard: true
      })
      assert.deepStrictEqual(yield* server.result, { code: 0, signal: null }, server.output())
      const ended = sinceRelease()
      yield* tell(
        `drain: idle connections closed after ${idleClosed.toFixed()} ms, ended ${ended.toFixed()} ms after the last request`
      )
      // 200 to 300 ms, in which a request that was under way could have come.
      assert.isAtMost(idleClosed, 600)
      assert.isAtMost(ended, 600)
      yield* closed(busy)
      const [, waiting = "", ...course] = courseSinceStart(server).slice(count)
      // The idle ones may be gone by then, on a busy machine.
      assert.match(waiting, new RegExp(`^waiting for \\d+ connections \\(${count} requests\\), for up to 30s$`))
      assert.deepStrictEqual(course, ["lifespan.shutdown", "shut down"])
    })
  )

  it.live("interrupts what takes too long, lets it clean up, and says by its exit code that it did", () =>
    Effect.gen(function* () {
      const server = yield* serve("draining", ["--shutdown-timeout", "1"])
      const stuck = (yield* open(server.port)).read()
      stuck.send(requestText("/stuck"))
      yield* printed(server, "begun: /stuck")
      yield* server.signal("SIGTERM")
      const result = yield* server.result
      yield* stuck.closed
      assert.strictEqual(stuck.received, 0)
      assert.deepStrictEqual(result, { code: 6, signal: null }, server.output())
      const lines = courseSinceStart(server)
      assert.sameMembers(
        [...lines],
        [
          "begun: /stuck",
          "shutting down",
          "waiting for 1 connection (1 request), for up to 1s",
          "warning: 1 connection did not finish within 1s, and had to be closed",
          "cleaned up: server_shutdown",
          "lifespan.shutdown",
          "shut down"
        ]
      )
      assert.isBelow(lines.indexOf("cleaned up: server_shutdown"), lines.indexOf("lifespan.shutdown"))
    })
  )

  it.live("goes on accepting for the drain delay", () =>
    Effect.gen(function* () {
      const server = yield* serve("draining", ["--drain-delay", "4"])
      yield* server.signal("SIGTERM")
      yield* printed(server, "shutting down")
      const late = yield* openMany(server.port)
      yield* askAll(late)
      assert.deepStrictEqual(yield* server.result, { code: 0, signal: null }, server.output())
      yield* closed(late)
      assert.deepStrictEqual(courseSinceStart(server), [
        "shutting down",
        "not ready any more; accepting for another 4s",
        "lifespan.shutdown",
        "shut down"
      ])
    })
  )
})
