import { assert, describe, it } from "@effect/vitest"
import type { AccessRecord } from "@pagi/core/AccessLog"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import { execFileSync } from "node:child_process"
import { existsSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { open as openLog } from "../src/AccessLogFile.ts"
import { fetchText, open } from "./support/Client.ts"
import { answer, serveHttp } from "./support/Server.ts"
import { temporaryFolder } from "./support/TemporaryFolder.ts"
import { until } from "./support/Until.ts"

const record: AccessRecord = {
  client: ["192.0.2.7", 4711],
  method: "GET",
  target: "/",
  httpVersion: "1.1",
  status: 200,
  startedAt: Date.UTC(2026, 10, 22, 8, 0, 0),
  duration: 12.3
}

const linesOf = (path: string): ReadonlyArray<string> => readFileSync(path, "utf8").split("\n").slice(0, -1)

/** The messages that are logged while the effect runs. */
const loggedBy = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.suspend(() => {
    const messages: Array<string> = []
    const logger = Logger.make(({ message }) => {
      messages.push(String(message))
    })
    return Effect.as(Effect.provide(effect, Logger.layer([logger])), messages)
  })

describe("the access log", () => {
  it.live("is refused when it is a FIFO that nobody reads, instead of waiting for a reader", () =>
    Effect.gen(function* () {
      const path = join(yield* temporaryFolder, "fifo")
      execFileSync("mkfifo", [path])
      const error = yield* Effect.flip(openLog(path))
      assert.strictEqual(error.message, `cannot write the access log ${path}: ENXIO`)
    })
  )

  it.live("is not opened when it is off", () =>
    Effect.gen(function* () {
      assert.isUndefined(yield* openLog("off"))
    })
  )

  it.live("is appended to a file, one line for each request", () =>
    Effect.gen(function* () {
      const path = join(yield* temporaryFolder, "access.log")
      writeFileSync(path, "what was there\n")
      const { close, port } = yield* serveHttp(answer("here"), { accessLog: path })
      yield* fetchText(port, "/first?a=b")
      const client = yield* open(port)
      client.get("/second")
      yield* client.endsWith("here")
      client.send(`GET /third HTTP/1.1\r\nHost: test\r\n\r\n`.repeat(2))
      yield* until("both are answered", () => client.statuses.length === 3)
      yield* close
      const [before, ...lines] = linesOf(path)
      assert.strictEqual(before, "what was there")
      assert.strictEqual(lines.length, 4)
      assert.match(
        lines[0] ?? "",
        /^127\.0\.0\.1 - - \[\d\d\/\w{3}\/\d{4}:\d\d:\d\d:\d\d \+0000\] "GET \/first\?a=b" 200 \d+\.\d{3}s$/
      )
      assert.match(lines[1] ?? "", / "GET \/second" 200 /)
      assert.match(lines[2] ?? "", / "GET \/third" 200 /)
    })
  )

  it.live("has the line of a request that the shutdown cut off", () =>
    Effect.gen(function* () {
      const path = join(yield* temporaryFolder, "access.log")
      const { close, port, server } = yield* serveHttp(() => Effect.never, {
        accessLog: path,
        shutdownTimeout: "10 millis"
      })
      const client = yield* open(port)
      client.get("/cut-off")
      yield* until("the connection is open", () => Effect.runSync(server.connectionCount) === 1)
      yield* close
      const lines = linesOf(path)
      assert.strictEqual(lines.length, 1)
      assert.match(lines[0] ?? "", / "GET \/cut-off" 499 /)
    })
  )

  it.live("has all lines of many requests after the shutdown", () =>
    Effect.gen(function* () {
      const path = join(yield* temporaryFolder, "access.log")
      const { close, port } = yield* serveHttp(answer("here"), { accessLog: path })
      const client = yield* open(port)
      const count = 5000
      client.send("GET / HTTP/1.1\r\nHost: test\r\n\r\n".repeat(count))
      yield* until("all are answered", () => client.statuses.length === count)
      yield* close
      assert.strictEqual(linesOf(path).length, count)
    })
  )

  it.live("escapes what could end or forge a line", () =>
    Effect.gen(function* () {
      const path = join(yield* temporaryFolder, "access.log")
      const { close, port } = yield* serveHttp(answer("here"), { accessLog: path })
      const client = yield* open(port)
      client.send(Buffer.from('GET /a"b\\c%0d%0a\u00e9 HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n', "latin1"))
      yield* client.ended
      yield* close
      for (const line of linesOf(path)) assert.match(line, /"GET \/a\\"b\\\\c%0d%0a\\xe9" \d{3} /)
      const log = yield* openLog(path)
      log?.record({ ...record, target: "/\r\n192.0.2.1 - - forged\u001b[2J" })
      yield* until("the line is written", () => readFileSync(path, "utf8").includes("forged"))
      assert.include(readFileSync(path, "utf8"), '"GET /\\x0d\\x0a192.0.2.1 - - forged\\x1b[2J" 200')
    })
  )

  it.live("cannot be in a folder that does not exist", () =>
    Effect.gen(function* () {
      const path = join(yield* temporaryFolder, "missing", "access.log")
      const error = yield* Effect.flip(openLog(path))
      assert.strictEqual(error.message, `cannot write the access log ${path}: ENOENT`)
    })
  )

  it.live("cannot be a folder", () =>
    Effect.gen(function* () {
      const path = yield* temporaryFolder
      const error = yield* Effect.flip(openLog(path))
      assert.strictEqual(error.message, `cannot write the access log ${path}: EISDIR`)
    })
  )

  it.live.skipIf(!existsSync("/dev/full"))("reports once that the disk is full, and the server goes on", () =>
    Effect.gen(function* () {
      const messages = yield* loggedBy(
        Effect.scoped(
          Effect.gen(function* () {
            const { port } = yield* serveHttp(answer("here"), { accessLog: "/dev/full" })
            for (const path of ["/first", "/second", "/third"]) assert.match(yield* fetchText(port, path), /here$/)
          })
        )
      )
      assert.deepStrictEqual(messages, [
        "cannot write the access log /dev/full: ENOSPC",
        "lines of the access log /dev/full that were lost: 3"
      ])
    })
  )
})
