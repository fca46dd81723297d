import { assert, describe, it } from "@effect/vitest"
import type { HttpHandler } from "@pagi/core/PagiApp"
import * as Effect from "effect/Effect"
import { connect, random, range } from "./support/Http2Session.ts"
import { echo } from "./support/HttpSuite.ts"
import { fetch, type HttpClient, type HttpExchange } from "./support/HttpSuiteClient.ts"
import { answer } from "./support/Server.ts"
import { endless, mebibyte, pattern, settled } from "./support/Traffic.ts"
import { turns, until } from "./support/Until.ts"

/** Cuts bytes into pieces of random lengths. */
const cut = (bytes: Uint8Array, below: (limit: number) => number): ReadonlyArray<Uint8Array> => {
  const pieces: Array<Uint8Array> = []
  for (let start = 0; start < bytes.length;) {
    const length = 1 + below(below(2) === 0 ? 200 : 40_000)
    pieces.push(bytes.subarray(start, start + length))
    start += length
  }
  return pieces
}

/** Reads with random pauses until the end. */
const readHesitantly = (exchange: HttpExchange, below: (limit: number) => number) =>
  Effect.gen(function* () {
    while (exchange.outcome === undefined) {
      if (below(3) === 0) {
        exchange.pause()
        yield* turns(below(20))
        exchange.resume()
      }
      yield* turns(1 + below(20))
    }
  })

/** Echoes with pauses of its own. */
const hesitantEcho: HttpHandler<unknown> = Effect.fnUntraced(function* (scope, receive, send) {
  const below = random(Number(scope.queryString))
  yield* send({ type: "http.response.start", status: 200 })
  for (let more = true; more;) {
    if (below(4) === 0) yield* turns(below(10))
    const event = yield* receive
    if (event.type === "http.disconnect") return
    more = event.more
    yield* send({ type: "http.response.body", body: event.body, more })
  }
})

const echoMany = (client: HttpClient, count: number, largest: number) =>
  Effect.forEach(
    range(count),
    Effect.fnUntraced(function* (seed) {
      const below = random(seed)
      const content = pattern(below(below(4) === 0 ? largest : 2000), seed)
      const exchange = client.begin({ method: "POST", path: `/?${seed}`, content: cut(content, below) })
      yield* readHesitantly(exchange, below)
      assert.deepStrictEqual([exchange.status, exchange.outcome], [200, "complete"], `${seed}`)
      assert.isTrue(exchange.content.equals(content), `${seed}`)
    }),
    { concurrency: 60, discard: true }
  )

describe("many streams of Node's client", () => {
  for (const over of ["TCP", "TLS"] as const) {
    it.live(`echo what is sent in pieces and with pauses, over ${over}`, () =>
      Effect.gen(function* () {
        const { client, server } = yield* connect(hesitantEcho, { over })
        yield* echoMany(client, 300, 400_000)
        assert.strictEqual(yield* server.server.connectionCount, 1)
      })
    )
  }

  for (const [name, options] of Object.entries({
    "of the server": { server: { h2InitialWindowSize: 100 } },
    "of the client": { client: { initialWindowSize: 100 } },
    "of both": { server: { h2InitialWindowSize: 1000 }, client: { initialWindowSize: 1000 } },
    "of the server in large frames": { server: { h2MaxFrameSize: 100_000, h2InitialWindowSize: 150_000 } },
    "of the client in large frames": { client: { maxFrameSize: 100_000, initialWindowSize: 150_000 } }
  })) {
    it.live(`echo through the windows ${name}`, () =>
      Effect.gen(function* () {
        const { client } = yield* connect(hesitantEcho, options)
        yield* echoMany(client, 60, 20_000)
      })
    )
  }

  it.live("are served one after the other beyond what may be open", () =>
    Effect.gen(function* () {
      let running = 0
      let most = 0
      const { client } = yield* connect(
        (scope, receive, send) =>
          Effect.gen(function* () {
            most = Math.max(most, ++running)
            yield* turns(5)
            running--
            yield* answer(scope.path)(scope, receive, send)
          }),
        { server: { h2MaxConcurrentStreams: 10 } }
      )
      // Node does not heed the limit before it has seen it.
      yield* fetch(client)
      const exchanges = yield* Effect.forEach(range(200), (index) => fetch(client, { path: `/${index}` }), {
        concurrency: "unbounded"
      })
      assert.deepStrictEqual(
        exchanges.map(({ text }) => text),
        range(200).map((index) => `/${index}`)
      )
      assert.isAtMost(most, 10)
    })
  )

  it.live("go one by one, 1000 of them, through the table of compressed fields", () =>
    Effect.gen(function* () {
      const { client } = yield* connect((scope, _receive, send) => {
        const headers = scope.headers.filter(([name]) => name.startsWith("x-"))
        return Effect.andThen(
          send({ type: "http.response.start", status: 200, headers }),
          send({ type: "http.response.body" })
        )
      })
      const below = random(7)
      for (let index = 0; index < 1000; index++) {
        const sent = { "x-same": "the same", [`x-${below(50)}`]: "v".repeat(below(300)), "x-number": String(index) }
        const { headers } = yield* fetch(client, { headers: sent })
        assert.deepInclude(headers, sent)
      }
    })
  )
})

describe("windows of Node's client", () => {
  it.live("that are shut at first let the head through, and content when they open", () =>
    Effect.gen(function* () {
      const content = pattern(200_000)
      const { client, session } = yield* connect(answer(content), { client: { initialWindowSize: 0 } })
      const exchange = client.begin({})
      const empty = client.begin({ method: "HEAD" })
      yield* empty.ended
      assert.strictEqual(empty.outcome, "complete")
      yield* exchange.started
      yield* turns(50)
      assert.strictEqual(exchange.received, 0)
      session.settings({ initialWindowSize: 30_000 })
      yield* exchange.ended
      assert.isTrue(exchange.content.equals(content))
    })
  )

  it.live("that become smaller in the middle of a response hold it up, and lose nothing", () =>
    Effect.gen(function* () {
      const content = pattern(3 * mebibyte)
      const { client, session } = yield* connect(answer(content), { client: { initialWindowSize: 60_000 } })
      const exchange = client.begin({})
      for (const initialWindowSize of [1000, 20_000, 10, 65_535]) {
        const before = exchange.received
        yield* until("more arrives", () => exchange.received > before + 100_000)
        session.settings({ initialWindowSize })
      }
      yield* exchange.ended
      assert.isTrue(exchange.content.equals(content))
    })
  )

  it.live("of a stream that is not read do not keep others from going on", () =>
    Effect.gen(function* () {
      const { handler, sent } = endless(pattern(10_000))
      const content = pattern(mebibyte)
      const { client, session } = yield* connect(
        (scope, receive, send) =>
          scope.path === "/endless" ? handler(scope, receive, send) : answer(content)(scope, receive, send),
        { client: { initialWindowSize: 20_000 } }
      )
      const stuck = range(2).map(() => client.begin({ path: "/endless" }))
      for (const exchange of stuck) {
        yield* exchange.started
        exchange.pause()
      }
      yield* settled("the number of sent pieces", () => sent.pieces)
      // Beyond the high mark by one piece, and what the window and the connection have taken.
      assert.isAtMost(sent.pieces * 10_000, 2 * (65_536 + 10_000 + 200_000))
      for (let time = 0; time < 5; time++) {
        assert.isTrue((yield* fetch(client)).content.equals(content))
      }
      const before = sent.pieces
      for (const exchange of stuck) exchange.resume()
      yield* until("they go on", () => sent.pieces > before + 200)
      assert.isFalse(session.closed)
    })
  )

  it.live("of the server limit what is taken of uploads that the application does not receive", () =>
    Effect.gen(function* () {
      const { client, server } = yield* connect(
        (scope, receive, send) =>
          scope.path === "/ignore" ? scope.connection.disconnected : echo(scope, receive, send),
        { server: { maxBodySize: 0 } }
      )
      const before = process.memoryUsage().arrayBuffers
      // Node refuses further streams when 10 MB wait in a session.
      const endlessContent = range(20).map(() => pattern(mebibyte / 2))
      const uploads = range(10).map(() => client.begin({ method: "POST", path: "/ignore", content: endlessContent }))
      yield* turns(500)
      // Ten windows of 64 KiB, and for each a piece that the client has begun to send.
      assert.isBelow(process.memoryUsage().arrayBuffers - before, 32 * mebibyte)
      const content = pattern(300_000)
      assert.isTrue((yield* fetch(client, { method: "POST", content })).content.equals(content))
      for (const upload of uploads) upload.abort()
      assert.isTrue((yield* fetch(client, { method: "POST", content })).content.equals(content))
      assert.strictEqual(yield* server.server.connectionCount, 1)
    })
  )
})

describe("a client of Node's that leaves", () => {
  it.live("streams at random times has each application told, and the connection serves on", () =>
    Effect.gen(function* () {
      const count = 300
      const reasons: Array<string> = []
      let begun = 0
      const { handler } = endless(pattern(5000))
      const { client, server } = yield* connect(
        (scope, receive, send) => {
          if (scope.path === "/good") return answer("good")(scope, receive, send)
          begun++
          scope.connection.onDisconnect((reason) => reasons.push(reason))
          return scope.path === "/wait" ? scope.connection.disconnected : handler(scope, receive, send)
        },
        { server: { h2ResetBurst: 1000 } }
      )
      yield* Effect.forEach(
        range(count),
        Effect.fnUntraced(function* (seed) {
          const below = random(seed)
          const exchange = client.begin({ path: below(2) === 0 ? "/wait" : "/endless" })
          yield* turns(below(40))
          exchange.abort()
          yield* exchange.ended
        }),
        { concurrency: 50, discard: true }
      )
      assert.strictEqual((yield* fetch(client, { path: "/good" })).text, "good")
      yield* until("every application is told", () => reasons.length === begun)
      assert.isAbove(begun, count / 4)
      assert.deepStrictEqual([...new Set(reasons)], ["client_closed"])
      assert.strictEqual(yield* server.server.connectionCount, 1)
    })
  )

  it.live("the whole connection has all applications told", () =>
    Effect.gen(function* () {
      const reasons: Array<string> = []
      let begun = 0
      const { client, server, session } = yield* connect((scope) => {
        begun++
        return Effect.map(scope.connection.disconnected, (reason) => reasons.push(reason))
      })
      for (const _ of range(20)) client.begin({})
      yield* until("all run", () => begun === 20)
      session.destroy()
      yield* until("all are told", () => reasons.length === 20)
      assert.deepStrictEqual([...new Set(reasons)], ["client_closed"])
      yield* until("the connection is gone", () => Effect.runSync(server.server.connectionCount) === 0)
    })
  )

  it.live("by GOAWAY gets its last responses, and the connection closes", () =>
    Effect.gen(function* () {
      const { client, server, session } = yield* connect(answer(pattern(mebibyte)))
      const exchanges = range(10).map(() => client.begin({}))
      for (const exchange of exchanges) yield* exchange.started
      session.close()
      for (const exchange of exchanges) {
        yield* exchange.ended
        assert.deepStrictEqual([exchange.outcome, exchange.received], ["complete", mebibyte])
      }
      yield* until("the session closes", () => session.destroyed)
      yield* until("the connection is gone", () => Effect.runSync(server.server.connectionCount) === 0)
    })
  )
})
