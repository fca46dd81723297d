import { assert, describe, it } from "@effect/vitest"
import type { TlsExtension } from "@pagi/core/TlsExtension"
import * as Effect from "effect/Effect"
import { hello, recorded } from "./support/Applications.ts"
import { makeHarness, turn } from "./support/DriverHarness.ts"
import { lines } from "./support/Machine.ts"

const tls: TlsExtension = {
  serverCert: null,
  clientCertChain: [],
  clientCertName: null,
  clientCertError: null,
  tlsVersion: 0x0304,
  cipherSuite: 0x1301
}

describe("a connection over TLS", () => {
  it.effect("has the extension tls beside those of the server, and its scheme", () =>
    Effect.gen(function* () {
      const { application, scopes } = recorded(hello)
      const harness = yield* makeHarness(application)
      harness.connect({ tls }).push(lines("GET / HTTP/1.1", "Host: a"))
      harness.connect().push(lines("GET / HTTP/1.1", "Host: a"))
      yield* turn
      assert.deepStrictEqual(
        scopes.map(({ extensions, scheme }) => [scheme, extensions]),
        [
          ["https", { fullflush: {}, tls }],
          ["http", { fullflush: {} }]
        ]
      )
    })
  )

  it.effect("answers 421 to a request for another host, and closes", () =>
    Effect.gen(function* () {
      const { application, scopes } = recorded(hello)
      const harness = yield* makeHarness(application)
      const transport = harness.connect({ tls, expectedHost: "a.test" })
      const right = lines("GET / HTTP/1.1", "Host: A.test:443")
      const wrong = lines("POST / HTTP/1.1", "Host: b.test", "Content-Length: 3")
      transport.push(`${right}${wrong}abc${right}`)
      yield* turn
      const statuses = [...transport.text.matchAll(/HTTP\/1\.1 (\d+)/g)].map((match) => match[1])
      assert.deepStrictEqual(statuses, ["200", "421"])
      assert.match(transport.text, /\r\nconnection: close\r\n.*\r\n\r\nmisdirected request\n$/s)
      assert.strictEqual(transport.ending, "ended")
      assert.strictEqual(scopes.length, 1)
    })
  )
})
