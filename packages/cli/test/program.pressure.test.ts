import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import { writeFileSync } from "node:fs"
import { connect, type Socket } from "node:net"
import { join } from "node:path"
import * as Program from "./support/Program.ts"
import * as Site from "./support/Site.ts"
import { looks, until } from "./support/Until.ts"

const timeout = 90_000

const fixture = join(import.meta.dirname, "fixtures/pressed.ts")

/** A connection on which one request follows the other. */
class Connection {
  readonly #socket: Socket
  #text = ""

  constructor(address: string) {
    const { hostname, port } = new URL(address)
    this.#socket = connect(Number(port), hostname)
    this.#socket.setEncoding("latin1").on("data", (text: string) => {
      this.#text += text
    })
  }

  close(): void {
    this.#socket.destroy()
  }

  /** Completes when the system has the request. */
  send(path: string): Effect.Effect<void> {
    return Effect.callback((resume) => {
      this.#text = ""
      this.#socket.write(`GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`, () => resume(Effect.void))
    })
  }

  /** The status of the answer and, if it has that field, after how many seconds to come again. */
  get answer(): Effect.Effect<string> {
    const pattern = /^HTTP\/1\.1 (\d+)[^]*?\r\n\r\n/
    return Effect.map(
      until(() => pattern.test(this.#text)),
      () => {
        const [head = "", status = ""] = pattern.exec(this.#text) ?? []
        const again = /^retry-after: (\d+)/im.exec(head)?.[1]
        return again === undefined ? status : `${status} again in ${again} s`
      }
    )
  }

  ask(path: string): Effect.Effect<string> {
    return Effect.andThen(this.send(path), this.answer)
  }
}

const start = (args: ReadonlyArray<string>, env: Readonly<Record<string, string>>) =>
  Effect.gen(function* () {
    const cwd = yield* Site.make({})
    const goFile = join(cwd, "go")
    const program = yield* Program.start(
      ["--port", "0", "--no-access-log", "--admin", "127.0.0.1:0", "--control", join(cwd, "control"), ...args, fixture],
      { cwd, env: { GO_FILE: goFile, ...env } }
    )
    const [, admin = ""] = yield* program.line(/^the admin listener is at (\S+)$/m)
    const address = yield* Program.address(program)
    const open = Effect.acquireRelease(
      Effect.sync(() => new Connection(address)),
      (connection) => Effect.sync(() => connection.close())
    )
    const metrics = Effect.promise(async () => (await fetch(new URL("/metrics", admin))).text())
    /** Waits until metrics have lines with such a beginning and such a value. */
    const told = (name: string, value: number) =>
      Effect.repeat(metrics, {
        schedule: Schedule.spaced("20 millis"),
        until: (text) => text.split("\n").some((line) => line.startsWith(name) && line.endsWith(` ${value}`))
      })
    return { open, program, told, goFile }
  })

const refused = (limit: string): string => `pagi_server_limits_hit_total{limit="${limit}"}`

for (const workers of ["0", "1"]) {
  // All at the same time: they wait more than they compute.
  describe.concurrent(`pagi-server under pressure, with ${workers} workers`, () => {
    it.live(
      "lets requests wait in a line, and refuses what is too much for it",
      () =>
        Effect.gen(function* () {
          const args = ["--max-concurrent-requests", "1", "--max-queued-requests", "1", "--health-paths", "/health"]
          const { goFile, open, program, told } = yield* start([...args, "--workers", workers], {})
          const [running, first, second, probe] = [yield* open, yield* open, yield* open, yield* open]
          yield* running.send("/wait")
          yield* program.line(/^begins \/wait$/m)
          yield* first.send("/first")
          yield* told("pagi_server_requests_waiting", 1)
          yield* second.send("/second")
          assert.strictEqual(yield* first.answer, "503 again in 1 s")
          assert.strictEqual(yield* probe.ask("/health"), "200")
          writeFileSync(goFile, "")
          for (const one of [running, second]) assert.strictEqual(yield* one.answer, "200")
          assert.strictEqual(yield* first.ask("/first"), "200")
          yield* told(refused("maxQueuedRequests"), 1)
        }),
      timeout
    )

    it.live(
      "ends what takes too long, and goes on",
      () =>
        Effect.gen(function* () {
          const env = { PAGI_REQUEST_DEADLINE: "2", PAGI_MAX_CONCURRENT_REQUESTS: "1" }
          const { open, told } = yield* start(["--workers", workers], env)
          const hanging = yield* open
          assert.strictEqual(yield* hanging.ask("/hang"), "504")
          assert.strictEqual(yield* (yield* open).ask("/"), "200")
          yield* told(refused("requestDeadline"), 1)
        }),
      timeout
    )
  })
}

for (const workers of ["0", "1"]) {
  describe(`pagi-server whose process computes, with ${workers} workers`, () => {
    it.live(
      "refuses what has waited for too long, and goes on",
      () =>
        Effect.gen(function* () {
          const { goFile, open, program, told } = yield* start(["--workers", workers, "--max-queue-time", "1s"], {})
          const [computing, ...others] = [yield* open, yield* open, yield* open, yield* open]
          for (const one of [computing, ...others]) assert.strictEqual(yield* one.ask("/"), "200")
          yield* computing.send("/compute")
          yield* program.line(/^begins \/compute$/m)
          for (const one of others) yield* one.send("/late")
          // It computes for so much longer.
          const earliest = performance.now() + 1200
          writeFileSync(goFile, "")
          assert.strictEqual(yield* computing.answer, "200")
          for (const one of others) assert.strictEqual(yield* one.answer, "503 again in 1 s")
          yield* told(refused("maxQueueTime"), 3)
          // Where a machine has no time for the process, requests wait as well; but none for longer than it has gone on.
          const mayHaveWaited = (): boolean => performance.now() - earliest >= 1000
          for (const one of others) {
            const isServed = Effect.map(one.ask("/"), (answer) => {
              if (!mayHaveWaited()) assert.strictEqual(answer, "200")
              return answer === "200"
            })
            yield* Effect.repeat(isServed, { until: (holds) => holds, schedule: looks })
          }
        }),
      timeout
    )
  })
}
