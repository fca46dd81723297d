/** Programs that cannot be interrupted, and go on for a client that has left: what they send there comes to an end. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import type * as Socket from "effect/socket/Socket"
import * as Stream from "effect/Stream"
import { type Program, Requests, serve, versions, withLog, withRequest } from "../support/HttpPrograms.ts"
import { openSession } from "../support/HttpSuiteClient.ts"
import { Http2WebSocket } from "../support/Http2WebSocket.ts"
import { until } from "../support/Until.ts"
import { connect } from "../support/WebSocketClient.ts"

const endless = Stream.forever(Stream.make(new Uint8Array(1000)))

type Write = Socket.Writer["write"]

/** Sends to its client, whatever happens, and tells how that ends. */
const writer = (run: (write: Write) => Effect.Effect<unknown, Socket.SocketError>) => {
  const exits: Array<Exit.Exit<unknown, Socket.SocketError>> = []
  const program: Program = withRequest(({ upgrade }) =>
    Effect.scoped(
      Effect.gen(function* () {
        const socket = yield* upgrade
        yield* socket.reader
        const { write } = yield* socket.writer
        yield* Effect.onExit(run(write), (exit) => Effect.sync(() => exits.push(exit)))
      })
    ).pipe(Effect.ignore, Effect.as(HttpServerResponse.empty()), Effect.uninterruptible)
  )
  return { exits, program }
}

const reasonOf = (exit: Exit.Exit<unknown, Socket.SocketError> | undefined) => {
  if (exit === undefined || Exit.isSuccess(exit)) return exit?._tag
  const [reason] = exit.cause.reasons
  return reason?._tag === "Fail" ? reason.error.reason._tag : reason?._tag
}

const ticking = (write: Write) => Effect.forever(Effect.andThen(write("tick"), Effect.sleep(1)))

const options = { server: { disconnectGrace: "200 millis" } } as const

describe("a program that only writes to a WebSocket, and cannot be interrupted,", () => {
  for (const [how, run] of [
    ["one message after the other", (write: Write) => Effect.forever(write("tick"))],
    ["now and then", ticking],
    ["in a fiber of its own", (write: Write) => Effect.raceFirst(ticking(write), Effect.never)]
  ] as const) {
    for (const ending of ["terminate", "close"] as const) {
      it.live(`${how}, ends when its client has left by ${ending}`, () =>
        Effect.gen(function* () {
          const { exits, program } = writer(run)
          const { target } = yield* serve({ version: "1.1", over: "TCP" }, program, options)
          const port = "port" in target.address ? target.address.port : 0
          const client = yield* connect(`ws://127.0.0.1:${port}/ws`)
          yield* client.received(3)
          client.socket[ending]()
          yield* until("the program ends", () => exits.length === 1)
          assert.strictEqual(reasonOf(exits[0]), "SocketCloseError")
        })
      )
    }
  }

  it.live("ends over HTTP/2 too", () =>
    Effect.gen(function* () {
      const { exits, program } = writer(ticking)
      const { target } = yield* serve({ version: "2", over: "TCP" }, program, options)
      const connection = yield* openSession(target)
      yield* until("WebSockets are offered", () => connection.remoteSettings?.enableConnectProtocol === true)
      const client = new Http2WebSocket(connection)
      yield* client.received(3)
      connection.destroy()
      yield* until("the program ends", () => exits.length === 1)
      assert.strictEqual(reasonOf(exits[0]), "SocketCloseError")
    })
  )
})

describe.each(versions)(
  "a program that streams to a client of HTTP/$version over $over, and cannot be interrupted,",
  (way) => {
    for (const [what, pieces] of [
      ["waits between its pieces", Stream.tap(endless, () => Effect.sleep(1))],
      ["has always a piece", endless],
      [
        "makes each piece without interruption",
        Stream.mapEffect(endless, (piece) => Effect.uninterruptible(Effect.delay(Effect.succeed(piece), 1)))
      ]
    ] as const) {
      it.live(`and ${what}, ends when its client has left`, () =>
        withLog(
          Effect.fnUntraced(function* (messages) {
            const requests = new Requests()
            let finalized = 0
            const content = Stream.ensuring(
              pieces,
              Effect.sync(() => finalized++)
            )
            const routes = HttpRouter.add(
              "GET",
              "/",
              Effect.uninterruptible(Effect.succeed(HttpServerResponse.stream(content)))
            )
            const program = yield* HttpRouter.toHttpEffect(routes)
            const { client } = yield* requests.observe(serve(way, program))
            const exchange = client.begin({})
            yield* until("content comes", () => exchange.received > 10_000)
            exchange.abort()
            yield* until("the request is over", () => finalized === 1 && requests.ended === 1)
            assert.deepStrictEqual(messages, [])
          })
        )
      )
    }
  }
)
