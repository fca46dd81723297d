/** Fields by which clients pretend to be somebody else, in every spelling, over every way in. */
import { assert, describe, it } from "@effect/vitest"
import { Observer } from "@pagi/core/Observer"
import * as PagiApp from "@pagi/core/PagiApp"
import type { HttpScope, SseScope, WebSocketScope } from "@pagi/core/Scope"
import type { Input } from "@pagi/core/ServerOptions"
import * as Effect from "effect/Effect"
import { readFileSync } from "node:fs"
import { connect as connectHttp2 } from "node:http2"
import { join } from "node:path"
import { type Client, open, openUnix, requestText } from "./support/Client.ts"
import { Http2WebSocket } from "./support/Http2WebSocket.ts"
import { openSession } from "./support/HttpSuiteClient.ts"
import { tcpTarget } from "./support/HttpSuiteWay.ts"
import { serve } from "./support/Server.ts"
import { temporaryFolder } from "../../../test/support/TemporaryFolder.ts"
import { until } from "./support/Until.ts"
import { connect as connectWebSocket } from "./support/WebSocketClient.ts"

type Lines = ReadonlyArray<readonly [name: string, value: string]>

const hops = Array.from({ length: 600 }, (_, index) => `6.6.${index >> 8}.${index & 255}`).join(", ")

/** What clients may send. All of it says 6.6.6.6, the host evil.example or the scheme https. */
const forged: Readonly<Record<string, Lines>> = {
  "each of the fields": [
    ["X-Forwarded-For", "6.6.6.6"],
    ["X-Forwarded-Proto", "https"],
    ["X-Forwarded-Host", "evil.example"],
    ["X-Forwarded-Port", "666"],
    ["X-Forwarded-Prefix", "/evil"]
  ],
  "one field several times": [
    ["X-Forwarded-For", "6.6.6.6"],
    ["X-Forwarded-For", "127.0.0.1"],
    ["X-Forwarded-For", "6.6.6.6"]
  ],
  "other cases": [
    ["x-forwarded-for", "6.6.6.6"],
    ["X-FORWARDED-FOR", "6.6.6.6"],
    ["x-Forwarded-pROTO", "HTTPS"]
  ],
  underscores: [
    ["X_Forwarded_For", "6.6.6.6"],
    ["X_FORWARDED_PROTO", "https"],
    ["X-Forwarded_Host", "evil.example"]
  ],
  "other names": [
    ["X-Real-IP", "6.6.6.6"],
    ["True-Client-IP", "6.6.6.6"],
    ["CF-Connecting-IP", "6.6.6.6"],
    ["X-Client-IP", "6.6.6.6"],
    ["Client-IP", "6.6.6.6"],
    ["X-Forwarded", "for=6.6.6.6"],
    ["X-Forwarded-Ssl", "on"],
    ["Front-End-Https", "on"],
    ["X-Original-Host", "evil.example"],
    ["Via", "1.1 6.6.6.6"]
  ],
  "Forwarded with quoted strings": [["Forwarded", 'for="6.6.6.6";proto="https";host="evil.example"']],
  "Forwarded with IPv6 and ports": [["Forwarded", 'for="[2001:db8:6666::6]:6666";proto=https, For="6.6.6.6:666"']],
  "Forwarded with obfuscated identifiers": [["Forwarded", "for=_hidden;by=_SEVKISEK, for=unknown;host=evil.example"]],
  "Forwarded that is broken": [
    ["Forwarded", 'for="6.6.6.6'],
    ["Forwarded", "for=6.6.6.6;;for=,=;proto"],
    ["Forwarded", '\\",for=6.6.6.6']
  ],
  "a long list": [["X-Forwarded-For", hops]],
  "both kinds of fields": [
    ["Forwarded", "for=6.6.6.6;proto=https"],
    ["X-Forwarded-For", "6.6.6.6"],
    ["Forwarded", "for=127.0.0.1"],
    ["X-Forwarded-Host", "evil.example"]
  ],
  "words for peers that have no address": [
    ["X-Forwarded-For", "unix:"],
    ["Forwarded", "for=unix"]
  ]
}

const tell = ({ client, headers, rootPath, scheme }: HttpScope | SseScope | WebSocketScope): string =>
  `${client?.[0] ?? "nobody"} ${scheme} ${headers.find(([name]) => name === "host")?.[1]} "${rootPath}"`

/** Says who its client is, in answers, in the first event of a stream, and in the first message of a session. */
const application = PagiApp.make({
  http: (scope, _receive, send) =>
    Effect.andThen(
      send({ type: "http.response.start", status: 200 }),
      send({ type: "http.response.body", body: tell(scope) })
    ),
  sse: (scope, _receive, send) =>
    Effect.andThen(send({ type: "sse.start" }), send({ type: "sse.send", data: tell(scope) })),
  websocket: Effect.fnUntraced(function* (scope, receive, send) {
    yield* receive
    yield* send({ type: "websocket.accept" })
    yield* send({ type: "websocket.send", text: tell(scope) })
    yield* send({ type: "websocket.close" })
  })
})

const textOf = (lines: Lines): string => lines.map(([name, value]) => `${name}: ${value}\r\n`).join("")

const askOn = (client: Client, lines: Lines, more = "") => {
  client.send(requestText("/", `${textOf(lines)}${more}connection: close\r\n`))
  return Effect.map(client.closed, () => client.text)
}

const asObject = (lines: Lines): Record<string, Array<string>> => {
  const fields: Record<string, Array<string>> = {}
  for (const [name, value] of lines) (fields[name.toLowerCase()] ??= []).push(value)
  return fields
}

const overHttp2 = (port: number, lines: Lines, accept = "*/*") =>
  Effect.promise(
    () =>
      new Promise<string>((resolve, reject) => {
        const session = connectHttp2(`http://127.0.0.1:${port}`)
        session.on("error", reject)
        const request = session.request({ ...asObject(lines), ":authority": "test", ":path": "/", accept })
        let text = ""
        request.setEncoding("utf8").on("data", (piece: string) => (text += piece))
        request.on("error", reject)
        request.on("end", () => {
          session.close()
          resolve(text)
        })
      })
  )

const overWebSocket = (port: number, lines: Lines) =>
  Effect.gen(function* () {
    const headers = { ...asObject(lines), host: "test" }
    const client = yield* connectWebSocket(`ws://127.0.0.1:${port}/`, { headers })
    yield* client.ended
    return String(client.messages[0])
  })

const overHttp2WebSocket = (port: number, lines: Lines) =>
  Effect.gen(function* () {
    const session = yield* openSession(tcpTarget(port))
    let isOffered = false
    session.on("remoteSettings", ({ enableConnectProtocol }) => {
      isOffered = enableConnectProtocol === true
    })
    yield* until("WebSockets are offered", () => isOffered)
    const socket = new Http2WebSocket(session, asObject(lines))
    yield* socket.received(1)
    const text = String(socket.messages[0])
    yield* socket.serverClosed
    socket.sendClose()
    // The server would linger for it otherwise.
    socket.stream.end()
    yield* socket.closed
    return text
  })

/** Every way in, with the text that is told there. */
const ways: Readonly<Record<string, (port: number, lines: Lines) => Effect.Effect<string, string, never>>> = {
  "HTTP/1.1": (port, lines) => Effect.scoped(Effect.flatMap(open(port), (client) => askOn(client, lines))),
  "events in HTTP/1.1": (port, lines) =>
    Effect.scoped(Effect.flatMap(open(port), (client) => askOn(client, lines, "accept: text/event-stream\r\n"))),
  "HTTP/2": (port, lines) => overHttp2(port, lines),
  "events in HTTP/2": (port, lines) => overHttp2(port, lines, "text/event-stream"),
  WebSocket: (port, lines) => Effect.scoped(overWebSocket(port, lines)),
  "WebSocket in HTTP/2": (port, lines) => Effect.scoped(overHttp2WebSocket(port, lines))
}

const servers: Readonly<Record<string, Input>> = {
  "nobody is trusted": {},
  "others are trusted": { trustedProxies: ["10.0.0.0/8", "127.0.0.2", "::1", "unix"] },
  "others are trusted, with ids": { trustedProxies: ["10.0.0.0/8", "unix"], requestId: "trust" }
}

describe.each(Object.entries(servers))("where %s", (_, options) => {
  it.live("no client is anybody else, whatever it sends, nor for observers and in the access log", () =>
    Effect.gen(function* () {
      const accessLog = join(yield* temporaryFolder, "access.log")
      const told: Array<string | undefined> = []
      const observer: Observer = { exchangeEnded: ({ client, secure }) => told.push(secure ? "secure" : client?.[0]) }
      const { close, port } = yield* serve(application, { ...options, accessLog, accessLogFormat: "%h" }).pipe(
        Effect.provideService(Observer, observer)
      )
      for (const [name, lines] of Object.entries(forged)) {
        for (const [way, ask] of Object.entries(ways)) {
          const scheme = way.startsWith("WebSocket") ? "ws" : "http"
          assert.include(yield* ask(port, lines), `127.0.0.1 ${scheme} test ""`, `${name}, ${way}`)
        }
      }
      yield* close
      const count = Object.keys(forged).length * Object.keys(ways).length
      assert.deepStrictEqual(
        told,
        Array.from({ length: count }, () => "127.0.0.1")
      )
      assert.strictEqual(readFileSync(accessLog, "utf8"), "127.0.0.1\n".repeat(count))
    })
  )
})

it.live("a field that is folded, or whose name ends with a blank, is refused", () =>
  Effect.gen(function* () {
    const { port } = yield* serve(application, { trustedProxies: ["127.0.0.1"] })
    for (const lines of [
      "X-Forwarded-For: 6.6.6.6,\r\n 6.6.6.6\r\n",
      "X-Forwarded-For : 6.6.6.6\r\n",
      "X-Forwarded-For\t: 6.6.6.6\r\n",
      " X-Forwarded-For: 6.6.6.6\r\n",
      "X-Forwarded-For: 6.6.6.6\nForwarded: for=6.6.6.6\r\n"
    ]) {
      const client = yield* open(port)
      client.send(requestText("/", lines))
      yield* client.closed
      assert.deepStrictEqual(client.statuses, [400], JSON.stringify(lines))
    }
  })
)

describe("behind a trusted proxy, which passes on what clients send and appends to it,", () => {
  /** What it writes behind everything else; it sets the others. */
  const appended: Lines = [
    ["X-Forwarded-For", "192.0.2.7"],
    ["X-Forwarded-Proto", "https"],
    ["X-Forwarded-Host", "example.org"]
  ]
  const isPrefix = (lines: Lines) => lines.some(([name]) => /prefix|port/i.test(name))

  it.live("the client is the one that it names", () =>
    Effect.gen(function* () {
      const path = join(yield* temporaryFolder, "app.sock")
      const { server } = yield* serve(application, {
        listen: ["127.0.0.1:0", path],
        trustedProxies: ["127.0.0.1", "unix"],
        trustedFields: ["for", "proto", "host"]
      })
      for (const [name, lines] of Object.entries(forged)) {
        const all = [...lines, ...appended]
        for (const [way, ask] of Object.entries(ways)) {
          const scheme = way.startsWith("WebSocket") ? "wss" : "https"
          const expected = `192.0.2.7 ${scheme} example.org ""`
          assert.include(yield* ask(server.port, all), expected, `${name}, ${way}`)
        }
        assert.include(yield* askOn(yield* openUnix(path), all), '192.0.2.7 https example.org ""', name)
      }
    })
  )

  it.live("the fields that it does not name are the client's, unless trustedFields says so", () =>
    Effect.gen(function* () {
      const { port } = yield* serve(application, { trustedProxies: ["127.0.0.1"] })
      const lines = Object.values(forged).find(isPrefix) ?? []
      const text = yield* askOn(yield* open(port), [...lines, ...appended])
      assert.include(text, '192.0.2.7 https example.org:666 "/evil"')
    })
  )
})
