/**
 * What TLS has settled for a connection, as the application sees it. The answer is the extension `tls` as JSON; without
 * TLS there is none.
 *
 *     openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 \
 *       -subj /CN=localhost -addext subjectAltName=DNS:localhost -keyout server.key -out server.crt
 *     npx pagi-server --ssl-cert server.crt --ssl-key server.key examples/08-tls-introspection.ts
 *     curl --cacert server.crt https://localhost:5000/
 *
 * With `--ssl-ca clients.crt` clients may show a certificate, and with `--ssl-verify-client` they must:
 *
 *     curl --cacert server.crt --cert client.crt --key client.key https://localhost:5000/
 */
import * as PagiApp from "@pagi/core/PagiApp"
import type { TlsExtension } from "@pagi/core/TlsExtension"
import * as Effect from "effect/Effect"

const versions = new Map([
  [0x0303, "TLS 1.2"],
  [0x0304, "TLS 1.3"]
])

const describe = (tls: TlsExtension) => ({
  ...tls,
  version: tls.tlsVersion === null ? "unknown" : versions.get(tls.tlsVersion),
  suite: tls.cipherSuite === null ? "unknown" : `0x${tls.cipherSuite.toString(16).padStart(4, "0")}`
})

export default PagiApp.make({
  http: Effect.fnUntraced(function* (scope, _receive, send) {
    // The server puts it there, in this shape, when the connection is encrypted.
    const tls = scope.extensions["tls"] as TlsExtension | undefined
    yield* send({ type: "http.response.start", status: 200, headers: [["content-type", "application/json"]] })
    yield* send({
      type: "http.response.body",
      body: `${JSON.stringify(tls === undefined ? { tls: "not used" } : describe(tls), undefined, 2)}\n`
    })
  })
})
