import { assert, describe, it } from "@effect/vitest"
import type { ConnectionEnd } from "@pagi/core/observe/ConnectionEnd"
import type { Input } from "@pagi/core/ServerOptions"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import * as FrameType from "../../src/protocol/frame/FrameType.ts"
import { CANCEL } from "../../src/protocol/wire/ErrorCode.ts"
import { last, piece, readBody, recorded, respond, start } from "@pagi/core/test/drivers/support/Applications"
import { finish, type Harness, makeHarness, turn } from "./support/DriverHarness.ts"
import type { Peer } from "./support/Peer.ts"

const options: Input = {
  bodyTimeout: "2 seconds",
  disconnectGrace: "1 second",
  h2MaxConcurrentStreams: 3,
  h2MaxHeaderListSize: 1000,
  h2ResetBurst: 2,
  h2ResetRate: 1,
  headersTimeout: "1 second",
  maxBodySize: 5,
  requestTimeout: "3 seconds",
  timeout: "4 seconds",
  writeTimeout: "5 seconds"
}

/** Ends in the way that the path names. */
const { application } = recorded<unknown>((scope, receive, send) => {
  switch (scope.path) {
    case "/never":
      return Effect.never
    case "/read":
      return Effect.andThen(readBody(receive), respond(send, "read"))
    case "/big":
      return Effect.all([send(start()), send(piece("x".repeat(200_000))), send(last())])
    default:
      return respond(send, "ok")
  }
})

const post = { method: "POST", path: "/read", more: true } as const
const never = { path: "/never" } as const

interface Case {
  readonly what: string
  readonly act: (peer: Peer, harness: Harness) => void
  /** Between the beginning and the end of the connection. */
  readonly events: ReadonlyArray<string>
  /** Why the connection ends; `client_closed` unless given. */
  readonly reason?: ConnectionEnd
  readonly options?: Input
}

const cases: ReadonlyArray<Case> = [
  {
    what: "a request that is malformed",
    act: (peer) => void peer.request({ fields: [["Upper", "x"]] }),
    events: ["reset by server", "error malformed-request", "started -", "ended - 499 protocol_error"]
  },
  {
    what: "requests that are refused",
    act: (peer) => {
      peer.request({ path: "/%00" })
      peer.request({ fields: [["x", "y".repeat(1200)]] })
    },
    events: [
      "started -",
      "error request-refused",
      "ended - 400 protocol_error",
      "started -",
      "limit h2MaxHeaderListSize",
      "ended - 431 protocol_error"
    ]
  },
  {
    what: "content that is too large by what it announces",
    act: (peer) => void peer.request({ ...post, fields: [["content-length", "6"]] }),
    events: ["started POST /read", "limit maxBodySize", "ended POST /read 413 body_too_large"]
  },
  {
    what: "a rule that is broken on a stream, and one on a stream that is not open any more",
    act: (peer) => {
      peer.end(peer.request({ ...post, fields: [["content-length", "3"]] }))
      peer.headers(peer.request(), [["x", "y"]], true)
    },
    events: [
      "started POST /read",
      "application",
      "reset by server",
      "error content-length-mismatch",
      "ended POST /read 499 protocol_error",
      "started GET /",
      "application",
      "ended GET / 200 complete",
      "error stream-closed"
    ],
    reason: "protocol_error"
  },
  {
    what: "a rule that is broken on the connection",
    act: (peer) => {
      peer.request(never)
      peer.frame(FrameType.DATA, 0, 0)
    },
    events: ["started GET /never", "application", "error missing-stream-id", "ended GET /never 499 protocol_error"],
    reason: "protocol_error"
  },
  {
    what: "more streams than there may be",
    act: (peer) => {
      for (let count = 0; count < 4; count++) peer.request(never)
    },
    events: [
      ...Array.from({ length: 3 }, () => ["started GET /never", "application"]).flat(),
      "reset by server",
      "limit h2MaxConcurrentStreams",
      ...Array.from({ length: 3 }, () => "ended GET /never 499 client_closed")
    ]
  },
  {
    what: "more resets than there may be",
    act: (peer) => {
      for (let count = 0; count < 3; count++) peer.reset(peer.request(never), CANCEL)
    },
    events: [
      ...Array.from({ length: 2 }, () => [
        "started GET /never",
        "application",
        "reset by client",
        "ended GET /never 499 client_closed"
      ]).flat(),
      "started GET /never",
      "application",
      "limit h2ResetRate",
      "ended GET /never 499 protocol_error"
    ],
    reason: "limit"
  }
]

/** What happens when nothing happens any more. */
const times: ReadonlyArray<Case> = [
  { what: "a connection that is idle, which is no limit", act: () => {}, events: [], reason: "idle_timeout" },
  {
    what: "a frame that does not come to its end",
    act: (peer) => peer.transport.push("\0\0\u0008"),
    events: ["limit headersTimeout"],
    reason: "limit"
  },
  {
    what: "windows that stay shut",
    act: (peer) => void peer.request({ path: "/big" }),
    events: [
      "started GET /big",
      "application",
      "suspended",
      "limit writeTimeout",
      "reset by server",
      "ended GET /big 200 write_timeout"
    ],
    reason: "idle_timeout",
    options: { bodyTimeout: 0, requestTimeout: 0 }
  }
]

const check = ({ act, events, options: custom = {}, reason = "client_closed" }: Case, seconds: number) =>
  Effect.gen(function* () {
    const harness = yield* makeHarness(application, { options: { ...options, ...custom } })
    const peer = harness.connect()
    act(peer, harness)
    yield* turn
    yield* TestClock.adjust(seconds * 1000)
    peer.readAll()
    peer.transport.fail()
    yield* TestClock.adjust("2 seconds")
    yield* turn
    yield* finish(harness)
    assert.deepStrictEqual(harness.events, ["opened", ...events, `closed h2 ${reason}`])
  })

describe("an observer is told, in order and once, of", () => {
  for (const one of cases) it.effect(one.what, () => check(one, 0))
  for (const one of times) it.effect(`time limits: ${one.what}`, () => check(one, 20))

  it.effect("settings that are not acknowledged", () =>
    Effect.gen(function* () {
      const harness = yield* makeHarness(application, { options: { ...options, timeout: 0 } })
      const peer = harness.accept()
      peer.transport.push("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
      peer.settings([])
      yield* TestClock.adjust("20 seconds")
      yield* finish(harness, peer)
      assert.deepStrictEqual(harness.events, ["opened", "error settings-timeout", "closed h2 protocol_error"])
    })
  )
})
