import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { createHash } from "node:crypto"
import { bodyOf, fetchText, open, requestText } from "./support/Peer.ts"
import { type Server, serveFile } from "./support/Programs.ts"
import { until } from "./support/Until.ts"
import { connect } from "./support/WebSocketClient.ts"

const acceptStream = "Accept: text/event-stream\r\n"

/** Somebody who listens to the broadcaster. */
const listen = ({ port }: Server, headers = "") =>
  Effect.gen(function* () {
    const peer = (yield* open(port)).read()
    peer.send(requestText("/events", acceptStream + headers))
    yield* until(
      "the stream has started",
      Effect.sync(() => peer.text.includes("\r\n\r\n"))
    )
    const hears = (text: string) =>
      until(
        `${text} is heard`,
        Effect.sync(() => peer.text.includes(text))
      )
    const messages = () => [...peer.text.matchAll(/^data: (.*)$/gm)].map((line) => line[1])
    const lastEventId = () => [...peer.text.matchAll(/^id: (.*)$/gm)].at(-1)?.[1] ?? ""
    return { peer, hears, messages, lastEventId }
  })

const post = ({ url }: Server, body: string) =>
  Effect.promise(async () => {
    const response = await fetch(url("/messages"), { method: "POST", body })
    assert.strictEqual(response.status, 202, await response.text())
  })

describe("examples/04-websocket-echo.ts", () => {
  const serve = serveFile("examples/04-websocket-echo.ts")

  it.live("sends back text and bytes, and says goodbye when it is told to stop", () =>
    Effect.gen(function* () {
      const server = yield* serve
      const client = yield* connect(server, "/", ["first", "second"])
      assert.strictEqual(client.protocol, "first")
      client.send("Hello ä")
      client.send(new Uint8Array([0, 255]))
      client.send("")
      yield* client.receives(3)
      assert.deepStrictEqual(client.received, ["Hello ä", new Uint8Array([0, 255]).buffer, ""])
      const other = yield* connect(server, "/")
      assert.strictEqual(other.protocol, "")
      other.close()
      assert.deepStrictEqual(yield* other.closed, { code: 1005, reason: "" })
      assert.match(yield* fetchText(server.port, "/"), /^HTTP\/1\.1 426 /)
      yield* server.signal("SIGTERM")
      assert.deepStrictEqual(yield* client.closed, { code: 1001, reason: "The server stops. Goodbye!" })
      assert.deepStrictEqual(yield* server.result, { code: 0, signal: null }, server.output())
      assert.notInclude(server.output(), "ERROR")
    })
  )
})

describe("examples/05-sse-broadcaster.ts", () => {
  const serve = serveFile("examples/05-sse-broadcaster.ts")

  it.live("tells everyone who listens what is posted, and ends the streams when it is told to stop", () =>
    Effect.gen(function* () {
      const server = yield* serve
      const first = yield* listen(server)
      yield* post(server, "one")
      yield* first.hears("data: one\n")
      const second = yield* listen(server)
      yield* post(server, "two\nlines ä")
      for (const { hears } of [first, second]) yield* hears("data: two\ndata: lines \xc3\xa4\n\n")
      // Who comes for the first time gets what is posted from then on.
      assert.deepStrictEqual(second.messages(), ["two", "lines \xc3\xa4"])
      yield* server.signal("SIGTERM")
      assert.deepStrictEqual(yield* server.result, { code: 0, signal: null }, server.output())
      for (const { peer } of [first, second]) {
        yield* peer.closed
        assert.isTrue(peer.text.endsWith("\r\n0\r\n\r\n"))
      }
    })
  )

  it.live("repeats what somebody who comes again has missed", () =>
    Effect.gen(function* () {
      const server = yield* serve
      const first = yield* listen(server)
      for (const text of ["one", "two", "three"]) yield* post(server, text)
      yield* first.hears("data: three\n")
      const id = (/^id: (.*)\ndata: one$/m.exec(first.peer.text) ?? [])[1]
      const again = yield* listen(server, `Last-Event-ID: ${id}\r\n`)
      yield* again.hears("data: three\n")
      assert.deepStrictEqual(again.messages(), ["two", "three"])
      const upToDate = yield* listen(server, `Last-Event-ID: ${first.lastEventId()}\r\n`)
      const fromBefore = yield* listen(server, "Last-Event-ID: 1-999\r\n")
      yield* post(server, "four")
      for (const { hears } of [upToDate, fromBefore]) yield* hears("data: four\n")
      assert.deepStrictEqual(upToDate.messages(), ["four"])
      assert.deepStrictEqual(fromBefore.messages(), ["one", "two", "three", "four"])
    })
  )

  it.live("has a page for browsers, and nothing else", () =>
    Effect.gen(function* () {
      const server = yield* serve
      assert.include(bodyOf(yield* fetchText(server.port, "/")), `new EventSource("/events")`)
      assert.match(yield* fetchText(server.port, "/events"), /^HTTP\/1\.1 406 /)
      assert.match(yield* fetchText(server.port, "/missing"), /^HTTP\/1\.1 404 /)
      const peer = (yield* open(server.port)).read()
      peer.send(requestText("/missing", `${acceptStream}Connection: close\r\n`))
      yield* peer.closed
      assert.match(peer.text, /^HTTP\/1\.1 204 /)
    })
  )
})

describe("examples/07-fullflush.ts", () => {
  const firstLine = "This takes a moment"
  const end = "\r\n0\r\n\r\n"

  const serve = serveFile("examples/07-fullflush.ts")

  /** What there is when the first line has come. */
  const beginning = ({ port }: Server, path: string) =>
    Effect.gen(function* () {
      const peer = (yield* open(port)).read()
      peer.send(requestText(path))
      yield* until(
        "the first line has come",
        Effect.sync(() => peer.text.includes(firstLine))
      )
      const text = peer.text
      yield* until(
        "the response is complete",
        Effect.sync(() => peer.text.endsWith(end))
      )
      return text
    })

  const isAll = (text: string): boolean => text.includes("result")

  it.live("has the first line written before the work", () =>
    Effect.gen(function* () {
      const server = yield* serve
      // Once is proof. Whoever looks a second late finds everything, as on a machine that has other work.
      const text = yield* Effect.repeat(beginning(server, "/"), { while: isAll, times: 5 })
      assert.isFalse(isAll(text))
    })
  )

  it.live("or everything after it", () =>
    Effect.gen(function* () {
      assert.isTrue(isAll(yield* beginning(yield* serve, "/late")))
    })
  )
})

describe("examples/09-file-response.ts", () => {
  it.live("sends itself, a part of it, and a 404 that tells no path", () =>
    Effect.gen(function* () {
      const { port } = yield* serveFile("examples/09-file-response.ts")
      assert.include(yield* fetchText(port, "/"), "A response that is a file.")
      assert.strictEqual(bodyOf(yield* fetchText(port, "/?from=0&to=3")), "/**")
      const absent = yield* fetchText(port, "/absent")
      assert.match(absent, /^HTTP\/1\.1 404 /)
      assert.strictEqual(bodyOf(absent), "There is no such file.\n")
    })
  )
})

describe("examples/14-router-and-sse.ts", () => {
  const serve = serveFile("examples/14-router-and-sse.ts")

  it.live(
    "counts votes that come by a route and a WebSocket, tells of them by events, and reports them below a prefix",
    () =>
      Effect.gen(function* () {
        const server = yield* serve
        const { hears, peer } = yield* listen(server)
        yield* hears('data: {"tea":0,"coffee":0}')
        const voted = yield* Effect.promise(() => fetch(server.url("/votes/tea"), { method: "POST" }))
        assert.deepStrictEqual(yield* Effect.promise(() => voted.json()), { tea: 1, coffee: 0 })
        yield* hears('data: {"tea":1,"coffee":0}')
        const socket = yield* connect(server, "/vote")
        socket.send("coffee")
        yield* socket.receives(1)
        assert.deepStrictEqual(socket.received, ['{"tea":1,"coffee":1}'])
        yield* hears('data: {"tea":1,"coffee":1}')
        const report = yield* Effect.promise(() => fetch(server.url("/report")))
        assert.strictEqual(report.url, server.url("/report/votes.csv"))
        assert.strictEqual(yield* Effect.promise(() => report.text()), "choice,votes\r\ntea,1\r\ncoffee,1\r\n")
        assert.include(bodyOf(yield* fetchText(server.port, "/")), "Tea or coffee?")
        assert.match(yield* fetchText(server.port, "/votes/water"), /^HTTP\/1\.1 404 /)
        yield* server.signal("SIGTERM")
        assert.deepStrictEqual(yield* server.result, { code: 0, signal: null }, server.output())
        yield* peer.closed
        assert.isTrue(peer.text.endsWith("\r\n0\r\n\r\n"))
        assert.notInclude(server.output(), "ERROR")
      })
  )
})

describe("examples/13-hono", () => {
  const serve = serveFile("examples/13-hono/app.ts")
  const request = (url: string, init?: RequestInit) =>
    Effect.promise(async () => {
      const response = await fetch(url, init)
      return { status: response.status, headers: response.headers, text: await response.text() }
    })

  it.live("keeps what is posted, and tells those who watch", () =>
    Effect.gen(function* () {
      const server = yield* serve
      const watcher = yield* connect(server, "/entries")
      const form = (text: string) => ({ method: "POST", body: new URLSearchParams({ text }) })
      const entry = { id: 1, text: "Good day ä", from: "127.0.0.1" }
      const posted = yield* request(server.url("/entries"), form(entry.text))
      assert.deepStrictEqual([posted.status, JSON.parse(posted.text)], [201, entry])
      assert.strictEqual(posted.headers.get("location"), "/entries/1")
      yield* watcher.receives(1)
      assert.deepStrictEqual(watcher.received, [JSON.stringify(entry)])
      const listed = yield* request(server.url("/entries"))
      assert.deepStrictEqual(JSON.parse(listed.text), [entry])
      // What the framework's middleware adds.
      assert.deepStrictEqual(
        [listed.headers.get("x-entries"), listed.headers.get("x-content-type-options")],
        ["1", "nosniff"]
      )
      assert.strictEqual((yield* request(server.url("/entries/1"))).text, JSON.stringify(entry))
      assert.strictEqual((yield* request(server.url("/entries/2"))).status, 404)
      assert.strictEqual((yield* request(server.url("/entries"), form(""))).status, 422)
      assert.strictEqual((yield* request(server.url("/entries"), form("a".repeat(20_000)))).status, 413)
      yield* server.signal("SIGTERM")
      assert.deepStrictEqual(yield* watcher.closed, { code: 1001, reason: "" })
      assert.deepStrictEqual(yield* server.result, { code: 0, signal: null }, server.output())
      assert.notInclude(server.output(), "ERROR")
    })
  )

  it.live("streams in both directions", () =>
    Effect.gen(function* () {
      const server = yield* serve
      for (const text of ["one", "two"]) {
        yield* request(server.url("/entries"), { method: "POST", body: new URLSearchParams({ text }) })
      }
      assert.strictEqual((yield* request(server.url("/export"))).text, "1 one\n2 two\n")
      const body = new Uint8Array(5_000_000).map((_, index) => index)
      const { text } = yield* request(server.url("/digest"), { method: "PUT", body })
      assert.strictEqual(text, `${createHash("sha256").update(body).digest("hex")}\n`)
      assert.strictEqual((yield* request(server.url("/health"))).text, "ready\n")
    })
  )
})
