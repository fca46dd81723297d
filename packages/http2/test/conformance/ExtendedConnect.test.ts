import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import { END_HEADERS, END_STREAM } from "../../src/protocol/frame/Flag.ts"
import { fails, hello, refusal, resets } from "../support/Conformance.ts"
import { echoApplication, echoProtocol } from "../support/EchoSession.ts"
import {
  assertAlive,
  establish,
  exchange,
  finish,
  type HarnessOptions,
  makeHarness,
  siteApplication,
  turn
} from "../support/Http2Harness.ts"
import {
  block,
  data,
  get,
  getFields,
  headers,
  lastData,
  opening,
  ping,
  reset,
  settings,
  trailers,
  windowUpdate
} from "../support/WireFrames.ts"

const connectFields = (...more: ReadonlyArray<string>): Array<string> => [
  ":method: CONNECT",
  ":protocol: websocket",
  ":scheme: https",
  ":path: /chat",
  ":authority: a.example",
  ...more
]

const connect = (streamId: number, ...more: ReadonlyArray<string>): string =>
  headers(streamId, block(...connectFields(...more)), END_HEADERS)

const accepted = "HEADERS 1 :status 200"
const malformed = [resets(1, "PROTOCOL_ERROR")]
const chunk = "DATA 1 16383 bytes"
const firstLine = (lines: ReadonlyArray<string>): string | undefined => lines[0]

const withEcho = () => {
  const protocol = echoProtocol()
  const options: HarnessOptions = { webSocket: protocol.webSocket }
  return { ...protocol, options }
}

describe("RFC 8441 §3 SETTINGS_ENABLE_CONNECT_PROTOCOL", () => {
  const announced = (title: string, application: typeof echoApplication, options: HarnessOptions, value: number) =>
    it.effect(title, () =>
      Effect.gen(function* () {
        const harness = yield* makeHarness(application, options)
        const peer = harness.connect()
        const lines = yield* exchange(peer, opening)
        assert.include(firstLine(lines), ` 8=${value}`)
        const answer = value === 1 ? [accepted] : malformed
        assert.deepStrictEqual(yield* exchange(peer, connect(1)), answer)
        yield* assertAlive(peer)
        yield* finish(harness, peer)
      })
    )
  announced("is 1 when there are WebSockets", echoApplication, withEcho().options, 1)
  announced("is 0 without the protocol", echoApplication, {}, 0)
  announced(
    "is 0 when the option says so",
    echoApplication,
    { ...withEcho().options, options: { h2EnableConnectProtocol: false } },
    0
  )
  announced("is 0 when the application has none", siteApplication, withEcho().options, 0)
})

/** What is sent on one connection, one turn for each element, and what comes back. */
const rule = (
  title: string,
  sends: ReadonlyArray<string>,
  expects: ReadonlyArray<string>,
  notes?: ReadonlyArray<string>
) =>
  it.effect(title, () =>
    Effect.gen(function* () {
      const { options, sessions } = withEcho()
      const harness = yield* makeHarness(echoApplication, options)
      const peer = yield* establish(harness)
      const lines: Array<string> = []
      for (const bytes of sends) lines.push(...(yield* exchange(peer, bytes)))
      assert.deepStrictEqual(lines, [...expects])
      if (notes !== undefined)
        assert.deepStrictEqual(
          sessions.flatMap((session) => session.notes),
          [...notes]
        )
      if (expects.at(-1) !== "end") yield* assertAlive(peer)
      yield* finish(harness, peer)
    })
  )

const without = (name: string): string =>
  headers(1, block(...connectFields().filter((field) => !field.startsWith(name))), END_HEADERS)

describe("RFC 8441 §4 the extended CONNECT", () => {
  rule("is accepted by 200", [connect(1)], [accepted])
  rule("without :scheme", [without(":scheme")], malformed)
  rule("without :path", [without(":path")], malformed)
  rule("without :authority", [without(":authority")], malformed)
  rule("without :method", [without(":method")], malformed)
  rule(":protocol twice", [headers(1, block(":protocol: websocket", ...connectFields()), END_HEADERS)], malformed)
  rule(
    ":protocol behind a regular field",
    [
      headers(
        1,
        block(...connectFields().filter((field) => field !== ":protocol: websocket"), "x-a: b", ":protocol: websocket"),
        END_HEADERS
      )
    ],
    malformed
  )
  rule(":protocol with another method", [headers(1, block(...getFields(), ":protocol: websocket"))], malformed)
  rule(
    "another protocol",
    [headers(1, block(...connectFields().map((field) => field.replace("websocket", "connect-udp"))), END_HEADERS)],
    [...refusal(501, "The only supported :protocol is websocket"), "RST_STREAM 1 NO_ERROR"]
  )
  rule("fields of the upgrade of HTTP/1.1", [connect(1, "upgrade: websocket")], malformed)
  rule(
    "a handshake that is refused",
    [connect(1, "x-refuse: yes")],
    [...refusal(426, "Another one, please", "; x-another yes"), "RST_STREAM 1 NO_ERROR"]
  )
  rule(
    "an application that refuses",
    [headers(1, block(...connectFields().map((field) => field.replace("/chat", "/denied"))), END_HEADERS)],
    ["HEADERS 1 END :status 403; content-length 0", "RST_STREAM 1 NO_ERROR"]
  )
})

describe("RFC 8441 §5 the tunnel", () => {
  rule("carries bytes both ways", [connect(1), data(1, "abc"), data(1, "def")], [accepted, "DATA 1 abc", "DATA 1 def"])
  // A session would limit the time that its client has to read them.
  rule("is not blocked by bytes that have left at once", [connect(1), data(1, "abc")], [accepted, "DATA 1 abc"], [])
  rule(
    "bytes right behind the request",
    [connect(1) + data(1, "abc") + data(1, "def")],
    [accepted, "DATA 1 abc", "DATA 1 def"]
  )
  rule("empty DATA is no end", [connect(1), data(1, ""), data(1, "x")], [accepted, "DATA 1 x"])
  rule(
    "END_STREAM ends it, and is answered",
    [connect(1), lastData(1, "abc")],
    [accepted, "DATA 1 abc", "DATA 1 END "],
    ["end", "closed undefined"]
  )
  rule(
    "END_STREAM on the request itself",
    [headers(1, block(...connectFields()), END_HEADERS | END_STREAM)],
    [accepted, "DATA 1 END "],
    ["end", "closed undefined"]
  )
  rule("RST_STREAM ends it at once", [connect(1), reset(1)], [accepted], ["closed client_closed"])
  rule("a stream error does", [connect(1), windowUpdate(1, 0)], [accepted, ...malformed], ["closed protocol_error"])
  rule(
    "a connection error does",
    [connect(1), windowUpdate(0, 0)],
    [accepted, ...fails(1, "PROTOCOL_ERROR")],
    ["closed protocol_error"]
  )
  rule(
    "trailers end it like END_STREAM",
    [connect(1), trailers(1)],
    [accepted, "DATA 1 END "],
    ["end", "closed undefined"]
  )
  rule(
    "HEADERS in it that do not end it",
    [connect(1), headers(1, block("x-a: b"), END_HEADERS)],
    [accepted, ...malformed]
  )
  rule(
    "shares the connection with requests",
    [connect(1), get(3) + data(1, "x") + ping()],
    [accepted, ...hello(3), "DATA 1 x", "PING ACK pingpong"]
  )
  rule(
    "obeys windows",
    [settings([4, 2]), connect(1), data(1, "abc"), windowUpdate(1, 1)],
    ["SETTINGS ACK", accepted, "DATA 1 ab", "DATA 1 c"],
    ["blocked", "drained"]
  )
  rule(
    "gives windows back",
    [connect(1), ...Array.from({ length: 4 }, () => data(1, "x".repeat(16_383)))],
    [accepted, chunk, chunk, "WINDOW_UPDATE 1 49149", chunk, chunk]
  )
})

describe("a connection whose last stream is a tunnel", () => {
  const ended = (
    title: string,
    prepare: (harness: Effect.Success<ReturnType<typeof makeHarness>>) => Effect.Effect<void>,
    seconds: number
  ) =>
    it.effect(title, () =>
      Effect.gen(function* () {
        const { options, sessions } = withEcho()
        const harness = yield* makeHarness(echoApplication, { ...options, options: { timeout: "5 seconds" } })
        const peer = yield* establish(harness)
        yield* exchange(peer, connect(1))
        yield* prepare(harness)
        sessions[0]?.connection.transport.destroy()
        yield* turn
        assert.include(peer.lines(), resets(1, "CANCEL"))
        yield* TestClock.adjust(`${seconds} seconds`)
        assert.notStrictEqual(peer.transport.ending, "open")
        yield* finish(harness, peer)
      })
    )
  ended("is idle when the session has ended it", () => Effect.void, 6)
  ended(
    "closes then, when it drains",
    (harness) =>
      Effect.andThen(
        Effect.sync(() => harness.server.registry.drain()),
        TestClock.adjust("2 seconds")
      ),
    4
  )
})

it.effect("a session counts as a connection of its own for observers, from its acceptance to its end", () =>
  Effect.gen(function* () {
    const harness = yield* makeHarness(echoApplication, withEcho().options)
    const peer = yield* establish(harness)
    yield* exchange(peer, connect(1))
    const begun = ["opened", "started CONNECT /chat", "application", "opened"]
    assert.deepStrictEqual(harness.events, begun)
    yield* exchange(peer, lastData(1, ""))
    assert.deepStrictEqual(harness.events, [...begun, "ended CONNECT /chat 200 complete", "closed websocket complete"])
    yield* finish(harness, peer)
    assert.strictEqual(harness.events.at(-1), "closed h2 client_closed")
  })
)
