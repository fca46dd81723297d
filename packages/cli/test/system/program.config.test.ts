/** Options and variables of files in servers with workers, while they run. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { chownSync, chmodSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { isRunning } from "@pagi/node/process/RunningProcess"
import * as Collector from "../support/Collector.ts"
import * as PidFile from "../support/PidFile.ts"
import * as Program from "../support/Program.ts"
import * as Site from "../support/Site.ts"
import { until } from "../support/Until.ts"

const timeout = 90_000

const application = join(import.meta.dirname, "../fixtures/configured.ts")

const get = (url: string): Effect.Effect<Response> =>
  Effect.promise(() => fetch(url, { headers: { connection: "close" } }))

const textOf = (url: string): Effect.Effect<string> =>
  Effect.flatMap(get(url), (response) => Effect.promise(() => response.text()))

/** What the application finds. */
const found = (greeting: string, password: string): string =>
  JSON.stringify({
    GREETING: { byConfig: greeting, inEnvironment: greeting },
    PASSWORD: { byConfig: password, inEnvironment: "none" }
  })

const config = { app: application, listen: ["127.0.0.1:0"], workers: 2, accessLog: "off", pid: "server.pid" }

/** A server with all its options in files. */
const serve = () =>
  Effect.gen(function* () {
    const cwd = yield* Site.make({
      "pagi.config.json": JSON.stringify(config),
      ".env": "GREETING=hi\n",
      "secrets/PASSWORD": "one\n"
    })
    const write = (name: string, content: unknown): void =>
      writeFileSync(join(cwd, name), typeof content === "string" ? content : JSON.stringify(content))
    const program = yield* Program.start(["--env-file", ".env", "--secrets", "secrets"], { cwd })
    const pidFile = join(cwd, "server.pid")
    yield* PidFile.killAtEnd(pidFile)
    const address = yield* Program.address(program)
    yield* program.line(/ below process \d+: /)
    const pid = () => PidFile.read(pidFile) ?? assert.fail("there is no pid file")
    return { address, pid, program, write }
  })

/** Waits until the server answers so. */
const answers = (address: string, text: string) =>
  Effect.gen(function* () {
    while ((yield* textOf(address)) !== text) yield* Effect.sleep(10)
  })

describe("configuration files", () => {
  it.live(
    "are read again at SIGHUP, and by a successor; mistakes leave everything as it was",
    () =>
      Effect.gen(function* () {
        const { address, pid, program, write } = yield* serve()
        assert.strictEqual(yield* textOf(address), found("hi", "one"))
        write(".env", "GREETING=servus\n")
        write("secrets/PASSWORD", "two")
        yield* program.signal("SIGHUP")
        // Workers are replaced one after the other, and this is the last one.
        yield* program.line(/^worker 2: shut down after /m)
        assert.strictEqual(yield* textOf(address), found("servus", "two"))

        write("pagi.config.json", `{ "app": "SECRET" "workers": 2 }`)
        write(".env", "GREETING=lost\n")
        yield* program.signal("SIGHUP")
        yield* program.line(/^error: pagi\.config\.json:1:19 is not JSON: expected , or }$/m)
        yield* program.line(/^error: the options stay as they were before$/m)
        assert.strictEqual(yield* textOf(address), found("servus", "two"))

        write("pagi.config.json", { ...config, workers: 1, maxHeaderSize: 64 })
        write(".env", "GREETING=moin\n")
        yield* program.signal("SIGHUP")
        yield* program.line(/^warning: workers: changes take effect when the server is restarted$/m)
        while ((yield* get(address)).status !== 431) yield* Effect.sleep(10)

        write("pagi.config.json", config)
        const before = pid()
        yield* program.signal("SIGUSR2")
        yield* until(() => pid() !== before)
        yield* answers(address, found("moin", "two"))
        yield* until(() => !isRunning(before))
        process.kill(pid(), "SIGTERM")
        // Both have the same output, which ends with the later one.
        const { code, stderr } = yield* program.result
        assert.strictEqual(code, 0)
        assert.notInclude(stderr, "SECRET")
      }),
    timeout
  )

  it.live(
    "that cannot be loaded, or end the process that loads them, let a server go on",
    () =>
      Effect.gen(function* () {
        const cwd = yield* Site.make({
          "pagi.config.mjs": `export default ${JSON.stringify({ ...config, workers: 1 })}`,
          ".env": "GREETING=hi\n"
        })
        const program = yield* Program.start(["--env-file", ".env"], { cwd })
        const address = yield* Program.address(program)
        yield* program.line(/^worker 1 is ready$/m)
        writeFileSync(join(cwd, "pagi.config.mjs"), "process.kill(process.pid, 'SIGKILL')")
        yield* program.signal("SIGHUP")
        yield* program.line(/^error: the check of the command line was ended by SIGKILL$/m)
        yield* program.line(/(?:^worker 1 is ready$[^]*){2}/m)
        assert.strictEqual(yield* textOf(address), found("hi", "none"))
        writeFileSync(join(cwd, "pagi.config.mjs"), "await import('data:text/javascript,throw new Error(`no vault`)')")
        yield* program.signal("SIGHUP")
        yield* program.line(/^error: cannot load pagi\.config\.mjs: no vault/m)
        yield* program.line(/(?:^worker 1 is ready$[^]*){3}/m)
        yield* program.signal("SIGTERM")
        assert.strictEqual((yield* program.result).code, 0)
      }),
    timeout
  )

  it.live.skipIf(process.getuid?.() !== 0)(
    "that root alone may read are refused to a server that has become another user",
    () =>
      Effect.gen(function* () {
        const cwd = yield* Site.make({
          "pagi.config.json": JSON.stringify({
            ...config,
            app: "./app.mjs",
            workers: 1,
            pid: undefined,
            user: "65534"
          }),
          "app.mjs": "export default { fetch: () => new Response('ok') }"
        })
        chmodSync(cwd, 0o755)
        chownSync(join(cwd, "pagi.config.json"), 0, 0)
        chmodSync(join(cwd, "pagi.config.json"), 0o600)
        const program = yield* Program.start(["--group", "65534"], { cwd })
        const address = yield* Program.address(program)
        yield* program.line(/^worker 1 is ready$/m)
        yield* program.signal("SIGHUP")
        yield* program.line(/^error: cannot read pagi\.config\.json: user 65534 may not read it$/m)
        yield* program.line(/stay as they were before; files are read again as the user .* \(--user\)$/m)
        yield* program.line(/(?:^worker 1 is ready$[^]*){2}/m)
        assert.strictEqual(yield* textOf(address), "ok")
        yield* program.signal("SIGTERM")
        assert.strictEqual((yield* program.result).code, 0)
      }),
    timeout
  )

  it.live(
    "say where telemetry goes, of the process above the workers too",
    () =>
      Effect.gen(function* () {
        const collector = yield* Collector.make()
        const cwd = yield* Site.make({
          ".env": `OTEL_EXPORTER_OTLP_ENDPOINT=${collector.url}\nOTEL_SERVICE_NAME=shop\n`,
          "secrets/OTEL_EXPORTER_OTLP_HEADERS": "authorization=Bearer%20key"
        })
        const flags = ["--env-file", ".env", "--secrets", "secrets", "--otlp", "on", "-w", "2", "-p", "0"]
        const program = yield* Program.start([...flags, application], { cwd })
        yield* Program.address(program)
        yield* program.line(/ below process \d+: /)
        yield* program.signal("SIGTERM")
        assert.strictEqual((yield* program.result).code, 0)
        const resources = collector.logs.map(({ resource }) => resource)
        assert.deepStrictEqual([...new Set(resources.map((resource) => resource["service.name"]))], ["shop"])
        const workers = resources.map((resource) => resource["pagi.worker"])
        assert.isTrue(workers.includes(undefined), "the process above the workers")
        assert.isAbove(new Set(workers).size, 1)
        for (const { headers } of collector.exports) assert.strictEqual(headers.authorization, "Bearer key")
      }),
    timeout
  )
})
