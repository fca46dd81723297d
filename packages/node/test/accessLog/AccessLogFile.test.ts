import { assert, describe, it } from "@effect/vitest"
import type { ExchangeRecord } from "@pagi/core/observe/Observer"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Logger from "effect/Logger"
import { execFileSync } from "node:child_process"
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { type AccessLogFile, open as openLog } from "../../src/accessLog/AccessLogFile.ts"
import { fetchText, open } from "../support/Client.ts"
import { answer, serveHttp } from "../support/Server.ts"
import { temporaryFolder } from "../../../../test/support/TemporaryFolder.ts"
import { until } from "../support/Until.ts"

const request = { method: "GET", target: "/", httpVersion: "1.1", headers: [] }

const record: ExchangeRecord = {
  client: ["192.0.2.7", 4711],
  server: undefined,
  secure: false,
  request,
  kind: "http",
  requestId: undefined,
  traceId: undefined,
  status: 200,
  responseHeaders: undefined,
  bytes: 0,
  startedAt: Date.UTC(2026, 10, 22, 8, 0, 0),
  duration: 12.3,
  firstByte: undefined,
  queueTime: undefined,
  outcome: "complete"
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
      const error = yield* Effect.flip(openLog(path, "clf"))
      assert.strictEqual(error.message, `cannot write the access log ${path}: nobody reads the FIFO`)
    })
  )

  it.live("is not opened when it is off", () =>
    Effect.gen(function* () {
      assert.isUndefined(yield* openLog("off", "clf"))
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
      let isRunning = false
      const handler = () =>
        Effect.suspend(() => {
          isRunning = true
          return Effect.never
        })
      const { close, port } = yield* serveHttp(handler, { accessLog: path, shutdownTimeout: "10 millis" })
      const client = yield* open(port)
      client.get("/cut-off")
      yield* until("the application runs", () => isRunning)
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
      const log = yield* openLog(path, "clf")
      log?.observer.exchangeEnded?.({
        ...record,
        request: { ...request, target: "/\r\n192.0.2.1 - - forged\u001b[2J" }
      })
      yield* until("the line is written", () => readFileSync(path, "utf8").includes("forged"))
      assert.include(readFileSync(path, "utf8"), '"GET /\\x0d\\x0a192.0.2.1 - - forged\\x1b[2J" 200')
    })
  )

  it.live("is written in the format that the options name", () =>
    Effect.gen(function* () {
      const path = join(yield* temporaryFolder, "access.log")
      const options = { accessLog: path, accessLogFormat: "%m %{X-Answer}o %p %P" }
      const { close, port } = yield* serveHttp(
        (_scope, _receive, send) =>
          Effect.andThen(
            send({ type: "http.response.start", status: 200, headers: [["X-Answer", "42"]] }),
            send({ type: "http.response.body", body: "here" })
          ),
        options
      )
      yield* fetchText(port, "/")
      yield* close
      assert.deepStrictEqual(linesOf(path), [`GET 42 ${port} ${process.pid}`])
    })
  )

  it.live("has a line of each client that was turned away", () =>
    Effect.gen(function* () {
      const path = join(yield* temporaryFolder, "access.log")
      const options = { accessLog: path, accessLogFormat: "json", maxConnections: 1 }
      const { close, port } = yield* serveHttp(answer("here"), options)
      const first = yield* open(port)
      first.get("/first")
      yield* first.endsWith("here")
      const second = yield* open(port)
      yield* second.ended
      yield* close
      const [served, rejected] = linesOf(path).map((line): unknown => JSON.parse(line))
      assert.deepInclude(served, { client: "127.0.0.1", target: "/first", status: 200, bytes: 4, outcome: "complete" })
      assert.deepInclude(rejected, { client: "127.0.0.1", target: null, status: 503, outcome: "at_capacity" })
    })
  )

  describe("reopen", () => {
    /** Writes this many lines, numbered from the first number on. */
    const write = (log: AccessLogFile, first: number, count: number): void => {
      for (let number = first; number < first + count; number++)
        log.observer.exchangeEnded?.({ ...record, status: number })
    }

    const numbersOf = (path: string): ReadonlyArray<number> =>
      linesOf(path).map((line) => Number(/^GET \/ (\d+) 12ms$/.exec(line)?.[1]))

    const range = (first: number, count: number): ReadonlyArray<number> =>
      Array.from({ length: count }, (_, index) => first + index)

    const openTiny = (path: string) =>
      Effect.flatMap(openLog(path, "tiny"), (log) =>
        log === undefined ? Effect.die("the log is off") : Effect.succeed(log)
      )

    it.live("leaves earlier lines in the file that was moved away, and begins a new one", () =>
      Effect.gen(function* () {
        const path = join(yield* temporaryFolder, "access.log")
        const log = yield* openTiny(path)
        for (const turn of [1, 2, 3]) {
          write(log, turn * 1000, 1000)
          renameSync(path, `${path}.${turn}`)
          yield* log.reopen
          assert.deepStrictEqual(numbersOf(`${path}.${turn}`), range(turn * 1000, 1000))
        }
        assert.deepStrictEqual(numbersOf(path), [])
      })
    )

    it.live("loses no line that is written meanwhile, nor at the end", () =>
      Effect.gen(function* () {
        const path = join(yield* temporaryFolder, "access.log")
        yield* Effect.scoped(
          Effect.gen(function* () {
            const log = yield* openTiny(path)
            write(log, 0, 100)
            renameSync(path, `${path}.1`)
            const reopening = yield* Effect.forkChild(log.reopen, { startImmediately: true })
            write(log, 100, 100)
            yield* Effect.forkScoped(log.reopen, { startImmediately: true })
            write(log, 200, 100)
            yield* Fiber.join(reopening)
            write(log, 300, 100)
          })
        )
        assert.deepStrictEqual([...numbersOf(`${path}.1`), ...numbersOf(path)], range(0, 400))
      })
    )

    it.live("keeps the file when there can be no new one, and says so", () =>
      Effect.gen(function* () {
        const folder = join(yield* temporaryFolder, "log")
        mkdirSync(folder)
        const path = join(folder, "access.log")
        const messages = yield* loggedBy(
          Effect.scoped(
            Effect.gen(function* () {
              const log = yield* openTiny(path)
              renameSync(folder, `${folder}.old`)
              yield* log.reopen
              write(log, 200, 3)
            })
          )
        )
        assert.deepStrictEqual(messages, [
          `cannot write the access log ${path}: its folder does not exist; the file that was open stays in use`
        ])
        assert.deepStrictEqual(numbersOf(join(`${folder}.old`, "access.log")), [200, 201, 202])
      })
    )

    it.live("closes the descriptors of the files that it leaves", () =>
      Effect.gen(function* () {
        const descriptors = () => readdirSync("/proc/self/fd").length
        const path = join(yield* temporaryFolder, "access.log")
        const log = yield* openTiny(path)
        const before = descriptors()
        for (let turn = 0; turn < 50; turn++) yield* log.reopen
        assert.isAtMost(descriptors(), before + 5)
      })
    )

    it.live("is offered by the server", () =>
      Effect.gen(function* () {
        const path = join(yield* temporaryFolder, "access.log")
        const { close, port, server } = yield* serveHttp(answer("here"), { accessLog: path, accessLogFormat: "tiny" })
        yield* fetchText(port, "/first")
        renameSync(path, `${path}.1`)
        yield* server.reopenLogs
        yield* fetchText(port, "/second")
        yield* close
        assert.match(readFileSync(`${path}.1`, "utf8"), /^GET \/first 200 \d+ms\n$/)
        assert.match(readFileSync(path, "utf8"), /^GET \/second 200 \d+ms\n$/)
        yield* server.reopenLogs
      })
    )
  })

  it.live("cannot be in a folder that does not exist", () =>
    Effect.gen(function* () {
      const path = join(yield* temporaryFolder, "missing", "access.log")
      const error = yield* Effect.flip(openLog(path, "clf"))
      assert.strictEqual(error.message, `cannot write the access log ${path}: its folder does not exist`)
    })
  )

  it.live("cannot be a folder", () =>
    Effect.gen(function* () {
      const path = yield* temporaryFolder
      const error = yield* Effect.flip(openLog(path, "clf"))
      assert.strictEqual(error.message, `cannot write the access log ${path}: it is a directory`)
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
        "cannot write the access log /dev/full: the disk is full",
        "lines of the access log /dev/full that were lost: 3"
      ])
    })
  )
})
