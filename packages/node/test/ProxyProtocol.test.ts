import { assert, describe, it } from "@effect/vitest"
import { type ObservedConnection, Observer } from "@pagi/core/Observer"
import * as PagiApp from "@pagi/core/PagiApp"
import type { Input } from "@pagi/core/ServerOptions"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import { readFileSync } from "node:fs"
import { connect as connectHttp2 } from "node:http2"
import { connect } from "node:net"
import { join } from "node:path"
import { connect as connectTls } from "node:tls"
import { type Client, open, openUnix, requestText } from "./support/Client.ts"
import { framesOf, HEADERS, opening } from "./support/Http2Raw.ts"
import { field, ipv4Block, versionTwo, withChecksum } from "./support/ProxyHeaders.ts"
import { serve } from "./support/Server.ts"
import { temporaryFolder } from "../../../test/support/TemporaryFolder.ts"
import { openTls, serverTls, testCertificates } from "./support/TlsClient.ts"
import { turns, until } from "./support/Until.ts"
import { startWorkers } from "./support/WorkerPool.ts"

/** Answers with both ends of the connection and the scheme. */
const application = PagiApp.make({
  http: Effect.fnUntraced(function* ({ client, httpVersion, scheme, server }, _receive, send) {
    yield* send({ type: "http.response.start", status: 200 })
    yield* send({
      type: "http.response.body",
      body: JSON.stringify([client ?? null, server ?? null, scheme, httpVersion])
    })
  })
})

const serveProxied = (options: Input = {}) =>
  Effect.gen(function* () {
    const events: Array<string> = []
    const note = (event: string, { client }: ObservedConnection) => events.push(`${event} of ${client?.[0]}`)
    const observer: Observer = {
      connectionOpened: () => events.push("opened"),
      connectionClosed: (_protocol, reason) => events.push(`closed ${reason}`),
      exchangeEnded: (record) => note(`ended ${record.status}`, record),
      protocolError: note,
      limitHit: note
    }
    const running = yield* serve(application, { proxyProtocol: true, ...options }).pipe(
      Effect.provideService(Observer, observer)
    )
    const isEmpty = until("no connection is left", () => Effect.runSync(running.server.connectionCount) === 0)
    return { ...running, events, isEmpty }
  })

const versionOne = "PROXY TCP4 192.0.2.7 198.51.100.1 258 443\r\n"
const addresses = '[["192.0.2.7",258],["198.51.100.1",443]'

const get = requestText("/", "Connection: close\r\n")

/** What is answered to these bytes, until the server closes the connection. */
const ask = (port: number, ...pieces: ReadonlyArray<string | Uint8Array>) =>
  Effect.gen(function* () {
    const client = yield* open(port)
    for (const piece of pieces) {
      client.send(piece)
      yield* turns(3)
    }
    yield* client.closed
    return client
  })

const bodyOf = (client: Client): string => client.body.toString()

describe("a listener of the PROXY protocol", () => {
  it.live("takes both ends of the connection from the header", () =>
    Effect.gen(function* () {
      const { events, isEmpty, port } = yield* serveProxied()
      assert.strictEqual(bodyOf(yield* ask(port, versionOne + get)), `${addresses},"http","1.1"]`)
      const two = withChecksum(0x21, 0x11, ipv4Block)
      assert.strictEqual(bodyOf(yield* ask(port, Buffer.concat([two, Buffer.from(get)]))), `${addresses},"http","1.1"]`)
      yield* isEmpty
      assert.deepStrictEqual(events.slice(0, 3), ["opened", "ended 200 of 192.0.2.7", "closed complete"])
    })
  )

  it.live("reads a header that comes byte by byte, and the request behind it", () =>
    Effect.gen(function* () {
      const { port } = yield* serveProxied()
      for (const header of [Buffer.from(versionOne), versionTwo(0x21, 0x11, ipv4Block)]) {
        const bytes = Buffer.concat([header, Buffer.from(get)])
        const pieces = [...bytes.subarray(0, header.length + 3)].map((byte) => Buffer.from([byte]))
        assert.strictEqual(
          bodyOf(yield* ask(port, ...pieces, bytes.subarray(header.length + 3))),
          `${addresses},"http","1.1"]`
        )
      }
    })
  )

  it.live("keeps the proxy's own address where it says no other", () =>
    Effect.gen(function* () {
      const { port } = yield* serveProxied()
      for (const header of [Buffer.from("PROXY UNKNOWN\r\n"), versionTwo(0x20, 0x00), versionTwo(0x21, 0x00)]) {
        const client = yield* ask(port, Buffer.concat([header, Buffer.from(get)]))
        assert.match(bodyOf(client), /^\[\["127\.0\.0\.1",\d+\],\["127\.0\.0\.1",\d+\],"http"/)
      }
    })
  )

  it.live("believes that TLS has ended in front, and still tells protocols by their first bytes", () =>
    Effect.gen(function* () {
      const { port } = yield* serveProxied()
      const header = versionTwo(0x21, 0x11, ipv4Block, field(1, "h2"), field(0x20, "\x01\0\0\0\0"))
      assert.strictEqual(
        bodyOf(yield* ask(port, Buffer.concat([header, Buffer.from(get)]))),
        `${addresses},"https","1.1"]`
      )
      const client = yield* open(port)
      client.send(Buffer.concat([header, opening]))
      yield* until("HTTP/2 answers", () => client.text.includes('"https","2"]'))
      assert.isTrue(framesOf(client.bytes).some(({ type }) => type === HEADERS))
    })
  )

  it.live("expects requests for the authority alone from a client that has shown the proxy a certificate", () =>
    Effect.gen(function* () {
      const { port } = yield* serveProxied()
      const asked = (tls: string, authority: string) =>
        Effect.map(
          ask(
            port,
            Buffer.concat([versionTwo(0x21, 0x11, ipv4Block, field(2, authority), field(0x20, tls)), Buffer.from(get)])
          ),
          ({ statuses }) => statuses
        )
      assert.deepStrictEqual(yield* asked("\x03\0\0\0\0", "TEST."), [200])
      assert.deepStrictEqual(yield* asked("\x03\0\0\0\0", "other"), [421])
      assert.deepStrictEqual(yield* asked("\x01\0\0\0\0", "other"), [200])
    })
  )

  it.live("closes what has no valid header, and tells why", () =>
    Effect.gen(function* () {
      const { events, isEmpty, port } = yield* serveProxied()
      const wrong = withChecksum(0x21, 0x11, ipv4Block)
      wrong[20] = 1
      for (const [bytes, reason] of [
        [get, "proxy-missing"],
        ["PROXY TCP4 localhost localhost 1 1\r\n", "proxy-malformed"],
        [`PROXY UNKNOWN ${"a".repeat(100)}`, "proxy-too-long"],
        [versionTwo(0x21, 0x11, ipv4Block, new Uint8Array(5000)), "proxy-too-long"],
        [wrong, "proxy-checksum"]
      ] as const) {
        events.length = 0
        const client = yield* ask(port, bytes)
        assert.strictEqual(client.received, 0, reason)
        yield* isEmpty
        assert.deepStrictEqual(events, ["opened", `${reason} of 127.0.0.1`, "closed protocol_error"])
      }
      events.length = 0
      const cut = yield* open(port)
      cut.send("PROXY TCP4 ")
      cut.socket.end()
      yield* cut.closed
      yield* isEmpty
      assert.deepStrictEqual(events, ["opened", "proxy-incomplete of 127.0.0.1", "closed protocol_error"])
      // A proxy that only looks whether somebody is there.
      events.length = 0
      const silent = yield* open(port)
      silent.socket.end()
      yield* silent.closed
      yield* isEmpty
      assert.deepStrictEqual(events, ["opened", "closed client_closed"])
    })
  )

  it.live("serves nobody but trusted proxies when they are named", () =>
    Effect.gen(function* () {
      const { events, port } = yield* serveProxied({ trustedProxies: ["192.0.2.0/24", "unix"] })
      const client = yield* open(port)
      client.send(versionOne + get)
      yield* client.closed
      assert.strictEqual(client.received, 0)
      assert.deepStrictEqual(events, ["proxy-untrusted of 127.0.0.1"])
      const trusting = yield* serveProxied({ trustedProxies: ["127.0.0.0/8"] })
      assert.strictEqual(bodyOf(yield* ask(trusting.port, versionOne + get)), `${addresses},"http","1.1"]`)
    })
  )

  it.effect("gives a header as much time as a request head", () =>
    Effect.gen(function* () {
      const { events, isEmpty, port } = yield* serveProxied({ headersTimeout: "5 seconds" })
      const slow = yield* open(port)
      slow.send("PROXY TCP4 ")
      yield* until("it is accepted", () => events.length === 1)
      yield* turns(50)
      yield* TestClock.adjust("4 seconds")
      assert.isFalse(slow.hasClosed)
      yield* TestClock.adjust("2 seconds")
      yield* slow.closed
      yield* isEmpty
      assert.deepStrictEqual(events, ["opened", "headersTimeout of 127.0.0.1", "closed limit"])
      const silent = yield* open(port)
      yield* until("it is accepted", () => events.length === 4)
      yield* TestClock.adjust("6 seconds")
      yield* silent.closed
      yield* isEmpty
      assert.deepStrictEqual(events.slice(3), ["opened", "closed idle_timeout"])
    })
  )

  it.live("ends connections whose headers have not come when the server stops", () =>
    Effect.gen(function* () {
      const { close, events, port } = yield* serveProxied()
      const client = yield* open(port)
      yield* until("it is accepted", () => events.length === 1)
      yield* close
      yield* client.closed
      assert.deepStrictEqual(events, ["opened", "closed server_shutdown"])
    })
  )

  it.live("answers that there is no room only after the header", () =>
    Effect.gen(function* () {
      const { events, port } = yield* serveProxied({ maxConnections: 1 })
      const first = yield* open(port)
      first.send(`${versionOne}${requestText("/")}`)
      yield* until("it is served", () => first.statuses.length === 1)
      first.send("GET / HTTP/1.1\r\n")
      yield* turns(5)
      const second = yield* open(port)
      yield* until("it is turned away", () => events.includes("maxConnections of 127.0.0.1"))
      yield* turns(5)
      assert.strictEqual(second.received, 0)
      second.send(versionOne + get)
      yield* until("it is told", () => second.statuses.length === 1)
      assert.deepStrictEqual(second.statuses, [503])
      assert.isTrue(events.includes("ended 503 of 192.0.2.7"))
    })
  )

  it.live("may be a single one of several, also a Unix socket", () =>
    Effect.gen(function* () {
      const path = join(yield* temporaryFolder, "app.sock")
      const { server } = yield* serveProxied({ proxyProtocol: false, listen: [`proxy+${path}`, "127.0.0.1:0"] })
      const proxied = yield* openUnix(path)
      proxied.send(versionOne + get)
      yield* proxied.closed
      assert.strictEqual(bodyOf(proxied), `${addresses},"http","1.1"]`)
      const plain = yield* ask(server.port, get)
      assert.match(bodyOf(plain), /^\[\["127\.0\.0\.1",/)
      const refused = yield* ask(server.port, versionOne + get)
      assert.deepStrictEqual(refused.statuses, [400])
    })
  )

  it.live("breaks responses off on Unix sockets, whatever addresses the header has, and on TCP for Unix ones", () =>
    Effect.gen(function* () {
      const failing = PagiApp.make({
        http: Effect.fnUntraced(function* (_scope, _receive, send) {
          yield* send({ type: "http.response.start", status: 200 })
          yield* send({ type: "http.response.body", body: "begun", more: true })
          return yield* Effect.die("of a test")
        })
      })
      const path = join(yield* temporaryFolder, "app.sock")
      const { server } = yield* serve(failing, {
        proxyProtocol: true,
        listen: [path, "127.0.0.1:0"],
        logLevel: "error"
      })
      const overUnix = yield* openUnix(path)
      // Without a length or chunks, only a reset tells that the response is not complete.
      const request = "GET / HTTP/1.0\r\n\r\n"
      overUnix.send(versionOne + request)
      yield* overUnix.closed
      const overTcp = yield* open(server.port)
      overTcp.send(Buffer.concat([versionTwo(0x21, 0x31, Buffer.alloc(216, "/a")), Buffer.from(request)]))
      yield* overTcp.closed
      assert.strictEqual(overTcp.errorCode, "ECONNRESET")
    })
  )

  it.live("names the client in the access log", () =>
    Effect.gen(function* () {
      const accessLog = join(yield* temporaryFolder, "access.log")
      const { close, port } = yield* serveProxied({ accessLog, accessLogFormat: "%h %s" })
      yield* ask(port, versionOne + get)
      yield* close
      assert.strictEqual(readFileSync(accessLog, "utf8"), "192.0.2.7 200\n")
    })
  )

  it.live("is one with workers too", () =>
    Effect.gen(function* () {
      const pool = yield* startWorkers(2, { proxyProtocol: true, trustedProxies: ["127.0.0.1"] })
      const { port } = pool
      for (let index = 0; index < 4; index++) {
        assert.match(bodyOf(yield* ask(port, versionOne + get)), /^\d$/)
        assert.strictEqual((yield* ask(port, get)).received, 0)
      }
    })
  )
})

/** Sends a header in front of the TLS of a client. */
const openBehind = (port: number, header: string | Uint8Array, options: Parameters<typeof openTls>[1] = {}) =>
  Effect.suspend(() => {
    const carrier = connect({ host: "127.0.0.1", port })
    carrier.write(header)
    return openTls(port, { carrier, ...options })
  })

describe("TLS behind the PROXY protocol", () => {
  it.live("begins after the header", () =>
    Effect.gen(function* () {
      const { events, port } = yield* serveProxied({ tls: yield* serverTls })
      for (const header of [versionOne, withChecksum(0x21, 0x11, ipv4Block)]) {
        const client = yield* openBehind(port, header)
        client.get("/", "Connection: close\r\n")
        yield* client.ended
        assert.strictEqual(client.body.toString(), `${addresses},"https","1.1"]`)
      }
      assert.include(events, "ended 200 of 192.0.2.7")
    })
  )

  it.live("may come together with the header, in pieces, and in HTTP/2", () =>
    Effect.gen(function* () {
      const { port } = yield* serveProxied({ tls: yield* serverTls })
      const { authority } = yield* testCertificates
      // The bytes of TLS are held until the header can go with the first of them.
      const carrier = connect({ host: "127.0.0.1", port })
      carrier.cork()
      carrier.write(versionOne)
      const secure = connectTls({ socket: carrier, servername: "localhost", ca: authority.cert, ALPNProtocols: ["h2"] })
      setImmediate(() => carrier.uncork())
      const text = yield* Effect.promise(
        () =>
          new Promise<string>((resolve, reject) => {
            const session = connectHttp2("https://localhost", { createConnection: () => secure })
            session.on("error", reject)
            const request = session.request({ ":path": "/" })
            let body = ""
            request.setEncoding("utf8")
            request.on("data", (piece: string) => (body += piece))
            request.on("end", () => {
              session.close()
              resolve(body)
            })
          })
      )
      assert.strictEqual(text, `${addresses},"https","2"]`)
    })
  )

  it.live("is not begun without a header", () =>
    Effect.gen(function* () {
      const { events, isEmpty, port } = yield* serveProxied({ tls: yield* serverTls })
      assert.include(["closed", "ECONNRESET"], yield* Effect.flip(openTls(port)))
      yield* isEmpty
      assert.deepStrictEqual(events, ["opened", "proxy-missing of 127.0.0.1", "closed protocol_error"])
      const cut = yield* open(port)
      cut.send("PROXY ")
      cut.socket.end()
      yield* cut.closed
      yield* isEmpty
      assert.include(events, "proxy-incomplete of 127.0.0.1")
    })
  )
})

describe("anything behind a listener of the PROXY protocol", () => {
  it.live("leaves no connection behind and hangs nothing", () =>
    Effect.gen(function* () {
      const plain = yield* serveProxied()
      const secure = yield* serveProxied({ tls: yield* serverTls })
      const seed = Number(process.env["PAGI_TEST_SEED"] ?? Date.now() % 1_000_000)
      let state = seed
      const random = (limit: number): number => {
        state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
        return (state >>> 8) % limit
      }
      const headers = [Buffer.from(versionOne), withChecksum(0x21, 0x11, ipv4Block, field(2, "a")), versionTwo(0x20, 0)]
      for (let round = 0; round < 200; round++) {
        const bytes = Buffer.concat([headers[random(headers.length)] ?? Buffer.alloc(0), Buffer.from(get)])
        for (let change = random(4); change > 0; change--) bytes[random(bytes.length)] = random(256)
        const client = yield* open(round % 2 === 0 ? plain.port : secure.port)
        const cut = random(bytes.length)
        client.send(bytes.subarray(0, cut))
        yield* turns(1)
        if (random(8) === 0) client.socket.resetAndDestroy()
        else client.socket.end(bytes.subarray(cut, cut + random(bytes.length)))
      }
      yield* Effect.all([plain.isEmpty, secure.isEmpty])
      assert.strictEqual(bodyOf(yield* ask(plain.port, versionOne + get)), `${addresses},"http","1.1"]`, `seed ${seed}`)
    })
  )
})
