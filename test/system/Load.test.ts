import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { descriptors, idleDescriptors, inMebibytes, isMeasurable, tell } from "./support/Memory.ts"
import { fetchText, open, requestText } from "./support/Peer.ts"
import { type Server, serve, linesSinceStart } from "./support/Programs.ts"
import { held } from "./support/Stats.ts"
import { until } from "./support/Until.ts"
import { hasWrk, wrk } from "./support/Wrk.ts"

/** Lets wrk go on until it has made so many requests, and yields how many it has made. */
const load = (server: Server, requests: number) =>
  Effect.gen(function* () {
    let total = 0
    while (total < requests) total += (yield* wrk(server.url("/"), 64, 2)).requests
    return total
  })

/** Waits until a process has no more descriptors than when it was idle. */
const idle = (server: Server, count: number) =>
  until(
    "all connections are gone",
    Effect.map(descriptors(server.pid), (now) => now <= count)
  )

/** Does the same twice; what the process keeps of the first time must be all that it keeps. */
const twice = (what: string, server: Server, effect: Effect.Effect<number, Error>) =>
  Effect.gen(function* () {
    yield* fetchText(server.port, "/")
    const before = yield* idleDescriptors(server.pid)
    const firstCount = yield* effect
    yield* idle(server, before)
    const { resident: first, used } = yield* held(server)
    const secondCount = yield* effect
    yield* idle(server, before)
    const { resident: second, used: usedInTheEnd } = yield* held(server)
    yield* tell(
      `${what}: ${inMebibytes(first)} after ${firstCount}, ${inMebibytes(second)} after ${firstCount + secondCount}`
    )
    yield* tell(`${what}: in use ${inMebibytes(used)}, then ${inMebibytes(usedInTheEnd)}`)
    assert.isAtMost(second, first * 1.1)
    assert.isAtMost(usedInTheEnd, used * 1.1)
    assert.deepStrictEqual(linesSinceStart(server), [], "nothing was logged")
  })

describe.skipIf(!isMeasurable || !hasWrk)("wrk", () => {
  it.live("makes 300,000 requests without an error, and the process keeps nothing of them", () =>
    Effect.gen(function* () {
      const server = yield* serve("app")
      yield* twice("requests by wrk", server, load(server, 150_000))
    })
  )
})

/** The ways in which a connection can end after its one request. */
const endings = ["server", "client", "reset", "unread"] as const

const visit = (port: number, ending: (typeof endings)[number]) =>
  Effect.scoped(
    Effect.gen(function* () {
      const peer = yield* open(port)
      if (ending === "unread") {
        peer.socket.end(requestText("/"))
        return
      }
      peer.read().send(requestText("/", ending === "server" ? "Connection: close\r\n" : ""))
      assert.match((yield* peer.response) ?? "", /^HTTP\/1\.1 200 /)
      if (ending === "client") peer.socket.end()
      if (ending === "reset") peer.socket.resetAndDestroy()
      yield* peer.closed
    })
  )

/** So many connections, 64 at a time. */
const visits = (port: number, count: number) =>
  Effect.as(
    Effect.forEach(
      Array.from({ length: count }, (_, index) => endings[index % endings.length] ?? "server"),
      (ending) => visit(port, ending),
      { concurrency: 64, discard: true }
    ),
    count
  )

describe.skipIf(!isMeasurable)("connections", () => {
  it.live("20,000 come and go, in every way, and the process keeps nothing of them", () =>
    Effect.gen(function* () {
      const server = yield* serve("app")
      yield* twice("connections", server, visits(server.port, 10_000))
    })
  )
})
