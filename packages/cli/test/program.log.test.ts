import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { symlinkSync } from "node:fs"
import { join } from "node:path"
import * as Program from "./support/Program.ts"
import * as Site from "./support/Site.ts"

const timeout = 60_000

const asRoot = process.getuid?.() === 0

const ask = (address: string, path: string) =>
  Effect.promise(() => fetch(new URL(path, address)).then((response) => response.text()))

/** Serves a request, opens the log anew, serves another and stops. What it prints goes to sockets, as Node makes them. */
const outputOf = (target: string, ...flags: ReadonlyArray<string>) =>
  Effect.scoped(
    Effect.gen(function* () {
      const cwd = yield* Site.make({ "page.txt": "here" })
      symlinkSync("/dev/stdout", join(cwd, "access.log"))
      const args = ["--port", "0", "--access-log", target, "--access-log-format", "tiny", ...flags]
      const server = yield* Program.start(args, { cwd })
      const address = yield* Program.address(server)
      yield* ask(address, "/one")
      yield* server.line(/GET \/one/)
      yield* server.signal("SIGUSR1")
      yield* ask(address, "/two")
      yield* server.line(/GET \/two/)
      yield* server.signal("SIGTERM")
      return yield* server.result
    })
  )

const lines = (text: string): ReadonlyArray<string> =>
  text.split("\n").flatMap((line) => /^GET (\S+)/.exec(line)?.[1] ?? [])

describe("pagi-server --access-log", () => {
  it.live(
    "writes to standard output and error by any of their names, also where they are sockets",
    () =>
      Effect.gen(function* () {
        const both = ["/one", "/two"]
        const targets = ["stdout", "access.log"]
        const outputs = yield* Effect.all(
          [
            ...targets.map((target) => outputOf(target)),
            outputOf("/dev/stdout", "--workers", "1"),
            ...(asRoot ? [outputOf("/dev/stdout", "--user", "nobody")] : [])
          ],
          { concurrency: 2 }
        )
        for (const { code, stderr, stdout } of outputs)
          assert.deepStrictEqual([code, lines(stdout), stderr], [0, both, ""])
        const { code, stderr } = yield* outputOf("/dev/stderr")
        assert.deepStrictEqual([code, lines(stderr)], [0, both])
      }),
    timeout
  )
})

/** What a server has printed that served a request with these flags, as objects. */
const objectsOf = (...flags: ReadonlyArray<string>) =>
  Effect.scoped(
    Effect.gen(function* () {
      const cwd = yield* Site.make({ "page.txt": "here" })
      const server = yield* Program.start(["--port", "0", "--log-format", "json", "--access-log", "log", ...flags], {
        cwd
      })
      const [, address = ""] = yield* server.line(/"listening on (http:[^"]+)"/)
      yield* ask(address, "/page.txt?secret")
      yield* server.line(/"message":"request"/)
      yield* server.signal("SIGTERM")
      const { code, stderr, stdout } = yield* server.result
      assert.deepStrictEqual([code, stderr], [0, ""])
      return stdout
        .trimEnd()
        .split("\n")
        .map((line): Readonly<Record<string, unknown>> => JSON.parse(line))
    })
  )

describe("pagi-server --log-format", () => {
  it.live(
    "json writes an object on each line, finished requests among them, in one process and in workers",
    () =>
      Effect.gen(function* () {
        const flags = ["--request-id", "make"]
        const outputs = yield* Effect.all([objectsOf(...flags), objectsOf("--workers", "1", ...flags)], {
          concurrency: 2
        })
        for (const [index, objects] of outputs.entries()) {
          for (const { level, pid, time } of objects) {
            assert.strictEqual(level, "info")
            assert.isNumber(pid)
            assert.match(String(time), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
          }
          const request = objects.find(({ message }) => message === "request")
          assert.isDefined(request)
          assert.strictEqual(request["worker"], index === 0 ? undefined : 1)
          assert.match(String(request["requestId"]), /^\w{12}-1$/)
          assert.deepInclude(request["annotations"], {
            method: "GET",
            path: "/page.txt",
            protocol: "HTTP/1.1",
            status: 200,
            bytes: 4,
            outcome: "complete"
          })
        }
      }),
    timeout
  )

  it.live(
    "is what the reason for which a server does not start is told in",
    () =>
      Effect.gen(function* () {
        const { code, stderr } = yield* Program.run(["--log-format", "json", "./missing.ts"])
        assert.strictEqual(code, 4)
        const { level, message } = JSON.parse(stderr) as Readonly<Record<string, unknown>>
        assert.strictEqual(level, "error")
        assert.include(message, "missing.ts")
      }),
    timeout
  )
})
