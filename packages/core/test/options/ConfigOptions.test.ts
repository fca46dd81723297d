import { assert, describe, it } from "@effect/vitest"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as ConfigOptions from "../../src/options/ConfigOptions.ts"
import * as ServerOptions from "../../src/options/ServerOptions.ts"

/** The options of a server in this environment. */
const optionsOf = (env: Record<string, string>) =>
  Effect.provide(ServerOptions.ServerOptions, ConfigOptions.layer).pipe(
    Effect.provideService(ConfigProvider.ConfigProvider, ConfigProvider.fromEnv({ env }))
  )

const messageOf = (env: Record<string, string>) => Effect.map(Effect.flip(optionsOf(env)), ({ message }) => message)

describe("ConfigOptions", () => {
  it.effect("has the defaults of what the environment does not say", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* optionsOf({}), yield* ServerOptions.make())
      assert.deepStrictEqual(yield* optionsOf({ PAGI_PORT: "", PAGI_LISTEN: "" }), yield* ServerOptions.make())
    })
  )

  it.effect("reads every kind with its units, as the command does", () =>
    Effect.gen(function* () {
      const options = yield* optionsOf({
        PAGI_LISTEN: "127.0.0.1:8080, /run/a.sock",
        PAGI_SOCKET_MODE: "0660",
        PAGI_MAX_BODY_SIZE: "64KiB",
        PAGI_SHUTDOWN_TIMEOUT: "500ms",
        PAGI_TIMEOUT: "2.5",
        PAGI_HTTP2: "0",
        PAGI_LOG_LEVEL: "warn",
        PAGI_SSL_CERT: "cert.pem",
        PAGI_SSL_KEY: "key.pem",
        PAGI_SSL_SNI: "a.pem:b.pem,c.pem:d.pem"
      })
      assert.deepStrictEqual(
        options,
        yield* ServerOptions.make({
          listen: ["127.0.0.1:8080", "/run/a.sock"],
          socketMode: 0o660,
          maxBodySize: 65_536,
          shutdownTimeout: Duration.millis(500),
          timeout: "2500 millis",
          http2: false,
          logLevel: "warn",
          tls: {
            cert: "cert.pem",
            key: "key.pem",
            sni: [
              { cert: "a.pem", key: "b.pem" },
              { cert: "c.pem", key: "d.pem" }
            ]
          }
        })
      )
    })
  )

  it.effect("knows every option of the table", () =>
    Effect.gen(function* () {
      for (const [name] of ServerOptions.definitions) {
        const variable = ServerOptions.environmentName(name)
        const wrong = name === "accessLogFormat" ? "%Z" : "\0"
        const message = yield* messageOf({ [variable]: wrong })
        const shown = name === "adminToken" ? "(not shown)" : JSON.stringify(wrong)
        assert.isTrue(message.startsWith(`option ${variable}: ${shown} is not allowed`), message)
      }
    })
  )

  it.effect("names the variable whose value is not allowed", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(optionsOf({ PAGI_PORT: "65536" }))
      assert.strictEqual(error._tag, "InvalidOption")
      assert.strictEqual(
        error.message,
        'option PAGI_PORT: "65536" is not allowed; expected a whole number from 0 to 65535'
      )
    })
  )

  it.effect("names the variables of values that do not go together", () =>
    Effect.gen(function* () {
      assert.strictEqual(
        yield* messageOf({ PAGI_LISTEN: "a:1", PAGI_PORT: "80" }),
        'option PAGI_LISTEN: "a:1" is not allowed; expected no PAGI_PORT beside it: PAGI_LISTEN and PAGI_PORT exclude each other'
      )
      assert.match(yield* messageOf({ PAGI_WRITE_LOW_WATERMARK: "1MiB" }), /^option PAGI_WRITE_LOW_WATERMARK: 1048576 /)
      assert.match(
        yield* messageOf({ PAGI_REDIRECT_HTTPS: "127.0.0.1:80" }),
        /^option PAGI_REDIRECT_HTTPS: "127\.0\.0\.1:80" is not allowed; expected TLS beside it/
      )
      assert.match(yield* messageOf({ PAGI_SSL_CERT: "cert.pem" }), /^option PAGI_SSL_KEY is missing; /)
    })
  )

  it.effect("takes them from any provider, and fails as that does", () =>
    Effect.gen(function* () {
      const given = ConfigProvider.fromUnknown({ PAGI_PORT: 8080, PAGI_QUIET: true })
      const read = Effect.provide(ServerOptions.ServerOptions, ConfigOptions.layer)
      const { port, quiet } = yield* Effect.provideService(read, ConfigProvider.ConfigProvider, given)
      assert.deepStrictEqual({ port, quiet }, { port: 8080, quiet: true })
      const unreadable = ConfigProvider.make(() =>
        Effect.fail(new ConfigProvider.SourceError({ message: "no answer" }))
      )
      const error = yield* Effect.flip(Effect.provideService(read, ConfigProvider.ConfigProvider, unreadable))
      assert.strictEqual(error._tag, "ConfigError")
      assert.match(error.message, /no answer/)
    })
  )
})
