import { assert, describe, it } from "@effect/vitest"
import type { HttpHandler } from "@pagi/core/PagiApp"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import { X509Certificate } from "node:crypto"
import { connect, type ConnectionOptions, type TLSSocket } from "node:tls"
import { fetchText, open } from "./support/Client.ts"
import { answer, serveHttp } from "./support/Server.ts"
import { openTls, serverTls, testCertificates, type TlsClient } from "./support/TlsClient.ts"
import { turns, until } from "./support/Until.ts"

/** Answers with what the scope says about the connection. */
const introspect: HttpHandler<unknown> = (scope, receive, send) =>
  answer(JSON.stringify({ scheme: scope.scheme, extensions: scope.extensions }))(scope, receive, send)

interface Introspection {
  readonly scheme: string
  readonly extensions: Readonly<Record<string, Readonly<Record<string, unknown>>>>
}

const parse = (text: string): Introspection => JSON.parse(text.slice(text.indexOf("\r\n\r\n") + 4)) as Introspection // Of `introspect`.

const ask = (client: TlsClient) =>
  Effect.gen(function* () {
    client.get()
    yield* client.endsWith("}}")
    return parse(client.bytes.toString())
  })

/** What the extension says after a handshake with these options. */
const tlsOf = (port: number, options?: Parameters<typeof openTls>[1]) =>
  Effect.map(Effect.flatMap(openTls(port, options), ask), ({ extensions }) => extensions["tls"])

const sameCertificate = (one: unknown, other: string) =>
  assert.strictEqual(new X509Certificate(String(one)).fingerprint256, new X509Certificate(other).fingerprint256)

/** Expects that no request is answered: some refusals come with the handshake, others right after it. */
const refused = (port: number, options: Parameters<typeof openTls>[1]) =>
  Effect.gen(function* () {
    const client = yield* Effect.result(openTls(port, options))
    if (client._tag === "Failure") return client.failure
    client.success.get()
    yield* client.success.closed
    assert.strictEqual(client.success.text, "")
    return client.success.errorCode
  }).pipe(Effect.scoped)

describe("TLS", () => {
  it.live("says in its extension what was settled", () =>
    Effect.gen(function* () {
      const { server } = yield* testCertificates
      const { port } = yield* serveHttp(introspect, { tls: yield* serverTls })
      const client = yield* openTls(port)
      const { extensions, scheme } = yield* ask(client)
      assert.strictEqual(scheme, "https")
      assert.deepStrictEqual(Object.keys(extensions), ["fullflush", "tls"])
      const { serverCert, ...tls } = extensions["tls"] ?? {}
      sameCertificate(serverCert, server.cert)
      assert.deepStrictEqual(tls, {
        clientCertChain: [],
        clientCertName: null,
        clientCertError: null,
        tlsVersion: 0x0304,
        cipherSuite: 0x1302
      })
    })
  )

  for (const [cipher, cipherSuite] of [
    ["ECDHE-ECDSA-AES128-GCM-SHA256", 0xc02b],
    ["ECDHE-ECDSA-CHACHA20-POLY1305", 0xcca9]
  ] as const) {
    it.live(`speaks TLS 1.2 with ${cipher}`, () =>
      Effect.gen(function* () {
        const { port } = yield* serveHttp(introspect, { tls: yield* serverTls })
        const tls = yield* tlsOf(port, { maxVersion: "TLSv1.2", ciphers: cipher })
        assert.strictEqual(tls?.["tlsVersion"], 0x0303)
        assert.strictEqual(tls?.["cipherSuite"], cipherSuite)
      })
    )
  }

  it.live("refuses clients that are too old, or share no cipher suite", () =>
    Effect.gen(function* () {
      const files = yield* serverTls
      const old = yield* serveHttp(introspect, { tls: files })
      const legacy = { minVersion: "TLSv1", maxVersion: "TLSv1.1", ciphers: "ALL:@SECLEVEL=0" } as const
      assert.match((yield* refused(old.port, legacy)) ?? "", /PROTOCOL_VERSION/)
      const strict = yield* serveHttp(introspect, { tls: { ...files, minVersion: "TLSv1.3" } })
      assert.match((yield* refused(strict.port, { maxVersion: "TLSv1.2" })) ?? "", /PROTOCOL_VERSION/)
      const picky = yield* serveHttp(introspect, { tls: { ...files, ciphers: "ECDHE-ECDSA-AES256-GCM-SHA384" } })
      const other = { maxVersion: "TLSv1.2", ciphers: "ECDHE-ECDSA-AES128-GCM-SHA256" } as const
      assert.match((yield* refused(picky.port, other)) ?? "", /HANDSHAKE_FAILURE/)
    })
  )

  it.live("has for TLS 1.2 only suites with forward secrecy that authenticate, unless others are named", () =>
    Effect.gen(function* () {
      const files = yield* serverTls
      const usual = yield* serveHttp(introspect, { tls: files })
      const old = "ECDHE-ECDSA-AES128-SHA256"
      const client = { maxVersion: "TLSv1.2", ciphers: old } as const
      assert.match((yield* refused(usual.port, client)) ?? "", /HANDSHAKE_FAILURE/)
      const lenient = yield* serveHttp(introspect, { tls: { ...files, ciphers: old } })
      assert.strictEqual((yield* tlsOf(lenient.port, client))?.["cipherSuite"], 0xc023)
    })
  )

  it.live("is not spoken, and not mentioned, when it is disabled", () =>
    Effect.gen(function* () {
      const { port, server } = yield* serveHttp(introspect, { tls: yield* serverTls, disableTls: true })
      const { extensions, scheme } = parse(yield* fetchText(port))
      assert.strictEqual(scheme, "http")
      assert.deepStrictEqual(Object.keys(extensions), ["fullflush"])
      assert.match(server.listeners[0]?.url ?? "", /^http:/)
    })
  )

  it.live("chooses by ALPN, speaks HTTP/1.1 without, and refuses clients that speak something else", () =>
    Effect.gen(function* () {
      const { port, server } = yield* serveHttp(introspect, { tls: yield* serverTls })
      assert.match(server.listeners[0]?.url ?? "", /^https:/)
      const both = yield* openTls(port, { ALPNProtocols: ["h2", "http/1.1"] })
      assert.strictEqual(both.socket.alpnProtocol, "h2")
      const older = yield* openTls(port, { ALPNProtocols: ["http/1.1"] })
      assert.strictEqual(older.socket.alpnProtocol, "http/1.1")
      assert.strictEqual((yield* ask(older)).scheme, "https")
      const none = yield* openTls(port)
      assert.isFalse(none.socket.alpnProtocol)
      assert.strictEqual((yield* ask(none)).scheme, "https")
      assert.match((yield* refused(port, { ALPNProtocols: ["spdy/3"] })) ?? "", /NO_APPLICATION_PROTOCOL/)
    })
  )

  it.live("does not let a client renegotiate", () =>
    Effect.gen(function* () {
      const { port } = yield* serveHttp(introspect, { tls: yield* serverTls })
      const client = yield* openTls(port, { maxVersion: "TLSv1.2" })
      yield* ask(client)
      let isRenegotiated = false
      client.socket.renegotiate({}, (error) => (isRenegotiated = error === null))
      client.get()
      yield* until("it is served or dropped", () => client.hasClosed || client.statuses.length === 2)
      yield* turns(100)
      assert.isFalse(isRenegotiated)
    })
  )

  it.live("drops a client that speaks HTTP without TLS, and serves on", () =>
    Effect.gen(function* () {
      const { port, server } = yield* serveHttp(introspect, { tls: yield* serverTls })
      const plain = yield* open(port)
      plain.get()
      yield* plain.closed
      assert.notInclude(plain.text, "HTTP")
      yield* until("it is forgotten", () => Effect.runSync(server.connectionCount) === 0)
      assert.strictEqual((yield* ask(yield* openTls(port))).scheme, "https")
    })
  )

  it.live("resumes sessions", () =>
    Effect.gen(function* () {
      const { port } = yield* serveHttp(introspect, { tls: yield* serverTls })
      const first = yield* openTls(port)
      yield* ask(first) // TLS 1.3 sends the ticket before it.
      const session = first.socket.getSession()
      const second = yield* openTls(port, session === undefined ? {} : { session })
      assert.isTrue(second.socket.isSessionReused())
      assert.strictEqual((yield* ask(second)).scheme, "https")
    })
  )
})

/** The certificate that the server sends to a client that asks for this name. */
const certificateFor = (port: number, servername: string) =>
  Effect.callback<string>((resume) => {
    const options: ConnectionOptions = { host: "127.0.0.1", port, rejectUnauthorized: false }
    const socket: TLSSocket = connect(servername === "" ? options : { ...options, servername }, () => {
      resume(Effect.succeed(socket.getPeerX509Certificate()?.toString() ?? ""))
      socket.destroy()
    })
  })

describe("several certificates", () => {
  it.live("are chosen by the name that the client asks for", () =>
    Effect.gen(function* () {
      const { common, named, server } = yield* testCertificates
      const sni = [named, common].map(({ certPath, keyPath }) => ({ cert: certPath, key: keyPath }))
      const { port } = yield* serveHttp(introspect, { tls: { ...(yield* serverTls), sni } })
      for (const [name, { cert }] of [
        ["localhost", server],
        ["", server],
        ["unknown.test", server],
        ["one.test", named],
        ["ONE.test", named],
        ["one.test.", named],
        ["any.wild.test.", named],
        ["any.wild.test", named],
        ["a.b.wild.test", server],
        ["wild.test", server],
        ["ignored.test", server],
        ["common.test", common]
      ] as const) {
        assert.isTrue((yield* certificateFor(port, name)) === cert, name)
      }
      sameCertificate((yield* tlsOf(port, { servername: "one.test" }))?.["serverCert"], named.cert)
    })
  )
})

describe("client certificates", () => {
  it.live("are verified when that is demanded", () =>
    Effect.gen(function* () {
      const { authority, client, expired, stranger } = yield* testCertificates
      const { port, server } = yield* serveHttp(introspect, {
        tls: { ...(yield* serverTls), ca: authority.certPath, verifyClient: true }
      })
      const { serverCert: _, ...tls } = (yield* tlsOf(port, { cert: client.cert, key: client.key })) ?? {}
      assert.deepStrictEqual(tls, {
        clientCertChain: [client.cert, authority.cert],
        clientCertName: "CN=Ada \\+ Charles,O=Böse \\, Mädchen+OU=R&D,C=DE",
        clientCertError: null,
        tlsVersion: 0x0304,
        cipherSuite: 0x1302
      })
      for (const { cert, key } of [stranger, expired]) yield* refused(port, { cert, key })
      yield* refused(port, {})
      yield* refused(port, { maxVersion: "TLSv1.2" })
      yield* until("all are gone", () => Effect.runSync(server.connectionCount) <= 1)
    })
  )

  it.live("that are refused are told of with the reason, as a detail", () => {
    const messages: Array<string> = []
    const logger = Logger.make(({ message }) => {
      messages.push(String(message))
    })
    return Effect.gen(function* () {
      const { authority, expired } = yield* testCertificates
      const tls = { ...(yield* serverTls), ca: authority.certPath, verifyClient: true }
      const { port } = yield* serveHttp(introspect, { tls, logLevel: "debug" })
      for (const maxVersion of ["TLSv1.2", "TLSv1.3"] as const) {
        yield* refused(port, { cert: expired.cert, key: expired.key, maxVersion })
        const message = "a TLS handshake failed: CERT_HAS_EXPIRED"
        yield* until("it is told", () => messages.includes(message))
        messages.length = 0
      }
    }).pipe(Effect.provide(Logger.layer([logger])))
  })

  it.live("come with those above them, as far as the client sends them or the server has them", () =>
    Effect.gen(function* () {
      const { authority, client, stranger } = yield* testCertificates
      const { port } = yield* serveHttp(introspect, { tls: { ...(yield* serverTls), ca: authority.certPath } })
      const full = yield* tlsOf(port, { cert: client.cert + authority.cert, key: client.key })
      assert.deepStrictEqual(full?.["clientCertChain"], [client.cert, authority.cert])
      const unknown = yield* tlsOf(port, { cert: stranger.cert, key: stranger.key })
      assert.deepStrictEqual(unknown?.["clientCertChain"], [stranger.cert])
    })
  )

  it.live("are only reported when authorities are named and nothing is demanded", () =>
    Effect.gen(function* () {
      const { authority, client, expired, stranger } = yield* testCertificates
      const { port } = yield* serveHttp(introspect, { tls: { ...(yield* serverTls), ca: authority.certPath } })
      const errorOf = (options: Parameters<typeof openTls>[1]) =>
        Effect.map(tlsOf(port, options), (tls) => [tls?.["clientCertName"], tls?.["clientCertError"]])
      assert.deepStrictEqual(yield* errorOf({}), [null, null])
      assert.deepStrictEqual((yield* errorOf({ cert: client.cert, key: client.key }))[1], null)
      assert.deepStrictEqual(yield* errorOf({ cert: expired.cert, key: expired.key }), ["CN=late", "CERT_HAS_EXPIRED"])
      const [name, code] = yield* errorOf({ cert: stranger.cert, key: stranger.key })
      assert.strictEqual(name, "CN=Mallory")
      assert.match(String(code), /^UNABLE_TO_/)
    })
  )

  it.live("survive the resumption of a session, also of one with another certificate of the server", () =>
    Effect.gen(function* () {
      const { authority, client, named } = yield* testCertificates
      const sni = [{ cert: named.certPath, key: named.keyPath }]
      const tls = { ...(yield* serverTls), sni, ca: authority.certPath, verifyClient: true }
      const { port } = yield* serveHttp(introspect, { tls })
      for (const servername of ["localhost", "one.test"]) {
        for (const maxVersion of ["TLSv1.2", "TLSv1.3"] as const) {
          const options = { servername, maxVersion, cert: client.cert, key: client.key }
          const first = yield* openTls(port, options)
          yield* ask(first) // TLS 1.3 sends the ticket before it.
          const session = first.socket.getSession()
          const second = yield* openTls(port, session === undefined ? options : { ...options, session })
          assert.isTrue(second.socket.isSessionReused(), servername + maxVersion)
          const { extensions } = yield* ask(second)
          assert.isNull(extensions["tls"]?.["clientCertError"])
          assert.match(String(extensions["tls"]?.["clientCertName"]), /^CN=Ada/)
        }
      }
    })
  )

  it.live("are for one host: a request for another is misdirected", () =>
    Effect.gen(function* () {
      const { authority, client } = yield* testCertificates
      const { port } = yield* serveHttp(answer("served"), {
        tls: { ...(yield* serverTls), ca: authority.certPath, verifyClient: true }
      })
      const request = (text: string, servername = "localhost") =>
        Effect.gen(function* () {
          const one = yield* openTls(port, {
            servername,
            cert: client.cert,
            key: client.key,
            checkServerIdentity: () => undefined
          })
          one.send(`${text}\r\nConnection: close\r\n\r\n`)
          yield* one.ended
          return one.text
        }).pipe(Effect.scoped)
      for (const right of [
        "GET / HTTP/1.1\r\nHost: localhost",
        "GET / HTTP/1.1\r\nHost: LocalHost:443",
        "GET / HTTP/1.1\r\nHost: localhost.",
        "GET http://localhost/ HTTP/1.1\r\nHost: other.test",
        "GET / HTTP/1.0\r\nAccept: */*"
      ]) {
        assert.match(yield* request(right), /^HTTP\/1\.1 200 .*served$/s, right)
      }
      for (const wrong of [
        "GET / HTTP/1.1\r\nHost: other.test",
        "GET / HTTP/1.1\r\nHost: localhost.test",
        "GET / HTTP/1.1\r\nHost: ",
        "GET http://other.test/ HTTP/1.1\r\nHost: localhost"
      ]) {
        assert.match(
          yield* request(wrong),
          /^HTTP\/1\.1 421 Misdirected Request\r\n.*\r\n\r\nmisdirected request\n$/s,
          wrong
        )
      }
      for (const host of ["localhost", "localhost.", "localhost.:443"]) {
        assert.match(yield* request(`GET / HTTP/1.1\r\nHost: ${host}`, "LocalHost."), /^HTTP\/1\.1 200 /, host)
      }
      assert.match(yield* request("GET / HTTP/1.1\r\nHost: other.test", "other.test"), /^HTTP\/1\.1 200 /)
      assert.match(yield* request("GET / HTTP/1.1\r\nHost: other.test", ""), /^HTTP\/1\.1 200 /)
    })
  )
})
