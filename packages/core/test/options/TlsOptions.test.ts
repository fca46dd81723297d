import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as ServerOptions from "../../src/options/ServerOptions.ts"
import type * as TlsOptions from "../../src/options/TlsOptions.ts"

const files = { cert: "server.crt", key: "server.key" }

/** Gives values of any kind, as untyped programs do. */
const makeWith = (tls: unknown) => ServerOptions.make({ tls: tls as TlsOptions.Input })

const messageOf = (tls: unknown) => Effect.map(Effect.flip(makeWith(tls)), ({ message }) => message)

describe("the options of TLS", () => {
  it.effect("have the documented defaults", () =>
    Effect.gen(function* () {
      const { tls } = yield* makeWith(files)
      assert.deepStrictEqual(tls, {
        ...files,
        sni: [],
        ca: undefined,
        verifyClient: false,
        minVersion: "TLSv1.2",
        ciphers: undefined,
        reloadInterval: Duration.seconds(5)
      })
      assert.isUndefined((yield* makeWith(undefined)).tls)
    })
  )

  it.effect("keep what is allowed", () =>
    Effect.gen(function* () {
      const input = {
        ...files,
        sni: [files],
        ca: "ca.crt",
        verifyClient: true,
        minVersion: "TLSv1.3" as const,
        ciphers: "HIGH"
      }
      const { tls } = yield* ServerOptions.make({ tls: { ...input, reloadInterval: "1 minute" } })
      assert.deepStrictEqual(tls && { ...tls, reloadInterval: Duration.toSeconds(tls.reloadInterval) }, {
        ...input,
        reloadInterval: 60
      })
    })
  )

  it.effect("are refused with their name, the value and what is allowed", () =>
    Effect.gen(function* () {
      const pairs = "expected a list of CERT:KEY, the paths of a certificate and its key (in programs { cert, key })"
      for (const [tls, message] of [
        ["server.crt", `option tls: "server.crt" is not allowed; expected an object with cert and key`],
        [{}, "option tls.cert is missing; expected a certificate, since TLS is set up"],
        [{ cert: "c" }, "option tls.key is missing; expected the private key of the certificate"],
        [{ ...files, cert: "" }, `option tls.cert: "" is not allowed; expected a text that is not empty`],
        [
          { ...files, minVersion: "TLSv1.1" },
          `option tls.minVersion: "TLSv1.1" is not allowed; expected one of TLSv1.2, TLSv1.3`
        ],
        [
          { ...files, verifyClient: true },
          "option tls.ca is missing; expected the authorities to verify clients against"
        ],
        [{ ...files, sni: ["a:b"] }, `option tls.sni: ["a:b"] is not allowed; ${pairs}`],
        [{ ...files, sni: [{ cert: "a" }] }, `option tls.sni: [{"cert":"a"}] is not allowed; ${pairs}`],
        [{ ...files, passphrase: "x" }, `option tls.passphrase: "x" is not allowed; expected the name of an option`]
      ] as const) {
        assert.strictEqual(yield* messageOf(tls), message)
      }
    })
  )

  it("are called SSL on command lines and in environments", () => {
    assert.strictEqual(ServerOptions.flagName("tls.verifyClient"), "ssl-verify-client")
    assert.strictEqual(ServerOptions.environmentName("tls.verifyClient"), "PAGI_SSL_VERIFY_CLIENT")
  })
})
