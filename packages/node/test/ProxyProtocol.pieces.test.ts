/** Headers of the PROXY protocol in pieces and beside what they should be, and what comes behind them. */
import { assert, describe, it } from "@effect/vitest"
import { Observer } from "@pagi/core/Observer"
import * as PagiApp from "@pagi/core/PagiApp"
import type { Input } from "@pagi/core/ServerOptions"
import * as Effect from "effect/Effect"
import { createServer, connect } from "node:net"
import { connect as connectTls } from "node:tls"
import { open, requestText } from "./support/Client.ts"
import { field, ipv4Block, ipv6Block, signature, versionTwo, withChecksum } from "./support/ProxyHeaders.ts"
import { serve } from "./support/Server.ts"
import { serverTls, testCertificates } from "./support/TlsClient.ts"
import { turns, until } from "./support/Until.ts"
import { connect as connectWebSocket } from "./support/WebSocketClient.ts"
import { startWorkers } from "./support/WorkerPool.ts"

/** Says who its client is, in answers and to sessions, which it then echoes. */
const application = PagiApp.make({
  http: ({ client }, _receive, send) =>
    Effect.andThen(
      send({ type: "http.response.start", status: 200 }),
      send({ type: "http.response.body", body: String(client?.[0]) })
    ),
  websocket: Effect.fnUntraced(function* ({ client, scheme }, receive, send) {
    yield* receive
    yield* send({ type: "websocket.accept" })
    yield* send({ type: "websocket.send", text: `${client?.join(" ")} ${scheme}` })
    while (true) {
      const event = yield* receive
      if (event.type === "websocket.disconnect") return
      if (event.type === "websocket.receive" && event.text !== undefined) {
        yield* send({ type: "websocket.send", text: event.text })
      }
    }
  })
})

const get = requestText("/", "Connection: close\r\n")

const versionOne = Buffer.from("PROXY TCP4 192.0.2.7 198.51.100.1 258 443\r\n")

/** A header with everything that proxies tell. */
const full = withChecksum(
  0x21,
  0x11,
  ipv4Block,
  field(1, "h2"),
  field(2, "test"),
  field(0x20, "\x01\0\0\0\0"),
  field(5, "id")
)

const serveProxied = (options: Input = {}) =>
  Effect.gen(function* () {
    const problems: Array<string> = []
    const observer: Observer = { protocolError: (reason) => problems.push(reason) }
    const running = yield* serve(application, { proxyProtocol: true, ...options }).pipe(
      Effect.provideService(Observer, observer)
    )
    return { ...running, problems }
  })

describe("a header of the PROXY protocol", () => {
  it.live("may be split at each of its bytes", () =>
    Effect.gen(function* () {
      const { port, problems } = yield* serveProxied()
      for (const header of [versionOne, full]) {
        const bytes = Buffer.concat([header, Buffer.from(get)])
        for (let cut = 1; cut <= header.length + 1; cut++) {
          const client = yield* open(port)
          client.send(bytes.subarray(0, cut))
          yield* turns(2)
          client.send(bytes.subarray(cut))
          yield* client.closed
          assert.strictEqual(client.body.toString(), "192.0.2.7", `cut after ${cut}`)
        }
      }
      assert.deepStrictEqual(problems, [])
    })
  )

  it.live("is refused as soon as it is wrong, while more is to come", () =>
    Effect.gen(function* () {
      const { port, problems } = yield* serveProxied()
      const long = Buffer.concat([signature, Buffer.from([0x21, 0x11, 0xff, 0xff])])
      for (const [bytes, problem] of [
        // Not one byte of what it announces is waited for.
        [long, "proxy-too-long"],
        [Buffer.concat([signature, Buffer.from([0x21, 0x11, 0x10, 0x01])]), "proxy-too-long"],
        [Buffer.concat([signature, Buffer.from([0x31])]), "proxy-malformed"],
        [Buffer.concat([signature, Buffer.from([0x21, 0x99])]), "proxy-malformed"],
        [Buffer.from("PROXX"), "proxy-missing"],
        [Buffer.from([0x0d, 0x0a, 0x0d, 0x0b]), "proxy-missing"],
        [Buffer.from([0x16, 0x03, 0x01]), "proxy-missing"],
        [Buffer.concat([versionOne.subarray(0, 20), signature]), "proxy-malformed"],
        [Buffer.from(`PROXY ${"1".repeat(102)}`), "proxy-too-long"]
      ] as const) {
        problems.length = 0
        const client = yield* open(port)
        client.send(bytes)
        yield* client.closed
        assert.strictEqual(client.received, 0)
        assert.deepStrictEqual(problems, [problem])
      }
    })
  )

  it.live("comes once: another one behind it is a broken request, of either version", () =>
    Effect.gen(function* () {
      const { port } = yield* serveProxied()
      for (const first of [versionOne, full]) {
        for (const second of [versionOne, full, versionTwo(0x21, 0x21, ipv6Block)]) {
          const client = yield* open(port)
          client.send(Buffer.concat([first, second, Buffer.from(get)]))
          yield* client.closed
          assert.notInclude(client.text, "192.0.2.7")
          assert.notInclude(client.text, "200 OK")
        }
      }
    })
  )
})

/** Connects to a server, and passes everything on behind a header, as a proxy of TCP does. */
const proxyTo = (port: number, header: Uint8Array) =>
  Effect.acquireRelease(
    Effect.callback<{ readonly port: number; readonly close: () => void }>((resume) => {
      const proxy = createServer((client) => {
        const server = connect({ host: "127.0.0.1", port })
        server.write(header)
        client.pipe(server).pipe(client)
        client.on("error", () => server.destroy())
        server.on("error", () => client.destroy())
        client.on("close", () => server.destroy())
      })
      proxy.listen(0, "127.0.0.1", () => {
        const address = proxy.address()
        const own = typeof address === "object" && address !== null ? address.port : Number.NaN
        resume(Effect.succeed({ port: own, close: () => proxy.close() }))
      })
    }),
    ({ close }) => Effect.sync(close)
  )

describe("behind the header", () => {
  it.live("there may be a WebSocket, with TLS and without", () =>
    Effect.gen(function* () {
      const { authority } = yield* testCertificates
      for (const tls of [undefined, yield* serverTls]) {
        const { port } = yield* serveProxied(tls === undefined ? {} : { tls })
        for (const header of [versionOne, withChecksum(0x21, 0x11, ipv4Block)]) {
          const proxy = yield* proxyTo(port, header)
          const scheme = tls === undefined ? "ws" : "wss"
          const client = yield* connectWebSocket(`${scheme}://localhost:${proxy.port}/`, { ca: authority.cert })
          yield* client.received(1)
          assert.strictEqual(String(client.messages[0]), `192.0.2.7 258 ${scheme}`)
          client.socket.send("x".repeat(70_000))
          yield* client.received(2)
          assert.lengthOf(String(client.messages[1]), 70_000)
        }
      }
    })
  )

  it.live("what ALPN has settled in front does not choose the protocol, and here it does", () =>
    Effect.gen(function* () {
      const { authority } = yield* testCertificates
      const { port } = yield* serveProxied({ tls: yield* serverTls })
      // The proxy says HTTP/2, and the client of this TLS wants HTTP/1.1.
      const proxy = yield* proxyTo(port, withChecksum(0x21, 0x11, ipv4Block, field(1, "h2")))
      const secure = connectTls({
        host: "127.0.0.1",
        port: proxy.port,
        servername: "localhost",
        ca: authority.cert,
        ALPNProtocols: ["http/1.1"]
      })
      let text = ""
      secure.on("data", (bytes: Buffer) => (text += bytes.toString("latin1")))
      secure.write(get)
      yield* until("it is answered", () => text.endsWith("192.0.2.7"))
      assert.strictEqual(secure.alpnProtocol, "http/1.1")
      secure.destroy()
    })
  )
})

describe("workers with a socket each", () => {
  it.live("have the header on all of them", () =>
    Effect.gen(function* () {
      const { port } = yield* Effect.scoped(serve(application))
      yield* startWorkers(2, { port, reuseport: true, proxyProtocol: true, trustedProxies: ["127.0.0.1"] })
      const seen = new Set<string>()
      for (let index = 0; index < 40; index++) {
        const client = yield* open(port)
        client.send(Buffer.concat([versionOne, Buffer.from(get)]))
        yield* client.closed
        seen.add(client.body.toString())
        const without = yield* open(port)
        without.send(get)
        yield* without.closed
        assert.strictEqual(without.received, 0)
      }
      assert.deepStrictEqual([...seen].toSorted(), ["1", "2"])
    })
  )
})
