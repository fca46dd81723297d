import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import * as ServerOptions from "@pagi/core/ServerOptions"
import * as Command from "effect/cli/Command"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as ServerFlags from "../src/ServerFlags.ts"

/** The options that this command line and environment come to. */
const parse = (args: ReadonlyArray<string>, env: Readonly<Record<string, string>> = {}) =>
  Effect.gen(function* () {
    let values: ServerOptions.Values | undefined
    const { noAccessLog, options } = ServerFlags
    const command = Command.make("test", { noAccessLog, options }, (input) =>
      Effect.map(ServerFlags.resolve(input), (resolved) => {
        values = resolved
      })
    )
    yield* Command.runWith(command, { version: "0", renderErrors: false })(args)
    return values ?? (yield* Effect.die("the command has not run"))
  }).pipe(
    Effect.provide(NodeServices.layer),
    Effect.provideService(ConfigProvider.ConfigProvider, ConfigProvider.fromEnv({ env }))
  )

const messageOf = (args: ReadonlyArray<string>, env: Readonly<Record<string, string>> = {}) =>
  Effect.map(Effect.flip(parse(args, env)), (error) => error.message)

describe("ServerFlags", () => {
  it.effect("defaults", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* parse([]), yield* ServerOptions.make())
    })
  )

  it.effect("every option has a flag and a variable; the flag wins", () =>
    Effect.gen(function* () {
      for (const [name, { defaultValue, kind }] of ServerOptions.definitions) {
        const text = kind.toText(defaultValue)
        const flag = `--${ServerOptions.flagName(name)}=${text}`
        const variable = ServerOptions.environmentName(name)
        assert.deepStrictEqual((yield* parse([flag]))[name], defaultValue, flag)
        assert.deepStrictEqual((yield* parse([], { [variable]: text }))[name], defaultValue, variable)
        assert.deepStrictEqual((yield* parse([flag], { [variable]: "\0" }))[name], defaultValue, variable)
      }
    })
  )

  it.effect("reads flags, short flags, switches and seconds", () =>
    Effect.gen(function* () {
      const values = yield* parse(["-o", "::1", "-p", "8080", "--timeout", "2.5", "-q", "-b=5", "--max-body-size=0"])
      assert.deepStrictEqual([values.host, values.port, values.quiet, values.listenerBacklog], ["::1", 8080, true, 5])
      assert.strictEqual(Duration.toMillis(values.timeout), 2500)
      assert.strictEqual(values.maxBodySize, 0)
      assert.isFalse((yield* parse(["--no-quiet"], { PAGI_QUIET: "true" })).quiet)
    })
  )

  it.effect("reads the environment; an empty variable is none", () =>
    Effect.gen(function* () {
      const env = { PAGI_PORT: "81", PAGI_SHUTDOWN_TIMEOUT: "7", PAGI_QUIET: "1", PAGI_HOST: "" }
      const values = yield* parse(["--port", "82"], env)
      assert.deepStrictEqual([values.port, values.host, values.quiet], [82, "127.0.0.1", true])
      assert.strictEqual(Duration.toSeconds(values.shutdownTimeout), 7)
    })
  )

  it.effect("says which flag or variable has a wrong value, and what is right", () =>
    Effect.gen(function* () {
      const port = "expected a whole number from 0 to 65535"
      assert.strictEqual(yield* messageOf(["--port", "x"]), `option --port: "x" is not allowed; ${port}`)
      assert.strictEqual(yield* messageOf(["-p", "-1"]), `option --port: "-1" is not allowed; ${port}`)
      assert.strictEqual(
        yield* messageOf([], { PAGI_PORT: "65536" }),
        `option PAGI_PORT: "65536" is not allowed; ${port}`
      )
      assert.strictEqual(yield* messageOf(["--port", ""]), `option --port: "" is not allowed; ${port}`)
      assert.match(yield* messageOf(["--timeout=1e3"]), /^option --timeout: "1e3" is not allowed; expected a duration/)
      assert.match(yield* messageOf(["--log-level=loud"]), /expected one of debug, info, warn, error$/)
      assert.match(
        yield* messageOf(["--write-low-watermark=99999"]),
        /^option --write-low-watermark: 99999 is not allowed/
      )
    })
  )

  it.effect("access log: off when it is to be quiet, unless one is named", () =>
    Effect.gen(function* () {
      const accessLog = (args: ReadonlyArray<string>, env: Readonly<Record<string, string>> = {}) =>
        Effect.map(parse(args, env), (values) => values.accessLog)
      assert.strictEqual(yield* accessLog([]), "stderr")
      assert.strictEqual(yield* accessLog(["--no-access-log"]), "off")
      assert.strictEqual(yield* accessLog(["--quiet"]), "off")
      assert.strictEqual(yield* accessLog(["--quiet", "--access-log", "a.log"]), "a.log")
      assert.strictEqual(yield* accessLog(["--quiet", "--access-log", "stderr"]), "stderr")
      assert.strictEqual(yield* accessLog(["--quiet"], { PAGI_ACCESS_LOG: "a.log" }), "a.log")
      assert.strictEqual(yield* accessLog(["--no-access-log"], { PAGI_ACCESS_LOG: "a.log" }), "off")
      assert.match(yield* messageOf(["--no-access-log", "--access-log=a.log"]), /exclude each other$/)
    })
  )
})
