import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { renameSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import * as Program from "../support/Program.ts"
import * as Site from "../support/Site.ts"
import { looks, until } from "../support/Until.ts"

const timeout = 120_000

const app = (version: number | string): string =>
  `import { other } from "./other.mjs"\nexport default { fetch: () => new Response("${version} " + other) }\n`

const other = (version: number): string => `export const other = "${version}"\n`

const broken = "export default {\n  fetch: () => new Response(\n"

/** Ways in which editors write: over the file, beside it and in its place, and emptied first. */
const ways: ReadonlyArray<(path: string, text: string) => void> = [
  (path, text) => writeFileSync(path, text),
  (path, text) => {
    writeFileSync(`${path}~`, text)
    renameSync(`${path}~`, path)
  },
  (path, text) => {
    writeFileSync(path, "")
    writeFileSync(path, text.slice(0, 20))
    writeFileSync(path, text)
  }
]

const reload = ["-E", "development", "--log-format", "plain", "--reload"]

const serve = Effect.gen(function* () {
  const cwd = yield* Site.make({ "app.mjs": app(0), "other.mjs": other(0) })
  const program = yield* Program.start(["--port", "0", "--no-access-log", ...reload, "./app.mjs"], { cwd })
  const address = yield* Program.address(program)
  yield* program.line(/^worker 1 is ready$/m)
  return { cwd, program, address }
})

describe("pagi-server --reload", () => {
  it.live(
    "refuses no request and answers none by a mixture while files are written, broken ones among them",
    () =>
      Effect.gen(function* () {
        const { address, cwd, program } = yield* serve
        const answers = new Set<string>()
        const ask = Effect.gen(function* () {
          const text = yield* Effect.promise(() =>
            fetch(address, { headers: { connection: "close" } }).then((response) => response.text())
          )
          answers.add(text)
          yield* Effect.sleep(2)
        })
        const clients = yield* Effect.forkScoped(
          Effect.forEach([1, 2, 3, 4], () => Effect.forever(ask), { concurrency: 4 })
        )
        // One that is refused ends all of them.
        const answered = (text: string) =>
          Effect.raceFirst(
            until(() => answers.has(text)),
            Fiber.join(clients)
          )
        const edits = 12
        for (let edit = 1; edit <= edits; edit++) {
          const write = ways[edit % ways.length] ?? assert.fail()
          if (edit % 6 === 4) {
            const isGivenUp = program.next(/the reload is given up/)
            write(join(cwd, "app.mjs"), broken)
            yield* isGivenUp
          } else {
            write(join(cwd, "other.mjs"), other(edit))
            write(join(cwd, "app.mjs"), app(edit))
            yield* answered(`${edit} ${edit}`)
          }
        }
        assert.isUndefined(clients.pollUnsafe())
        yield* Fiber.interrupt(clients)
        for (const answer of answers) assert.match(answer, /^(\d+) \1$/)
        yield* program.signal("SIGTERM")
        assert.strictEqual((yield* program.result).code, 0)
      }),
    timeout
  )

  it.live(
    "waits for a file that is missing or broken at the start",
    () =>
      Effect.gen(function* () {
        const cwd = yield* Site.make({ "app.mjs": `import "./later.mjs"\n${app(1)}`, "other.mjs": other(1) })
        const program = yield* Program.start(["--port", "0", "--no-access-log", ...reload, "./app.mjs"], { cwd })
        yield* program.line(/^error: worker 1 could not start \(exit code 4\)/m)
        writeFileSync(join(cwd, "later.mjs"), "")
        const address = yield* Program.address(program)
        const text = yield* Effect.promise(() => fetch(address).then((response) => response.text()))
        assert.strictEqual(text, "1 1")
      }),
    timeout
  )

  it.live(
    "watches what is imported when a request asks for it",
    () =>
      Effect.gen(function* () {
        const late = (text: string): string => `export const text = "${text}"\n`
        const lazy = `export default { fetch: async () => new Response((await import("./late.mjs")).text) }\n`
        const cwd = yield* Site.make({ "app.mjs": lazy, "late.mjs": late("one") })
        const program = yield* Program.start(["--port", "0", "--no-access-log", ...reload, "./app.mjs"], { cwd })
        const address = yield* Program.address(program)
        const ask = Effect.promise(() =>
          fetch(address, { headers: { connection: "close" } }).then((response) => response.text())
        )
        assert.strictEqual(yield* ask, "one")
        writeFileSync(join(cwd, "late.mjs"), late("two"))
        yield* program.line(/^late\.mjs changed$/m)
        yield* program.line(/(?:^worker 1 is ready$[^]*){2}/m)
        yield* Effect.repeat(ask, { until: (text) => text === "two", schedule: looks })
      }),
    timeout
  )

  it.live(
    "takes up what configuration and .env files say, and keeps the old options when they are not good",
    () =>
      Effect.gen(function* () {
        const source = "export default { fetch: () => new Response(process.env.WORD + ' ' + 1) }\n"
        const cwd = yield* Site.make({ "app.mjs": source, ".env": "WORD=one\n" })
        const given = ["--port", "0", "--no-access-log", ...reload, "--env-file", ".env", "./app.mjs"]
        const program = yield* Program.start(given, { cwd })
        const address = yield* Program.address(program)
        const ask = Effect.promise(() =>
          fetch(address, { headers: { connection: "close" } }).then((response) => response.text())
        )
        assert.strictEqual(yield* ask, "one 1")
        writeFileSync(join(cwd, ".env"), "WORD=two\n")
        yield* program.line(/^\.env changed$/m)
        yield* Effect.repeat(ask, { until: (text) => text === "two 1", schedule: looks })
        writeFileSync(join(cwd, "pagi.config.json"), '{ "timeout": "never" }')
        yield* program.line(/^pagi\.config\.json changed$/m)
        yield* program.line(/the options stay as they were before/)
        assert.strictEqual(yield* ask, "two 1")
      }),
    timeout
  )

  it.live(
    "does not work in production",
    () =>
      Effect.gen(function* () {
        const { code, stderr } = yield* Program.run(["-E", "production", "--reload", "./app.mjs"])
        assert.strictEqual(code, 2)
        assert.match(stderr, /--reload/)
        assert.match(stderr, /development/)
      }),
    timeout
  )
})
