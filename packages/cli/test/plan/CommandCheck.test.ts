import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as ExitCode from "@pagi/node/pool/ExitCode"
import { isRunning } from "@pagi/node/process/RunningProcess"
import { execFileSync, spawn, spawnSync } from "node:child_process"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { type Answer, ask, askAgain } from "../../src/plan/CommandCheck.ts"
import * as Site from "../support/Site.ts"
import { until } from "../support/Until.ts"

const application = join(import.meta.dirname, "../fixtures/answer.ts")

/** Asks for what is allowed. */
const answerTo = (args: ReadonlyArray<string>): Effect.Effect<Answer> =>
  Effect.map(
    Effect.promise(() => ask(args)),
    (answer) => (typeof answer === "number" ? assert.fail(`exit code ${answer}`) : answer)
  )

const timeout = 60_000

describe("CommandCheck", () => {
  it.live(
    "has the command line read by another process",
    () =>
      Effect.gen(function* () {
        const { hasWorkers, plan } = yield* answerTo(["--workers", "2", "--pid", "a.pid", application])
        assert.isTrue(hasWorkers)
        assert.strictEqual(plan.process.pid, "a.pid")
        assert.strictEqual(plan.served.app, application)
      }),
    timeout
  )

  it.live(
    "serves nothing when nobody is there any more who wants to know",
    () =>
      Effect.sync(() => {
        const program = join(import.meta.dirname, "../../src/check.ts")
        const { status, stderr, stdout } = spawnSync(process.execPath, [program, "--port", "0", application], {
          encoding: "utf8",
          timeout: 30_000
        })
        assert.deepStrictEqual([status, stdout, stderr], [0, "", ""])
      }),
    timeout
  )

  /** A program in place of the one that checks, which writes into descriptor 3. */
  const checker = (code: string) =>
    Effect.map(Site.make({ "check.mjs": `import { readFileSync, writeSync } from "node:fs"\n${code}` }), (folder) =>
      join(folder, "check.mjs")
    )

  const problemOf = (file: string, limit?: number, args: ReadonlyArray<string> = []) =>
    Effect.map(
      Effect.promise(() => askAgain(args, { file, ...(limit === undefined ? {} : { limit }) })),
      (again) => ("problem" in again ? again.problem : assert.fail("there is an answer"))
    )

  const other = /has said something else than was expected; after an update, restart$/

  it.live(
    "has no answer of what another version says, or of what is cut off",
    () =>
      Effect.gen(function* () {
        for (const text of [`{"plan":{}}`, `{"plan":`, "x"]) {
          const file = yield* checker(`writeSync(3, ${JSON.stringify(text)})`)
          assert.match((yield* problemOf(file)) ?? "", other)
          assert.strictEqual(yield* Effect.promise(() => ask([], { file })), ExitCode.internal)
        }
      }),
    timeout
  )

  it.live(
    "has no answer of a process that cannot be started, is killed, or has said itself what is wrong",
    () =>
      Effect.gen(function* () {
        const tooLong = "x".repeat(300_000)
        const file = yield* checker(`process.exitCode = 64`)
        assert.match(
          (yield* problemOf(file, undefined, [tooLong])) ?? "",
          /^the command line cannot be checked: .*E2BIG/
        )
        assert.strictEqual(yield* Effect.promise(() => ask([tooLong], { file })), ExitCode.internal)
        assert.isUndefined(yield* problemOf(file))
        const killed = yield* checker(`process.kill(process.pid, "SIGKILL")`)
        assert.strictEqual(yield* problemOf(killed), "the check of the command line was ended by SIGKILL")
      }),
    timeout
  )

  it.live(
    "gives up a check that does not end, and kills it",
    () =>
      Effect.gen(function* () {
        const sign = join(yield* Site.make({ pid: "" }), "pid")
        // Whatever signals it listens to, and although somebody else holds its descriptors.
        const file = yield* checker(`
          import { spawn } from "node:child_process"
          import { writeFileSync } from "node:fs"
          for (const signal of ["SIGTERM", "SIGINT"]) process.on(signal, () => {})
          const child = spawn("sleep", ["20"], { stdio: ["ignore", "ignore", "ignore", 3] })
          writeFileSync(${JSON.stringify(sign)}, process.pid + " " + child.pid + "\\n")
          for (;;);
        `)
        // How long a process takes to be so far is the machine's affair.
        let signed: RegExpExecArray | null = null
        for (const seconds of [1, 4, 16]) {
          const problem = yield* problemOf(file, seconds * 1000)
          const line = `the check of the command line has not ended within ${seconds} seconds, and was killed; `
          assert.strictEqual(problem?.slice(0, line.length), line)
          signed = /^(\d+) (\d+)\n/.exec(readFileSync(sign, "utf8"))
          if (signed !== null) break
        }
        const [, pid, other] = signed ?? assert.fail("it was never so far")
        yield* until(() => !isRunning(Number(pid)))
        process.kill(Number(other), "SIGKILL")
      }),
    timeout
  )

  it.live(
    "reads an answer in pieces that end anywhere, and tells the process what pipes have said",
    () =>
      Effect.gen(function* () {
        const answer: Answer = {
          plan: {
            served: { app: "./ä€𝄞.ts", texts: { options: {}, noAccessLog: false } },
            process: { daemonize: false, pid: null, user: null, group: null, control: null }
          },
          hasWorkers: true,
          hasSources: true,
          sources: [],
          pipes: {}
        }
        const file = yield* checker(`
          const pipes = JSON.parse(readFileSync(Number(process.env.PAGI_PIPES_FD), "utf8"))
          const bytes = Buffer.from(JSON.stringify({ ...${JSON.stringify(answer)}, pipes }))
          for (const byte of bytes) {
            writeSync(3, Buffer.of(byte))
            if (byte > 127) await new Promise((resolve) => setTimeout(resolve, 5))
          }
        `)
        const pipes = { "/dev/fd/63": "A=ä\n" }
        const again = yield* Effect.promise(() => askAgain([], { file, pipes }))
        assert.deepStrictEqual(again, { answer: { ...answer, pipes } })
      }),
    timeout
  )

  it.live(
    "knows what a pipe has said although nobody can read it again",
    () =>
      Effect.gen(function* () {
        const folder = yield* Site.make({})
        const pipe = join(folder, "pipe")
        execFileSync("mkfifo", [pipe])
        const environment = process.env
        const { PAGI_ENV_FILE: before } = environment
        environment["PAGI_ENV_FILE"] = pipe
        const writer = spawn("sh", ["-c", `printf 'GREETING=hi\nPAGI_PORT=81\n' > "${pipe}"`])
        try {
          const { pipes, plan, sources } = yield* answerTo(["--workers", "2", application])
          assert.deepStrictEqual(pipes, { [pipe]: "GREETING=hi\nPAGI_PORT=81\n" })
          assert.deepStrictEqual(plan.served.environment, { GREETING: "hi" })
          const again = yield* Effect.promise(() => askAgain(["--workers", "2", application], { pipes }))
          assert.deepStrictEqual(again, { answer: { plan, hasWorkers: true, hasSources: true, sources, pipes } })
        } finally {
          writer.kill("SIGKILL")
          if (before === undefined) delete environment["PAGI_ENV_FILE"]
          else environment["PAGI_ENV_FILE"] = before
        }
      }),
    timeout
  )
})
