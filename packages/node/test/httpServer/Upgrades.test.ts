/** WebSockets by Effect's `HttpServerRequest.upgrade`. */
import { assert, describe, it } from "@effect/vitest"
import type * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as HttpMiddleware from "effect/http/HttpMiddleware"
import { ClientAbort } from "effect/http/HttpServerError"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Latch from "effect/Latch"
import * as Socket from "effect/socket/Socket"
import {
  listen,
  type Listening,
  type Program,
  Requests,
  serve,
  serveOn,
  type ServeOptions,
  withLog,
  withRequest
} from "../support/HttpPrograms.ts"
import { openSession } from "../support/HttpSuiteClient.ts"
import { Http2WebSocket } from "../support/Http2WebSocket.ts"
import { takesLess } from "../support/Pace.ts"
import { settled } from "../support/Traffic.ts"
import { turns, until } from "../support/Until.ts"
import { type ClientOptions, connect, connectTls } from "../support/WebSocketClient.ts"

const { empty, text } = HttpServerResponse

const tcp = { version: "1.1", over: "TCP" } as const

const portOf = ({ target }: Pick<Listening, "target">): number => ("port" in target.address ? target.address.port : 0)

/** Runs a session, and answers as programs do behind it. */
const session = <E, R>(
  run: (pull: Socket.Reader["pull"], write: Socket.Writer["write"]) => Effect.Effect<unknown, E, R>
): Program =>
  withRequest(({ upgrade }) =>
    Effect.scoped(
      Effect.gen(function* () {
        const socket = yield* upgrade
        const { pull } = yield* socket.reader
        const { write } = yield* socket.writer
        yield* run(pull, write) as Effect.Effect<unknown, E> // Sessions of these tests require nothing.
      })
    ).pipe(Effect.as(empty()))
  )

/** Sends everything back until the client leaves; tells how it did. */
const echo = (ends: Array<Socket.SocketError> = []) =>
  session((pull, write) =>
    Effect.catch(
      Effect.forever(Effect.flatMap(pull, (frames) => Effect.forEach(frames, write, { discard: true }))),
      (error: Socket.SocketError) => Effect.sync(() => ends.push(error))
    )
  )

const closeOf = ({ reason }: Socket.SocketError) =>
  reason._tag === "SocketCloseError" ? [reason.code, reason.closeReason ?? ""] : [reason._tag]

const start = (program: Program, options: ServeOptions & { readonly client?: ClientOptions } = {}) =>
  Effect.gen(function* () {
    const served = yield* serve(tcp, program, options)
    const open = (client: ClientOptions = options.client ?? {}) =>
      connect(`ws://127.0.0.1:${portOf(served)}/ws`, client)
    return { ...served, open }
  })

describe("a WebSocket", () => {
  it.live("is a socket of texts and bytes both ways", () =>
    Effect.gen(function* () {
      const { open } = yield* start(echo())
      const client = yield* open()
      yield* client.opened
      client.socket.send("Grün")
      client.socket.send(Buffer.from([0, 255]))
      client.socket.send("")
      yield* client.received(3)
      assert.deepStrictEqual(client.messages, ["Grün", Buffer.from([0, 255]), ""])
    })
  )

  it.live("goes over TLS", () =>
    Effect.gen(function* () {
      const served = yield* serve({ version: "1.1", over: "TLS" }, echo())
      const client = yield* connectTls(portOf(served))
      yield* client.opened
      client.socket.send("secret")
      yield* client.received(1)
      assert.deepStrictEqual(client.messages, ["secret"])
    })
  )

  it.live("goes over HTTP/2 (RFC 8441)", () =>
    Effect.gen(function* () {
      const ends: Array<Socket.SocketError> = []
      const { target } = yield* serve({ version: "2", over: "TCP" }, echo(ends))
      const connection = yield* openSession(target)
      let isOffered = false
      connection.on("remoteSettings", ({ enableConnectProtocol }) => {
        isOffered = enableConnectProtocol === true
      })
      yield* until("WebSockets are offered", () => isOffered)
      const client = new Http2WebSocket(connection)
      yield* client.opened
      client.send("by frames")
      yield* client.received(1)
      assert.deepStrictEqual(client.messages, ["by frames"])
      client.sendClose(4001, "enough")
      yield* until("the program is told", () => ends.length === 1)
      assert.deepStrictEqual(ends.map(closeOf), [[4001, "enough"]])
    })
  )

  it.live("is compressed for clients that offer it, if the server has it so", () =>
    Effect.gen(function* () {
      const { open } = yield* start(echo(), { server: { perMessageDeflate: true } })
      for (const [perMessageDeflate, extensions] of [
        [true, "permessage-deflate"],
        [false, ""]
      ] as const) {
        const client = yield* open({ perMessageDeflate })
        yield* client.opened
        assert.strictEqual(client.socket.extensions, extensions)
        client.socket.send("x".repeat(5000))
        yield* client.received(1)
        assert.deepStrictEqual(client.messages, ["x".repeat(5000)])
      }
    })
  )

  it.live("tells the program with what code the client has closed it, or that it was cut off", () =>
    Effect.gen(function* () {
      const ends: Array<Socket.SocketError> = []
      const { open } = yield* start(echo(ends))
      for (const leave of [
        (socket: { close: (code?: number, reason?: string) => void }) => socket.close(1000, "done"),
        (socket: { close: (code?: number, reason?: string) => void }) => socket.close(4321, "own"),
        (socket: { close: (code?: number, reason?: string) => void }) => socket.close(),
        (socket: { terminate: () => void }) => socket.terminate()
      ]) {
        const before = ends.length
        const client = yield* open()
        yield* client.opened
        leave(client.socket)
        yield* until("the program is told", () => ends.length > before)
      }
      assert.deepStrictEqual(
        ends.map((error) => closeOf(error)[0]),
        [1000, 4321, 1005, 1006]
      )
      assert.deepStrictEqual(ends.slice(0, 2).map(closeOf), [
        [1000, "done"],
        [4321, "own"]
      ])
    })
  )

  it.live("is closed with a code of the program's, or one that says how the program has ended", () =>
    withLog(() =>
      Effect.gen(function* () {
        for (const [run, code, reason] of [
          [session(() => Effect.void), 1000, ""],
          [session((_, write) => write(new Socket.CloseEvent(4567, "own"))), 4567, "own"],
          [session(() => Effect.fail("broken")), 1011, ""],
          [session(() => Effect.die(new Error("broken"))), 1011, ""],
          [session(() => Effect.interrupt), 1001, ""]
        ] as const) {
          const { open } = yield* start(run)
          const client = yield* open()
          yield* client.ended
          assert.deepStrictEqual(client.closed, { code, reason })
        }
      })
    )
  )

  it.live("has middleware see a 101, or the failure", () =>
    Effect.gen(function* () {
      const seen: Array<number | string> = []
      const middleware = HttpMiddleware.make((program) =>
        Effect.onExit(program, (exit) =>
          Effect.sync(() => seen.push(Exit.isSuccess(exit) ? exit.value.status : "failed"))
        )
      )
      const { open } = yield* start(
        session(() => Effect.void),
        { middleware }
      )
      yield* (yield* open()).ended
      yield* until("middleware sees it", () => seen.length === 1)
      assert.deepStrictEqual(seen, [101])
    })
  )

  it.live("is refused by an ordinary response, as long as nobody has taken it", () =>
    Effect.gen(function* () {
      for (const [program, status, body] of [
        [Effect.succeed(text("not here", { status: 403 })), 403, "not here"],
        [
          Effect.as(
            withRequest(({ upgrade }) => Effect.as(upgrade, text(""))),
            text("no", { status: 404 })
          ),
          404,
          "no"
        ],
        [Effect.fail("broken"), 500, ""]
      ] as const) {
        const { open } = yield* withLog(() => start(program))
        const client = yield* open()
        yield* client.refused
        assert.deepStrictEqual([client.refusal?.response.statusCode, client.refusal?.body], [status, body])
      }
    })
  )

  it.live("is answered with fields of the program's, and a subprotocol that it chooses", () =>
    Effect.gen(function* () {
      const program = withRequest((request) =>
        Effect.scoped(
          Effect.gen(function* () {
            const socket = yield* request.upgradeWith({ headers: { "x-own": "1", "sec-websocket-protocol": "b" } })
            yield* socket.reader
          })
        ).pipe(Effect.as(empty()))
      )
      const { open } = yield* start(program)
      const client = yield* open({ subprotocols: ["a", "b"] })
      const fields: Array<string | undefined> = []
      client.socket.on("upgrade", ({ headers }) => fields.push(String(headers["x-own"])))
      yield* client.ended
      assert.strictEqual(client.socket.protocol, "b")
      assert.deepStrictEqual(fields, ["1"])
    })
  )

  it.live("is none for an ordinary request, which is answered with 400", () =>
    Effect.gen(function* () {
      const { target } = yield* start(echo())
      const response = yield* Effect.promise(() => fetch(`http://127.0.0.1:${portOf({ target })}/ws`))
      assert.strictEqual(response.status, 400)
    })
  )

  it.live("is accepted when the reader is acquired, and what is written before waits for that", () =>
    Effect.gen(function* () {
      const go = Latch.makeUnsafe(false)
      let hasWritten = false
      const program = withRequest(({ upgrade }) =>
        Effect.scoped(
          Effect.gen(function* () {
            const socket = yield* upgrade
            const { write } = yield* socket.writer
            yield* Effect.forkScoped(
              Effect.andThen(
                write("early"),
                Effect.sync(() => {
                  hasWritten = true
                })
              ),
              { startImmediately: true }
            )
            yield* go.await
            yield* socket.reader
            yield* Effect.sleep(100)
          })
        ).pipe(Effect.as(empty()))
      )
      const { open } = yield* start(program)
      const client = yield* open()
      yield* turns(100)
      assert.isFalse(hasWritten)
      yield* go.open
      yield* client.received(1)
      assert.deepStrictEqual(client.messages, ["early"])
    })
  )

  it.live("is written no faster than the client reads", () =>
    Effect.gen(function* () {
      const piece = new Uint8Array(65_536)
      let written = 0
      const writing = (write: Socket.Writer["write"]) =>
        Effect.forever(
          Effect.andThen(
            write(piece),
            Effect.sync(() => written++)
          )
        )
      const { open } = yield* start(
        session((_, write) => Effect.interruptible(writing(write))),
        { server: { disconnectGrace: "100 millis" } }
      )
      const client = yield* open()
      yield* client.opened
      client.socket.pause()
      yield* settled("what is written", () => written)
      assert.isBelow(written, 200)
      const before = written
      client.socket.resume()
      yield* until("it goes on", () => written > before + 20)
    })
  )

  it.live("is read no faster than the program reads", () =>
    Effect.gen(function* () {
      const go = Latch.makeUnsafe(false)
      let received = 0
      const { open } = yield* start(
        session((pull) =>
          Effect.andThen(
            go.await,
            Effect.forever(
              Effect.map(pull, (frames) => {
                received += frames.length
              })
            )
          )
        ),
        { server: { maxReceiveQueue: 100 } }
      )
      const client = yield* open()
      yield* client.opened
      const piece = Buffer.alloc(65_536)
      for (let index = 0; index < 500; index++) client.socket.send(piece)
      yield* settled("what the client has not sent", () => client.socket.bufferedAmount)
      assert.isAbove(client.socket.bufferedAmount, 10_000_000)
      yield* go.open
      yield* until("all is received", () => received === 500)
    })
  )

  for (const [what, program] of [
    ["has not taken it yet", (run: Effect.Effect<never>) => run],
    [
      "has asked for it, but not for its reader",
      (run: Effect.Effect<never>) => withRequest(({ upgrade }) => Effect.andThen(upgrade, run))
    ]
  ] as const) {
    it.live(`whose client leaves while the program ${what} has that interrupted at once`, () =>
      Effect.gen(function* () {
        let begun = 0
        const exits: Array<Exit.Exit<unknown, unknown>> = []
        const run = Effect.suspend(() => {
          begun++
          return Effect.onExit(Effect.interruptible(Effect.never), (exit) => Effect.sync(() => exits.push(exit)))
        })
        const { open } = yield* start(program(run))
        const client = yield* open()
        yield* until("the program begins", () => begun === 1)
        client.socket.terminate()
        yield* takesLess(
          1000,
          until("the program ends", () => exits.length === 1)
        )
        const [exit] = exits
        const isAbort = (cause: Cause.Cause<unknown>) =>
          cause.reasons.some((reason) => reason._tag === "Interrupt" && reason.annotations.has(ClientAbort.key))
        assert.isTrue(exit !== undefined && Exit.isFailure(exit) && isAbort(exit.cause))
      })
    )
  }

  it.live("that comes before anything is served waits for that, and is forgotten when its client leaves", () =>
    Effect.gen(function* () {
      const paths: Array<string> = []
      const requests = new Requests()
      const listening = yield* requests.observe(listen(tcp))
      const url = `ws://127.0.0.1:${portOf(listening)}`
      const early = yield* connect(`${url}/early`)
      const stays = yield* connect(`${url}/stays`)
      yield* until("both handshakes have come", () => requests.begun === 2)
      early.socket.terminate()
      yield* until("the client of one has left", () => requests.ended === 1)
      yield* serveOn(
        listening,
        withRequest((request) =>
          Effect.suspend(() => {
            paths.push(request.url)
            return Effect.succeed(text("ordinary"))
          })
        )
      )
      yield* stays.refused
      assert.deepStrictEqual(paths, ["/stays"])
    })
  )

  it.live("is closed with 1001 when the server ends", () =>
    Effect.gen(function* () {
      const ends: Array<Socket.SocketError> = []
      const { close, open } = yield* start(echo(ends))
      const client = yield* open()
      yield* client.opened
      yield* close
      yield* client.ended
      assert.strictEqual(client.closed?.code, 1001)
    })
  )

  it.live("many come and go, and the server ends with none left", () =>
    Effect.gen(function* () {
      const ends: Array<Socket.SocketError> = []
      const { close, open } = yield* start(echo(ends))
      yield* Effect.forEach(
        Array.from({ length: 60 }, (_, index) => index),
        (index) =>
          Effect.gen(function* () {
            const client = yield* open()
            yield* client.opened
            client.socket.send(String(index))
            yield* client.received(1)
            assert.deepStrictEqual(client.messages, [String(index)])
            if (index % 2 === 0) client.socket.close()
            else client.socket.terminate()
          }),
        { concurrency: 20, discard: true }
      )
      yield* until("all have ended", () => ends.length === 60)
      yield* close
    })
  )
})
