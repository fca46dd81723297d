import { assert, describe, it } from "@effect/vitest"
import * as PagiApp from "@pagi/core/PagiApp"
import type { Input } from "@pagi/core/ServerOptions"
import * as Effect from "effect/Effect"
import { existsSync, readFileSync, writeFileSync } from "node:fs"
import { connect } from "node:net"
import { join } from "node:path"
import { findProgram } from "../../../test/support/FindProgram.ts"
import { openUnix } from "./support/Client.ts"
import { runInBackground } from "./support/Programs.ts"
import { serve } from "./support/Server.ts"
import { temporaryFolder } from "../../../test/support/TemporaryFolder.ts"
import { openTls, serverTls, testCertificates } from "./support/TlsClient.ts"
import { until } from "./support/Until.ts"

const haproxy = findProgram("haproxy")

/** Answers with both ends of the connection, the scheme and the version. */
const application = PagiApp.make({
  http: Effect.fnUntraced(function* ({ client, httpVersion, scheme, server }, _receive, send) {
    yield* send({ type: "http.response.start", status: 200 })
    yield* send({
      type: "http.response.body",
      body: JSON.stringify([client ?? null, server ?? null, scheme, httpVersion])
    })
  })
})

/**
 * One listener for each way to reach the server. The clients are those that the tests say by a header of their own, so that
 * they need no address; it is HAProxy's header that the server gets.
 */
const configuration = (folder: string, plain: number, secure: number): string => `
defaults
  mode tcp
  timeout connect 5s
  timeout client 10s
  timeout server 10s
listen v1
  bind unix@${folder}/v1.sock accept-proxy
  server app 127.0.0.1:${plain} send-proxy
listen v2
  bind unix@${folder}/v2.sock accept-proxy
  server app 127.0.0.1:${plain} send-proxy-v2 proxy-v2-options crc32c,unique-id
listen v1-tls
  bind unix@${folder}/v1-tls.sock accept-proxy
  server app 127.0.0.1:${secure} send-proxy ssl verify none
listen v2-tls
  bind unix@${folder}/v2-tls.sock accept-proxy
  server app 127.0.0.1:${secure} send-proxy-v2 ssl verify none
listen passed-on
  bind unix@${folder}/passed-on.sock accept-proxy
  server app 127.0.0.1:${secure} send-proxy-v2
listen in-front
  bind unix@${folder}/in-front.sock accept-proxy ssl crt ${folder}/front.pem alpn h2,http/1.1
  server app 127.0.0.1:${plain} send-proxy-v2-ssl proxy-v2-options crc32c,authority
listen h2
  mode http
  bind unix@${folder}/h2.sock accept-proxy
  server app 127.0.0.1:${plain} send-proxy-v2 proto h2
listen local
  bind unix@${folder}/local.sock
  server app 127.0.0.1:${plain} send-proxy-v2
listen local-v1
  bind unix@${folder}/local-v1.sock
  server app 127.0.0.1:${plain} send-proxy
`

const header = "PROXY TCP4 192.0.2.7 198.51.100.1 258 443\r\n"
const get = "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
const addresses = '[["192.0.2.7",258],["198.51.100.1",443]'

/** Servers with TLS and without, behind HAProxy. */
const behind = Effect.gen(function* () {
  const options: Input = { proxyProtocol: true, trustedProxies: ["127.0.0.1"] }
  const plain = yield* serve(application, options)
  const secure = yield* serve(application, { ...options, tls: yield* serverTls })
  const { server } = yield* testCertificates
  const folder = yield* temporaryFolder
  writeFileSync(join(folder, "front.pem"), readFileSync(server.certPath, "utf8") + readFileSync(server.keyPath, "utf8"))
  writeFileSync(join(folder, "haproxy.cfg"), configuration(folder, plain.port, secure.port))
  const proxy = yield* runInBackground(haproxy ?? "haproxy", ["-q", "-db", "-f", join(folder, "haproxy.cfg")])
  yield* until("HAProxy listens", () => proxy.hasExited() || existsSync(join(folder, "local-v1.sock")))
  assert.isFalse(proxy.hasExited(), "HAProxy has started")
  return (name: string) => join(folder, `${name}.sock`)
})

describe.skipIf(haproxy === undefined)("HAProxy in front, with the PROXY protocol", () => {
  it.live("says who the client is, in both versions, to servers with TLS and without, and in HTTP/2", () =>
    Effect.gen(function* () {
      const at = yield* behind
      for (const [name, answer] of [
        ["v1", `${addresses},"http","1.1"]`],
        ["v2", `${addresses},"http","1.1"]`],
        ["v1-tls", `${addresses},"https","1.1"]`],
        ["v2-tls", `${addresses},"https","1.1"]`],
        ["h2", `${addresses},"http","2"]`]
      ] as const) {
        const client = yield* openUnix(at(name))
        client.send(header + get)
        yield* client.closed
        assert.include(client.text, answer, name)
      }
    })
  )

  it.live("passes TLS on, or ends it and says so", () =>
    Effect.gen(function* () {
      const at = yield* behind
      for (const name of ["passed-on", "in-front"]) {
        const carrier = connect({ path: at(name) })
        carrier.write(header)
        const client = yield* openTls(0, { carrier })
        client.send(get)
        yield* client.ended
        assert.include(client.text, `${addresses},"https","1.1"]`, name)
      }
    })
  )

  it.live("has clients of its own Unix sockets, of which nothing is known", () =>
    Effect.gen(function* () {
      const at = yield* behind
      const ask = (name: string) =>
        Effect.gen(function* () {
          const client = yield* openUnix(at(name))
          client.send(get)
          yield* client.closed
          return client.text
        })
      for (const name of ["local", "local-v1"]) {
        assert.match(yield* ask(name), /\[\["127\.0\.0\.1",\d+\],\["127\.0\.0\.1",\d+\],"http","1\.1"\]/, name)
      }
    })
  )
})
