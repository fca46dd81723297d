import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { symlinkSync } from "node:fs"
import { join } from "node:path"
import * as Program from "./support/Program.ts"
import * as Site from "./support/Site.ts"

const timeout = 30_000

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
