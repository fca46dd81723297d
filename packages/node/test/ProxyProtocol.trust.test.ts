/** Who is believed behind the PROXY protocol, and whom observers are told of. */
import { assert, describe, it } from "@effect/vitest"
import { Observer } from "@pagi/core/Observer"
import * as PagiApp from "@pagi/core/PagiApp"
import type { Input } from "@pagi/core/ServerOptions"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import { join } from "node:path"
import { type Client, open, openUnix, requestText } from "./support/Client.ts"
import { ipv4Block, versionTwo } from "./support/ProxyHeaders.ts"
import { serve } from "./support/Server.ts"
import { temporaryFolder } from "../../../test/support/TemporaryFolder.ts"
import { serverTls } from "./support/TlsClient.ts"
import { until } from "./support/Until.ts"

/** Answers with the client, the scheme and the id of the request. */
const application = PagiApp.make({
  http: ({ client, requestId, scheme }, _receive, send) =>
    Effect.andThen(
      send({ type: "http.response.start", status: 200 }),
      send({ type: "http.response.body", body: `${client?.[0] ?? "nobody"} ${scheme} ${requestId}` })
    )
})

const believing: Input = {
  proxyProtocol: true,
  requestId: "trust",
  trustedProxies: ["127.0.0.1", "10.0.0.0/8", "unix"]
}

const forged = requestText(
  "/",
  "X-Forwarded-For: 6.6.6.6\r\nX-Forwarded-Proto: https\r\nForwarded: for=6.6.6.6\r\nX-Request-Id: forged\r\nConnection: close\r\n"
)

const askOn = (client: Client, header: string | Uint8Array) => {
  client.send(Buffer.concat([Buffer.from(header), Buffer.from(forged)]))
  return Effect.map(client.closed, () => client.body.toString())
}

const unixBlock = Buffer.alloc(216, "/a")

/** Headers that do not say whose connection it is. */
const silent = {
  "version 1, UNKNOWN": "PROXY UNKNOWN\r\n",
  "version 1, UNKNOWN with addresses": "PROXY UNKNOWN 10.0.0.1 10.0.0.2 1 2\r\n",
  "version 2, LOCAL": versionTwo(0x20, 0x00),
  "version 2, LOCAL with addresses": versionTwo(0x20, 0x11, ipv4Block),
  "version 2, AF_UNSPEC": versionTwo(0x21, 0x00)
}

describe("clients that a proxy does not name", () => {
  it.live.each(Object.entries(silent))("are not believed: %s", ([, header]) =>
    Effect.gen(function* () {
      const path = join(yield* temporaryFolder, "app.sock")
      const { server } = yield* serve(application, { ...believing, listen: ["127.0.0.1:0", path] })
      const overTcp = yield* askOn(yield* open(server.port), header)
      assert.match(overTcp, /^127\.0\.0\.1 http (?!forged$)\S+$/)
      const overUnix = yield* askOn(yield* openUnix(path), header)
      assert.match(overUnix, /^nobody http (?!forged$)\S+$/)
    })
  )

  it.live("are not believed when they have come to the proxy by a Unix socket", () =>
    Effect.gen(function* () {
      const path = join(yield* temporaryFolder, "app.sock")
      const { server } = yield* serve(application, { ...believing, listen: ["127.0.0.1:0", path] })
      const header = versionTwo(0x21, 0x31, unixBlock)
      for (const client of [yield* open(server.port), yield* openUnix(path)]) {
        assert.match(yield* askOn(client, header), /^nobody http (?!forged$)\S+$/)
      }
    })
  )
})

describe("clients that a proxy names", () => {
  it.live("are believed when they are trusted proxies themselves, and not otherwise", () =>
    Effect.gen(function* () {
      const { port } = yield* serve(application, believing)
      const ask = (header: string) => Effect.flatMap(open(port), (client) => askOn(client, header))
      assert.strictEqual(yield* ask("PROXY TCP4 10.0.0.6 10.0.0.9 1 2\r\n"), "6.6.6.6 https forged")
      assert.match(yield* ask("PROXY TCP4 192.0.2.7 10.0.0.9 1 2\r\n"), /^192\.0\.2\.7 http (?!forged$)/)
      assert.match(yield* ask("PROXY TCP6 ::ffff:192.0.2.7 ::1 1 2\r\n"), /^::ffff:192\.0\.2\.7 http (?!forged$)/)
    })
  )

  it.live("are those whose handshakes of TLS fail", () =>
    Effect.gen(function* () {
      const told: Array<string> = []
      const observer: Observer = {
        protocolError: (reason, { client, server }) => told.push(`${reason} ${client?.join(" ")} ${server?.join(" ")}`)
      }
      const { port } = yield* serve(application, { ...believing, tls: yield* serverTls }).pipe(
        Effect.provideService(Observer, observer)
      )
      const client = yield* open(port)
      client.send(`PROXY TCP4 192.0.2.7 198.51.100.1 258 443\r\n${forged}`)
      yield* client.closed
      yield* until("it is told", () => told.length > 0)
      assert.deepStrictEqual(told, ["tls-handshake 192.0.2.7 258 198.51.100.1 443"])
      // Of one that is not named, the proxy is all that is known.
      const unknown = yield* open(port)
      unknown.send(`PROXY UNKNOWN\r\n${forged}`)
      yield* unknown.closed
      yield* until("it is told too", () => told.length > 1)
      assert.match(told[1] ?? "", /^tls-handshake 127\.0\.0\.1 \d+ /)
    })
  )
})

describe("a header of the PROXY protocol", () => {
  it.effect("has 30 seconds to come where request heads may take any time", () =>
    Effect.gen(function* () {
      const ends: Array<string> = []
      const opened: Array<string> = []
      const observer: Observer = {
        connectionOpened: () => opened.push("opened"),
        connectionClosed: (_protocol, reason) => ends.push(reason)
      }
      const { port } = yield* serve(application, { ...believing, headersTimeout: 0, timeout: 0 }).pipe(
        Effect.provideService(Observer, observer)
      )
      const slow = yield* open(port)
      slow.send("PROXY ")
      const named = yield* open(port)
      named.send(`PROXY TCP4 192.0.2.7 198.51.100.1 258 443\r\n${requestText()}`)
      yield* until("one is served", () => named.statuses.length === 1)
      named.send("GET / HT")
      assert.lengthOf(opened, 2)
      yield* TestClock.adjust("29 seconds")
      assert.isFalse(slow.hasClosed)
      slow.send("TCP4 ")
      yield* TestClock.adjust("2 seconds")
      yield* slow.closed
      assert.strictEqual(slow.received, 0)
      assert.deepStrictEqual(ends, ["limit"])
      assert.isFalse(named.hasClosed)
    })
  )
})
