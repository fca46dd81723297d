import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { fetchText, open, requestText } from "./support/Peer.ts"
import { fixture, pagiServer, start } from "./support/Programs.ts"
import { until } from "./support/Until.ts"

const app = fixture("app")

/** A server that may have no more than so many descriptors. */
const serveWith = (descriptors: number) =>
  Effect.gen(function* () {
    const run = `ulimit -n ${descriptors}; exec "$0" --port 0 --no-access-log "$1"`
    const program = yield* start("/bin/sh", ["-c", run, pagiServer, app])
    const port = () => /^listening on http:\/\/127\.0\.0\.1:(\d+)\/$/m.exec(program.output())?.[1]
    yield* until(
      "pagi-server listens",
      Effect.sync(() => port() !== undefined)
    )
    return { ...program, port: Number(port()) }
  })

describe("a server that runs out of file descriptors", () => {
  it.live("answers those who come too many with 503, warns, and serves when there are some again", () =>
    Effect.gen(function* () {
      const server = yield* serveWith(64)
      const begun = performance.now()
      yield* Effect.scoped(
        Effect.gen(function* () {
          const peers = yield* Effect.forEach(Array.from({ length: 100 }), () => open(server.port), {
            concurrency: "unbounded"
          })
          for (const peer of peers) peer.read()
          yield* until(
            "many are turned away",
            Effect.sync(() => peers.filter(({ text }) => text.startsWith("HTTP/1.1 503 ")).length >= 40)
          )
          const [first] = peers
          if (first === undefined) return yield* Effect.die("there are peers")
          first.send(requestText("/"))
          assert.match((yield* first.response) ?? "", /^HTTP\/1\.1 200 /)
        })
      )
      // As long as it is full, a connection may also end without the 503 that it has not read yet.
      yield* until(
        "the server serves again",
        Effect.match(fetchText(server.port, "/"), {
          onSuccess: (text) => text.startsWith("HTTP/1.1 200 "),
          onFailure: () => false
        })
      )
      const warnings = server.output().match(/^warning: .*$/gm) ?? []
      const lasted = performance.now() - begun
      // One for a burst, which is over when no such connection has come for 100 ms: a slow machine makes several.
      assert.isAtMost(warnings.length, 1 + lasted / 100, server.output())
      assert.match(warnings[0] ?? "", /^warning: too many open files: \d+ of the 64 that ulimit -n allows; /)
      yield* server.signal("SIGTERM")
      assert.deepStrictEqual(yield* server.result, { code: 0, signal: null }, server.output())
    })
  )

  it.live("lets connections that only linger give way", () =>
    Effect.gen(function* () {
      const server = yield* serveWith(64)
      for (let round = 0; round < 100; round++) {
        const uploader = (yield* open(server.port)).read()
        uploader.send("POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 1000\r\n\r\n")
        yield* until(
          "it is answered before its end",
          Effect.sync(() => uploader.text.startsWith("HTTP/1.1 200 "))
        )
      }
      assert.match((yield* fetchText(server.port, "/")) ?? "", /^HTTP\/1\.1 200 /)
      assert.notInclude(server.output(), "too many open files")
      yield* server.signal("SIGTERM")
      assert.deepStrictEqual(yield* server.result, { code: 0, signal: null }, server.output())
    })
  )
})
