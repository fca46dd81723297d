import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import { endpoints, tcp, unix } from "@pagi/core/Endpoint"
import * as ServerOptions from "@pagi/core/ServerOptions"
import * as Command from "effect/cli/Command"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import * as ServerFlags from "../../src/plan/ServerFlags.ts"
import * as ServerValues from "../../src/plan/ServerValues.ts"
import * as Sources from "../../src/plan/Sources.ts"
import * as CommandOutput from "../../src/run/CommandOutput.ts"
import { collecting } from "../support/Log.ts"
import * as Site from "../support/Site.ts"

/** Values of options that have no default. */
const samples: Readonly<Record<string, string>> = {
  socket: "/run/app.sock",
  healthPaths: "/health",
  socketMode: "0660",
  listen: "[::1]:80",
  reloadInclude: "templates",
  logFormat: "json",
  static: "/assets=./public",
  sendfile: "/files=./files",
  compressLevels: "br=5",
  redirectHttps: "0.0.0.0:80",
  redirectExcept: "/.well-known/acme-challenge",
  hsts: "max-age=31536000,includeSubDomains",
  trustedProxies: "127.0.0.1,fd00::/8,unix",
  admin: "127.0.0.1:9090",
  adminToken: "0123456789abcdef",
  "tls.cert": "server.crt",
  "tls.key": "server.key",
  "tls.sni": "a.crt:a.key",
  "tls.ca": "ca.crt",
  "tls.ciphers": "HIGH"
}

/** The value of an option, which may be one of a group. */
const valueOf = (values: ServerOptions.Values, name: string): unknown => {
  const groups: Readonly<Record<string, unknown>> = { ...values }
  const [group = "", option] = name.split(".")
  const value = groups[group]
  return option === undefined || typeof value !== "object" || value === null
    ? value
    : new Map<string, unknown>(Object.entries(value)).get(option)
}

/** The options that this command line and environment come to. */
const parse = (args: ReadonlyArray<string>, env: Readonly<Record<string, string>> = {}) =>
  Effect.gen(function* () {
    let values: ServerOptions.Values | undefined
    const { noAccessLog, options } = ServerFlags
    const command = Command.make("test", { noAccessLog, options }, (input) =>
      Effect.map(ServerValues.resolve(ServerFlags.texts(input)), (resolved) => {
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

/** What the command prints of a mistake that the library finds which reads command lines. */
const printedFor = (args: ReadonlyArray<string>) =>
  Effect.map(
    collecting(
      Effect.exit(Effect.provide(Command.runWith(switching, { version: "0" })(args), CommandOutput.layer())).pipe(
        Effect.provide(NodeServices.layer)
      )
    ),
    ([line = ""]) => line.replace(/^error: /, "")
  )

const { options: allFlags } = ServerFlags

const switching = Command.make("test", { allFlags })

describe("ServerFlags", () => {
  it.effect("defaults", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* parse([]), yield* ServerOptions.make())
    })
  )

  /** What some have no use without. */
  const needed: Readonly<Record<string, Readonly<Record<string, string>>>> = {
    reload: { PAGI_ENV: "development" },
    reloadInclude: { PAGI_ENV: "development", PAGI_RELOAD: "true" },
    redirectHttps: { PAGI_SSL_CERT: "c", PAGI_SSL_KEY: "k" },
    redirectExcept: { PAGI_SSL_CERT: "c", PAGI_SSL_KEY: "k", PAGI_REDIRECT_HTTPS: "0.0.0.0:80" },
    compressLevels: { PAGI_COMPRESS: "true" },
    adminToken: { PAGI_ADMIN: "127.0.0.1:9090" }
  }

  it.effect("every option has a flag and a variable; the flag wins", () =>
    Effect.gen(function* () {
      for (const [name, definition] of ServerOptions.definitions) {
        const text = ServerOptions.defaultText(definition) ?? samples[name] ?? ""
        const value = yield* ServerOptions.parse(name, definition, text)
        const flag = `--${ServerOptions.flagName(name)}=${text}`
        const variable = ServerOptions.environmentName(name)
        // What options need beside them: those of TLS a certificate, to which they apply.
        const others = name.startsWith("tls.")
          ? { PAGI_SSL_CERT: "c", PAGI_SSL_KEY: "k", PAGI_SSL_CA: "a" }
          : (needed[name] ?? {})
        const read = (args: ReadonlyArray<string>, env = {}) =>
          Effect.map(parse(args, { ...others, ...env }), (values) => valueOf(values, name))
        assert.deepStrictEqual(yield* read([flag]), value, flag)
        assert.deepStrictEqual(yield* read([], { [variable]: text }), value, variable)
        assert.deepStrictEqual(yield* read([flag], { [variable]: "\0" }), value, variable)
      }
    })
  )

  it.effect("every option has the same name and the same error as a flag, a variable, in a file and in a program", () =>
    Effect.gen(function* () {
      const folder = yield* Site.make({})
      const config = join(folder, "pagi.config.json")
      const messageIn = (content: unknown) =>
        Effect.gen(function* () {
          writeFileSync(config, JSON.stringify(content))
          const plan = { app: null, texts: { options: {}, noAccessLog: false } }
          const process = { daemonize: false, pid: null, user: null, group: null, control: null }
          const sources = { config, envFiles: [], secrets: [] }
          const { served } = yield* Sources.complete({ served: plan, process }, sources, {})
          return yield* ServerValues.resolve(served.texts)
        }).pipe(
          Effect.flip,
          Effect.map(({ message }) => message)
        )
      for (const [name, definition] of ServerOptions.definitions) {
        const [group = "", option] = name.split(".")
        const inGroup = (value: unknown) => ({ [group]: option === undefined ? value : { [option]: value } })
        const { kind } = definition
        // Nothing that can be meant, whatever the kind; in a program and in a file also of a type that is none.
        const refusal = (message: string, source: string) => {
          assert.isTrue(message.startsWith(`${source}: `), message)
          return message.slice(source.length)
        }
        const ofProgram = yield* Effect.flip(ServerOptions.make({ ...inGroup({ nonsense: 1 }) }))
        assert.strictEqual(ofProgram.option, name)
        assert.include(ofProgram.message, `expected ${kind.expected}`)
        const ofFile = refusal(yield* messageIn(inGroup({ nonsense: 1 })), `${config}: ${name}`)
        assert.include(ofFile, ` is not allowed; expected ${kind.expected}`)
        const isToggle = typeof definition.defaultValue === "boolean"
        const isBad = (text: string) => {
          const input = kind.fromText(text)
          return input === undefined || kind.accept(input) === undefined
        }
        const bad = isToggle ? "maybe" : isBad("\0") ? "\0" : ""
        assert.isTrue(isBad(bad), name)
        const flag = `--${ServerOptions.flagName(name)}`
        const ofFlag = refusal(yield* (isToggle ? printedFor : messageOf)([`${flag}=${bad}`]), `option ${flag}`)
        const variable = ServerOptions.environmentName(name)
        assert.strictEqual(refusal(yield* messageOf([], { [variable]: bad }), `option ${variable}`), ofFlag, name)
        assert.strictEqual(refusal(yield* messageIn(inGroup(bad)), `${config}: ${name}`), ofFlag, name)
      }
    })
  )

  it.effect("reads flags, short flags, switches and seconds", () =>
    Effect.gen(function* () {
      const values = yield* parse(["-o", "::1", "-p", "8080", "--timeout", "2.5", "-q", "-b=5", "--max-body-size=0"])
      assert.deepStrictEqual([values.host, values.port, values.quiet, values.listenerBacklog], ["::1", 8080, true, 5])
      assert.strictEqual(Duration.toMillis(values.timeout), 2500)
      assert.strictEqual(values.maxBodySize, 0)
      const withUnits = yield* parse(["--max-body-size=10MB"], { PAGI_TIMEOUT: "5s" })
      assert.deepStrictEqual([withUnits.maxBodySize, Duration.toMillis(withUnits.timeout)], [10_000_000, 5000])
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
      assert.match(
        yield* messageOf(["--timeout=1e3"]),
        /^option --timeout: "1e3" is not allowed; expected seconds from 0 to 2147483/
      )
      assert.match(yield* messageOf(["--log-level=loud"]), /expected one of debug, info, warn, error$/)
      assert.match(
        yield* messageOf(["--write-low-watermark=99999"]),
        /^option --write-low-watermark: 99999 is not allowed/
      )
    })
  )

  it.effect("reads the group of TLS; SSL is its name on the command line", () =>
    Effect.gen(function* () {
      const { tls } = yield* parse(
        ["--ssl-cert=c", "--ssl-sni", "a.crt:a.key", "--ssl-sni=b.crt:b.key", "--ssl-verify-client"],
        { PAGI_SSL_KEY: "k", PAGI_SSL_CA: "ca", PAGI_SSL_MIN_VERSION: "TLSv1.3" }
      )
      assert.deepStrictEqual(tls && { ...tls, reloadInterval: Duration.toSeconds(tls.reloadInterval) }, {
        cert: "c",
        key: "k",
        sni: [
          { cert: "a.crt", key: "a.key" },
          { cert: "b.crt", key: "b.key" }
        ],
        ca: "ca",
        verifyClient: true,
        minVersion: "TLSv1.3",
        ciphers: undefined,
        reloadInterval: 5
      })
      const missing = (flag: string) => `option ${flag} is missing; expected`
      assert.include(yield* messageOf(["--ssl-key=k"]), missing("--ssl-cert"))
      assert.include(yield* messageOf(["--ssl-cert=c"]), missing("--ssl-key"))
      assert.include(yield* messageOf(["--ssl-cert=c", "--ssl-key=k", "--ssl-verify-client"]), missing("--ssl-ca"))
      assert.match(
        yield* messageOf(["--ssl-sni=a"]),
        /^option --ssl-sni: "a" is not allowed; expected a list of CERT:KEY/
      )
      assert.match(yield* messageOf([], { PAGI_SSL_MIN_VERSION: "TLSv1" }), /^option PAGI_SSL_MIN_VERSION: /)
      assert.isTrue((yield* parse(["--disable-tls"])).disableTls)
    })
  )

  it.effect("reads what may be given several times from flags, or from a variable with commas", () =>
    Effect.gen(function* () {
      const listen = [tcp("127.0.0.1", 80), tcp("::1", 81), unix("/run/a,b")]
      const args = ["--listen", "127.0.0.1:80", "--listen=[::1]:81", "--listen", "/run/a,b"]
      assert.deepStrictEqual((yield* parse(args)).listen, listen)
      assert.deepStrictEqual((yield* parse(args, { PAGI_LISTEN: "x" })).listen, listen)
      assert.deepStrictEqual((yield* parse([], { PAGI_LISTEN: "127.0.0.1:80, [::1]:81" })).listen, listen.slice(0, 2))
      assert.isUndefined((yield* parse([], { PAGI_LISTEN: "" })).listen)
      const meant = "did you mean 0.0.0.0:80, or ./80 for a path"
      const expected = "expected a list of host:port, [IPv6 address]:port or the path of a Unix socket"
      assert.strictEqual(
        yield* messageOf(["--listen", "a:1", "--listen", ":80"]),
        `option --listen: ":80" is not allowed; ${expected}; ${meant}`
      )
      assert.strictEqual(
        yield* messageOf([], { PAGI_LISTEN: "a:1,:80" }),
        `option PAGI_LISTEN: "a:1,:80" is not allowed; ${expected}; ${meant}`
      )
    })
  )

  it.effect("reads permissions in octal", () =>
    Effect.gen(function* () {
      const { socket, socketMode } = yield* parse(["--socket", "/run/a", "--socket-mode", "0660"])
      assert.deepStrictEqual([socket, socketMode], ["/run/a", 0o660])
      assert.match(yield* messageOf(["--socket-mode", "0888"]), /^option --socket-mode: "0888" is not allowed/)
    })
  )

  it.effect("lets one thing only say where to listen; flags win over variables", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* messageOf(["--listen=a:1", "-p", "80"]), "--listen and --port exclude each other")
      assert.strictEqual(yield* messageOf(["--socket=a", "--host=b"]), "--socket and --host exclude each other")
      assert.strictEqual(
        yield* messageOf([], { PAGI_SOCKET: "a", PAGI_LISTEN: "b" }),
        "PAGI_LISTEN and PAGI_SOCKET exclude each other"
      )
      const variables = { PAGI_HOST: "::1", PAGI_PORT: "81" }
      assert.deepStrictEqual(endpoints(yield* parse(["--socket", "a"], variables)), [unix("a")])
      assert.deepStrictEqual(endpoints(yield* parse(["--listen", "a:1"], variables)), [tcp("a", 1)])
      assert.deepStrictEqual(endpoints(yield* parse(["--port", "82"], variables)), [tcp("::1", 82)])
      assert.deepStrictEqual(endpoints(yield* parse(["--port", "82"], { PAGI_SOCKET: "a" })), [tcp("127.0.0.1", 82)])
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
