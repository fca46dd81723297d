/** Configuration files that never end, and pipes that nobody writes to. */
import { assert, describe, it } from "@effect/vitest"
import { isRunning } from "@pagi/node/process/RunningProcess"
import * as Effect from "effect/Effect"
import { execFileSync } from "node:child_process"
import { existsSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import * as Program from "../support/Program.ts"
import * as Site from "../support/Site.ts"
import { until } from "../support/Until.ts"

const timeout = 120_000

const app = "export default { fetch: () => new Response('ok') }"

/** Tells its process, one after the other where there are several. */
const sign = `
  import { appendFileSync, readFileSync } from "node:fs"
  appendFileSync("signs", process.pid + "\\n")
  const times = readFileSync("signs", "utf8").split("\\n").length - 1
`

const options = `export default { app: "./app.mjs", port: 0 }`

/** What is in the way, by what comes of it. */
const modules = {
  computes: `${sign} while (true) {}`,
  waits: `${sign} await new Promise(() => {}); ${options}`
}

/** Only where it is read once more, by the process that serves. */
const later = `${sign} if (times > 1) while (true) {} \n ${options}`

const signsIn = (cwd: string): ReadonlyArray<number> => {
  const path = join(cwd, "signs")
  // It is there before something is in it.
  return existsSync(path) ? (readFileSync(path, "utf8").match(/^\d+$/gm) ?? []).map(Number) : []
}

const starting = (config: string, args: ReadonlyArray<string>, times = 1) =>
  Effect.gen(function* () {
    const cwd = yield* Site.make({ "pagi.config.mjs": config, "app.mjs": app })
    yield* Effect.addFinalizer(() =>
      Effect.sync(() => {
        for (const pid of signsIn(cwd)) if (isRunning(pid)) process.kill(pid, "SIGKILL")
      })
    )
    const program = yield* Program.start(args, { cwd })
    yield* until(() => signsIn(cwd).length === times)
    return { cwd, program }
  })

const allEnded = (cwd: string) => until(() => signsIn(cwd).every((pid) => !isRunning(pid)))

const commands = [[], ["--workers", "2"], ["check"]]

const signals = ["SIGINT", "SIGTERM"] as const

describe("a configuration file that never ends", () => {
  for (const [what, config] of Object.entries(modules)) {
    for (const args of commands) {
      it.live(
        `and ${what} lets signals end ${["pagi-server", ...args].join(" ")}`,
        () =>
          Effect.gen(function* () {
            for (const signal of signals) {
              const { cwd, program } = yield* starting(config, args)
              yield* program.signal(signal)
              const result = yield* program.result
              assert.deepStrictEqual([result.signal, result.stderr], [signal, ""])
              yield* allEnded(cwd)
            }
          }),
        timeout
      )
    }
  }

  it.live(
    "when it is read once more lets signals end the command",
    () =>
      Effect.gen(function* () {
        for (const signal of signals) {
          const { cwd, program } = yield* starting(later, [], 2)
          yield* program.signal(signal)
          assert.strictEqual((yield* program.result).signal, signal)
          yield* allEnded(cwd)
        }
      }),
    timeout
  )

  it.live(
    "leaves no process behind when the command is killed",
    () =>
      Effect.gen(function* () {
        for (const config of Object.values(modules)) {
          const { cwd, program } = yield* starting(config, ["--workers", "2"])
          yield* program.signal("SIGKILL")
          yield* allEnded(cwd)
        }
      }),
    timeout
  )

  it.live(
    "is given up after the time that a start may take",
    () =>
      Effect.gen(function* () {
        const waits =
          /^error: cannot load pagi\.config\.mjs: its import has not completed within 1s; .*\(--boot-timeout\)$/m
        const computes = /^error: the check of the command line has not ended within 11 seconds, and was killed; /
        const isGivenUp = (config: string, args: ReadonlyArray<string>, line: RegExp) =>
          Effect.gen(function* () {
            const { cwd, program } = yield* starting(config, [...args, "--boot-timeout=1"])
            const { code, stderr } = yield* program.result
            assert.strictEqual(code, 2)
            assert.match(stderr, line)
            yield* allEnded(cwd)
          })
        const ofThoseThatWait = Effect.forEach(commands, (args) => isGivenUp(modules.waits, args, waits))
        yield* Effect.all([isGivenUp(modules.computes, [], computes), ofThoseThatWait], { concurrency: 2 })
      }),
    timeout
  )

  it.live(
    "at SIGHUP lets a server with workers go on, and stop",
    () =>
      Effect.gen(function* () {
        for (const [index, config] of Object.values(modules).entries()) {
          const { cwd, program } = yield* starting(`${sign}\n${options}`, ["--workers", "2"])
          const address = yield* Program.address(program)
          writeFileSync(join(cwd, "pagi.config.mjs"), config)
          yield* program.signal("SIGHUP")
          yield* until(() => signsIn(cwd).length === 2)
          assert.strictEqual(yield* Effect.promise(() => fetch(address).then((response) => response.text())), "ok")
          yield* program.signal(signals[index] ?? "SIGTERM")
          assert.strictEqual((yield* program.result).code, 0)
          yield* allEnded(cwd)
        }
      }),
    timeout
  )
})

describe("a pipe that nobody writes to", () => {
  it.live(
    "lets signals end the command",
    () =>
      Effect.gen(function* () {
        for (const args of commands) {
          for (const signal of signals) {
            const cwd = yield* Site.make({ "app.mjs": app })
            const [read, unread] = [join(cwd, "read"), join(cwd, "unread")]
            execFileSync("mkfifo", [read, unread])
            const env = { PAGI_ENV_FILE: `${read},${unread}` }
            const program = yield* Program.start([...args, "--port", "0", "app.mjs"], { cwd, env })
            // Who reads this one opens the other next.
            execFileSync("sh", ["-c", `echo GREETING=hi > "${read}"`], { timeout: 30_000 })
            yield* program.signal(signal)
            const result = yield* program.result
            assert.deepStrictEqual([result.signal, result.stderr], [signal, ""])
          }
        }
      }),
    timeout
  )
})
