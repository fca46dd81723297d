import { assert, describe, it } from "@effect/vitest"
import { isRunning } from "@pagi/node/process/RunningProcess"
import * as Effect from "effect/Effect"
import { execFileSync } from "node:child_process"
import { createServer } from "node:net"
import type { AddressInfo } from "node:net"
import * as Program from "./support/Program.ts"
import * as Site from "./support/Site.ts"
import { until } from "./support/Until.ts"

const timeout = 60_000

const app = "export default { fetch: () => new Response('ok') }\n"

/** What `--json` prints, as far as it is looked at here. */
const parsed = (stdout: string): { readonly app: unknown; readonly options: Record<string, unknown> } =>
  JSON.parse(stdout)

const together = { concurrency: 2, discard: true } as const

/** A folder with files, and `pagi-server check` in it. */
const checking = (files: Readonly<Record<string, string>>) =>
  Effect.map(Site.make(files), (cwd) => ({
    cwd,
    check: (args: ReadonlyArray<string>, env: Readonly<Record<string, string>> = {}) =>
      Program.run(["check", ...args], { cwd, env })
  }))

describe("pagi-server check", () => {
  it.live(
    "shows every option with where it is from, and no secret",
    () =>
      Effect.gen(function* () {
        const secret = "0123456789-very-secret"
        const { check } = yield* checking({
          "app.mjs": app,
          "pagi.config.json": JSON.stringify({ app: "./app.mjs", timeout: 5, admin: "127.0.0.1:1", pid: "a.pid" }),
          ".env": "PAGI_QUIET=yes\n",
          "secrets/PAGI_ADMIN_TOKEN": secret
        })
        const sources = ["--env-file", ".env", "--secrets", "secrets"]
        const [table, json] = yield* Effect.all([
          check(["--port", "8080", ...sources], { PAGI_MAX_BODY_SIZE: "10MB" }),
          check(["--json", "--port", "8080", ...sources], { PAGI_MAX_BODY_SIZE: "10MB" })
        ])
        assert.deepStrictEqual([table.code, table.stderr, json.code, json.stderr], [0, "", 0, ""])
        assert.match(table.stdout, /^application: \.\/app\.mjs\n/)
        for (const [name, value, source] of [
          ["port", "8080", "--port"],
          ["timeout", "5", "pagi.config.json: timeout"],
          ["quiet", "true", ".env: PAGI_QUIET"],
          ["adminToken", "(not shown)", "secrets: PAGI_ADMIN_TOKEN"],
          ["maxBodySize", "10000000", "PAGI_MAX_BODY_SIZE"],
          ["host", "127.0.0.1", "default"]
        ] as const) {
          assert.include(table.stdout.replaceAll(/ {2,}/g, "|"), `\n${name}|${value}|${source}\n`)
          assert.deepStrictEqual(parsed(json.stdout).options[name], { value, source })
        }
        assert.strictEqual(parsed(json.stdout).app, "./app.mjs")
        assert.strictEqual(json.stdout.indexOf("\n"), json.stdout.length - 1)
        assert.notInclude(table.stdout + json.stdout, secret)
      }),
    timeout
  )

  it.live(
    "warns of variables that are no options, wherever they are set",
    () =>
      Effect.gen(function* () {
        const { check } = yield* checking({ "app.mjs": app, ".env": "PAGI_PROT=9\n", "secrets/PAGI_TIMEUOT": "5" })
        const result = yield* check(["--env-file", ".env", "--secrets", "secrets", "app.mjs"], {
          PAGI_WROKERS: "3",
          PAGI_EMPTY: ""
        })
        assert.strictEqual(result.code, 0)
        assert.deepStrictEqual(
          result.stderr
            .split("\n")
            .flatMap(
              (line) => /the variable (\w+) is no option of the server; did you mean (\w+)\?/.exec(line)?.slice(1) ?? []
            )
            .toSorted(),
          ["PAGI_PORT", "PAGI_PROT", "PAGI_TIMEOUT", "PAGI_TIMEUOT", "PAGI_WORKERS", "PAGI_WROKERS"]
        )
      }),
    timeout
  )

  it.live(
    "ends as a start would: for a mistake, a certificate and an application",
    () =>
      Effect.gen(function* () {
        const { check } = yield* checking({
          "app.mjs": app,
          "throws.mjs": "throw new Error('no database')",
          "syntax.mjs": "export default {",
          "broken.crt": "no certificate"
        })
        const ends = (code: number, stderr: RegExp, args: ReadonlyArray<string>) =>
          Effect.map(check(args), (result) => {
            assert.deepStrictEqual([result.code, result.stderr.replace(/^error: /, "").match(stderr)?.index], [code, 0])
          })
        const tls = ["--ssl-cert", "broken.crt", "--ssl-key", "broken.crt"]
        yield* Effect.all(
          [
            ends(0, /^$/, ["app.mjs"]),
            ends(2, /option --port: "x" is not allowed; expected a whole number from 0 to 65535\n$/, ["-p", "x"]),
            ends(2, /option --quiet: "maybe" is not allowed; expected true or false\n$/, ["--quiet=maybe"]),
            ends(2, /unknown flag --prot; did you mean --port\?\n$/, ["--prot"]),
            ends(2, /.*broken\.crt/, [...tls, "app.mjs"]),
            ends(0, /^$/, [...tls, "--disable-tls", "app.mjs"]),
            ends(4, /cannot load throws\.mjs: no database \(throws\.mjs:1\)\n$/, ["throws.mjs"]),
            ends(4, /cannot load syntax\.mjs: SyntaxError: /, ["syntax.mjs"]),
            ends(4, /cannot load none\.mjs: there is no such file\n$/, ["none.mjs"]),
            ends(4, /cannot serve the directory none: /, ["--static", "/=none", "--no-app"]),
            ends(4, /cannot serve the directory none: /, ["--sendfile", "/=none", "--no-app"]),
            ends(0, /^$/, ["--static", "/=.", "--sendfile", "/=.", "--no-app"]),
            ends(2, /the folder of the pid file none\/a\.pid does not exist\n$/, ["--pid", "none/a.pid", "--no-app"]),
            ends(2, /cannot write the access log none\/a\.log: its folder does not exist\n$/, [
              ...["--access-log", "none/a.log", "--no-app"]
            ]),
            ends(2, /cannot write the access log \.: it is a directory\n$/, ["--access-log", ".", "--no-app"]),
            ends(0, /^$/, ["--access-log", "a.log", "--pid", "a.pid", "--no-app"]),
            ends(0, /^$/, ["--no-app", "throws.mjs"]),
            ends(2, /.*broken\.crt/, ["--no-app", ...tls, "throws.mjs"])
          ],
          together
        )
      }),
    timeout
  )

  it.live(
    "warns as a start does, of what hardly does what was meant",
    () =>
      Effect.gen(function* () {
        const { check } = yield* checking({})
        const alone = yield* check(["--max-workers", "3"], { PAGI_PROT: "1" })
        assert.strictEqual(
          alone.stderr,
          "warning: the variable PAGI_PROT is no option of the server; did you mean PAGI_PORT?\n" +
            "warning: --max-workers has no effect without --workers\n"
        )
        assert.strictEqual(alone.code, 0)
        assert.strictEqual((yield* check(["--max-workers", "3", "-w", "2"])).stderr, "")
        const missing = ["--static-max-age", "1h", "--trusted-fields", "for", "--health-paths", "/health"]
        assert.strictEqual(
          (yield* check(missing, { PAGI_STATIC_IMMUTABLE: "true", PAGI_MAX_REQUESTS: "" })).stderr,
          "warning: --static-max-age has no effect without --static\n" +
            "warning: PAGI_STATIC_IMMUTABLE has no effect without --static\n" +
            "warning: --trusted-fields has no effect without --trusted-proxies\n" +
            "warning: --health-paths has no effect without --max-concurrent-requests or --max-queue-time\n"
        )
        const present = ["--static", "/=.", "--trusted-proxies", "unix", "--max-queue-time", "1"]
        assert.strictEqual((yield* check([...missing, ...present])).stderr, "")
      }),
    timeout
  )

  it.live(
    "ends at the first signal, whatever a module waits for",
    () =>
      Effect.gen(function* () {
        // It says so later than a server that imports it would listen to signals again.
        const waits = "setInterval(() => console.log('waiting'), 700); await new Promise(() => {})\n"
        const { cwd } = yield* checking({ "app.mjs": waits, "waits.mjs": waits })
        for (const args of [["app.mjs"], ["--config", "waits.mjs"]]) {
          const program = yield* Program.start(["check", ...args], { cwd })
          yield* program.line(/^waiting$/m)
          yield* program.signal("SIGINT")
          const { code, signal } = yield* program.result
          assert.deepStrictEqual([code, signal], [null, "SIGINT"])
        }
      }),
    timeout
  )

  it.live(
    "leaves no process behind when a start is killed while the configuration waits for something",
    () =>
      Effect.gen(function* () {
        const waits =
          "console.log(`waiting ${process.pid}`); setInterval(() => {}, 1000); await new Promise(() => {})\n"
        const { cwd } = yield* checking({ "waits.mjs": waits })
        const program = yield* Program.start(["--config", "waits.mjs"], { cwd })
        const [, pid] = yield* program.line(/^waiting (\d+)$/m)
        assert.notStrictEqual(Number(pid), program.pid)
        yield* program.signal("SIGKILL")
        yield* until(() => !isRunning(Number(pid)))
      }),
    timeout
  )

  it.live(
    "binds nothing: a port that is in use is no error, nor are a pid file and a socket",
    () =>
      Effect.gen(function* () {
        const { check, cwd } = yield* checking({ "app.mjs": app })
        const server = yield* Effect.acquireRelease(
          Effect.promise(
            () =>
              new Promise<ReturnType<typeof createServer>>((resolve) => {
                const server = createServer().listen(0, "127.0.0.1", () => resolve(server))
              })
          ),
          (server) => Effect.sync(() => server.close())
        )
        // A TCP server has an address of this kind.
        const { port } = server.address() as AddressInfo
        const result = yield* check(["--port", String(port), "--pid", "a.pid", "--access-log", "a.log", "app.mjs"])
        assert.deepStrictEqual([result.code, result.stderr], [0, ""])
        assert.strictEqual((yield* check(["--socket", "a.sock", "-w", "2", "app.mjs"])).code, 0)
        assert.deepStrictEqual(execFileSync("ls", ["-A", cwd], { encoding: "utf8" }), "app.mjs\n")
      }),
    timeout
  )

  it.live(
    "ends although an application or a configuration file has left something open, and prints all to slow readers",
    () =>
      Effect.gen(function* () {
        const { check, cwd } = yield* checking({
          "open.mjs": `setInterval(() => {}, 1000)\n${app}`,
          "pagi.config.mjs": `setInterval(() => {}, 1000)
            export default { static: Array(20_000).fill("/assets=.") }`
        })
        assert.strictEqual((yield* check(["open.mjs"])).code, 0)
        const slow = `"${Program.pagiServer}" check --no-app --json | (sleep 1; wc -c)`
        const size = execFileSync("sh", ["-c", slow], { cwd, encoding: "utf8" })
        assert.isAbove(Number(size), 65_536)
      }),
    timeout
  )

  it.live(
    "leaves the application the variables of files, and nothing of the server's",
    () =>
      Effect.gen(function* () {
        const { check } = yield* checking({
          "app.mjs": `
            import { execFileSync } from "node:child_process"
            const own = Object.keys(process.env).filter((name) => /GREETING|PAGI_|PASSWORD/.test(name))
            const children = execFileSync("env", { encoding: "utf8" }).match(/^(?:GREETING|PAGI_\\w*|PASSWORD)/gm)
            throw new Error(own.sort() + " " + children.sort())`,
          ".env": "GREETING=hi\nPAGI_QUIET=yes\n",
          "secrets/PASSWORD": "p",
          "secrets/PAGI_ADMIN_TOKEN": "0123456789abcdef"
        })
        const sources = ["--env-file", ".env", "--secrets", "secrets", "--admin", "127.0.0.1:1"]
        const { stderr } = yield* check([...sources, "app.mjs"])
        assert.match(stderr, /^error: cannot load app\.mjs: GREETING GREETING \(/)
      }),
    timeout
  )
})
