import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Effect from "effect/Effect"
import type * as EffectScope from "effect/Scope"
import type { AddressInfo } from "node:net"
import { WebSocketServer } from "ws"
import { type Client, open, requestText } from "./support/Client.ts"
import { frame, readFrames, type ServerFrame } from "./support/RawFrames.ts"
import { turns, until } from "./support/Until.ts"
import { connect, type WebSocketClient } from "./support/WebSocketClient.ts"
import {
  contentOf,
  integer,
  messages,
  oneOf,
  split,
  summarize,
  summaryOf,
  type TestMessage,
  toWire
} from "./support/WebSocketMessages.ts"
import { echo, serveWebSocket } from "./support/WebSocketServer.ts"

/** A failed run is repeated with the seed that it names. */
const seed = process.env["PAGI_TEST_SEED"]

/** An echo server, and what its application was told, by the path of the request. */
interface EchoServer {
  readonly port: number
  readonly received: Map<string, Array<string>>
}

const note = ({ received }: Pick<EchoServer, "received">, path: string, line: string): void => {
  const lines = received.get(path)
  if (lines === undefined) received.set(path, [line])
  else lines.push(line)
}

const maxMessageSize = 1_048_576

const serveOurs = (perMessageDeflate: boolean) =>
  Effect.gen(function* () {
    const received = new Map<string, Array<string>>()
    const handler = echo((event, path) => {
      if (event.type === "websocket.disconnect") note({ received }, path, `closed ${event.code}`)
      else if (event.type === "websocket.receive") {
        note({ received }, path, summarize(event.bytes === undefined, event.bytes ?? Buffer.from(event.text)))
      }
    })
    const { port } = yield* serveWebSocket(handler, { maxWsFrameSize: 0, perMessageDeflate })
    return { port, received }
  })

/** The same by the package `ws`, which is taken to be right. */
const serveReference = (perMessageDeflate: boolean): Effect.Effect<EchoServer, never, EffectScope.Scope> =>
  Effect.acquireRelease(
    Effect.callback<EchoServer & { readonly server: WebSocketServer }>((resume) => {
      const received = new Map<string, Array<string>>()
      const server = new WebSocketServer({ host: "127.0.0.1", port: 0, perMessageDeflate, maxPayload: maxMessageSize })
      server.on("connection", (socket, { url = "" }) => {
        socket.on("error", () => {})
        socket.on("message", (data: Buffer, isBinary) => {
          note({ received }, url, summarize(!isBinary, data))
          socket.send(data, { binary: isBinary })
        })
        socket.on("close", (code) => note({ received }, url, `closed ${code}`))
      })
      server.on("listening", () => {
        const { port } = server.address() as AddressInfo // What it listens on is TCP.
        resume(Effect.succeed({ server, port, received }))
      })
    }),
    ({ server }) => Effect.sync(() => server.close())
  )

/** What came of the bytes of a client. */
interface Outcome {
  readonly received: ReadonlyArray<string>
  readonly echoed: ReadonlyArray<string>
  readonly pongs: ReadonlyArray<string>
  readonly closeCode: number | undefined
}

const handshakeFields = [
  "Connection: Upgrade",
  "Upgrade: websocket",
  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
  "Sec-WebSocket-Version: 13"
]

/** What a client does in a session. */
interface Script {
  /** Each is sent in a turn of its own. */
  readonly pieces: ReadonlyArray<Buffer>
  /** Messages that have to come back before the client closes. */
  readonly echoes: number
  readonly close: Buffer
  readonly perMessageDeflate: boolean
}

/** Runs a session until the server has closed. */
const converse = (server: EchoServer, path: string, { close, echoes, perMessageDeflate, pieces }: Script) =>
  Effect.gen(function* () {
    const client = yield* open(server.port)
    const hasGrown = makeHasGrown()
    client.socket.setNoDelay(true)
    const fields = perMessageDeflate
      ? [...handshakeFields, "Sec-WebSocket-Extensions: permessage-deflate"]
      : handshakeFields
    client.send(requestText(path, fields.map((field) => `${field}\r\n`).join("")))
    yield* client.endsWith("\r\n\r\n")
    for (const piece of pieces) {
      client.send(piece)
      yield* turns(1)
    }
    if (echoes > 0) yield* until("all comes back", () => hasGrown(client) && countMessages(client) === echoes)
    client.send(close)
    yield* client.ended
    client.socket.end()
    yield* until("the application learns of it", () => server.received.get(path)?.at(-1)?.startsWith("closed") === true)
    assert.match(client.text, /^HTTP\/1\.1 101 /)
    const frames = readFrames(client.body)
    const of = (...opcodes: ReadonlyArray<number>) => frames.filter(({ opcode }) => opcodes.includes(opcode))
    const [answer] = of(8)
    const outcome: Outcome = {
      received: server.received.get(path) ?? [],
      echoed: messagesIn(frames).map(({ opcode, payload }) => summarize(opcode === 1, payload)),
      pongs: of(10).map(({ payload }) => payload.toString("latin1")),
      closeCode: answer === undefined || answer.payload.length < 2 ? undefined : answer.payload.readUInt16BE(0)
    }
    server.received.delete(path)
    return outcome
  }).pipe(Effect.scoped)

/** Whether something has come since this was asked last, so that not every turn looks at all of it. */
const makeHasGrown = () => {
  let seen = -1
  return ({ received }: Client): boolean => {
    const grown = received !== seen
    seen = received
    return grown
  }
}

const countMessages = ({ body }: Client): number => messagesIn(readFrames(body)).length

const messagesIn = (frames: ReadonlyArray<ServerFrame>) => frames.filter(({ opcode }) => opcode === 1 || opcode === 2)

const closeFrame = (code?: number): Buffer =>
  frame(8, code === undefined ? Buffer.alloc(0) : Buffer.of(code >>> 8, code & 0xff))

const byteCuts = Arbitrary.array(integer(0, 1_000_000), { maxLength: 6 })

/** What is refused with a code that random frames seldom bring about. */
const refusals = [
  ["text is not UTF-8", frame(1, Buffer.of(0x61, 0xff)), 1007],
  ["a frame announces too much", Buffer.from("82ff000000000020000137fa213d", "hex"), 1009],
  [
    "fragments are too much together",
    Buffer.concat([frame(2, Buffer.alloc(maxMessageSize), { isFinal: false }), frame(0, Buffer.of(0))]),
    1009
  ]
] as const

/** Milliseconds for all inputs of a property, as the others have. */
const patience = 60_000

let paths = 0

/** Runs the same bytes against both servers. */
const compare = ([ours, reference]: readonly [ours: EchoServer, reference: EchoServer], script: Script) => {
  const path = `/${paths++}`
  return Effect.all([converse(ours, path, script), converse(reference, path, script)], { concurrency: 2 })
}

const serveBoth = (perMessageDeflate: boolean) =>
  Effect.all([serveOurs(perMessageDeflate), serveReference(perMessageDeflate)])

for (const perMessageDeflate of [false, true]) {
  describe(`the same bytes of a client to PAGI and to ws, ${perMessageDeflate ? "with" : "without"} compression`, () => {
    it.live(
      "are the same messages to the application, and bring the same answers",
      () =>
        Effect.gen(function* () {
          const servers = yield* serveBoth(perMessageDeflate)
          const result = yield* Arbitrary.checkEffect(
            Arbitrary.all({ messages, cuts: byteCuts, code: oneOf<number | undefined>(undefined, 1000, 4000) }),
            ({ code, cuts, messages }) =>
              Effect.gen(function* () {
                const wire = messages.map((message) => toWire(message, perMessageDeflate))
                const [ours, reference] = yield* compare(servers, {
                  pieces: split(Buffer.concat(wire), cuts),
                  echoes: messages.length,
                  close: closeFrame(code),
                  perMessageDeflate
                })
                assert.deepStrictEqual(ours, reference)
                const sent = messages.map(summaryOf)
                assert.deepStrictEqual(ours.received, [...sent, `closed ${code ?? 1005}`])
                assert.deepStrictEqual(ours.echoed, sent)
                return true
              }).pipe(Effect.catchDefect(Effect.fail)),
            { runs: 100, size: 100, seed, maxShrinks: 30 }
          )
          assert.isUndefined(Arbitrary.formatCheckFailure(result))
        }),
      patience
    )

    /** Frames of which some break a rule, or break one where they stand. */
    const likelyFrame = oneOf(
      frame(1, Buffer.from("text")),
      frame(1, Buffer.from("te"), { isFinal: false }),
      frame(2, Buffer.from("by"), { isFinal: false }),
      frame(0, Buffer.from("-"), { isFinal: false }),
      frame(0, Buffer.from("end")),
      frame(2, Buffer.alloc(200, 0xff)),
      frame(1, Buffer.from([0xff])),
      frame(1, Buffer.from("compressed or not"), { isCompressed: true }),
      frame(9, Buffer.from("ping")),
      frame(9, Buffer.from("ping"), { isFinal: false }),
      frame(9, Buffer.alloc(126)),
      frame(10, Buffer.from("pong")),
      frame(3, Buffer.alloc(0)),
      frame(11, Buffer.alloc(0)),
      frame(8, Buffer.of(1)),
      closeFrame(1000),
      closeFrame(1005),
      closeFrame(5000),
      frame(8, Buffer.of(3, 232, 0xff)),
      Buffer.from("8103414243", "hex"),
      Buffer.from("a18337fa213d000000", "hex"),
      Buffer.from("82ff0000000000200001", "hex")
    )

    it.live(
      "are refused with the same codes, behind the same messages",
      () =>
        Effect.gen(function* () {
          const servers = yield* serveBoth(perMessageDeflate)
          const codes = new Set<number | undefined>()
          const result = yield* Arbitrary.checkEffect(
            Arbitrary.all({ frames: Arbitrary.array(likelyFrame, { maxLength: 8 }), cuts: byteCuts }),
            ({ cuts, frames }) =>
              Effect.gen(function* () {
                const [ours, reference] = yield* compare(servers, {
                  pieces: split(Buffer.concat(frames), cuts),
                  // What comes back before the server closes depends on how fast the application is.
                  echoes: 0,
                  close: closeFrame(1000),
                  perMessageDeflate
                })
                codes.add(ours.closeCode)
                assert.deepStrictEqual(ours.closeCode, reference.closeCode)
                assert.deepStrictEqual(messagesOf(ours), messagesOf(reference))
                assert.deepStrictEqual(ours.pongs, reference.pongs)
                return true
              }).pipe(Effect.catchDefect(Effect.fail)),
            { runs: 200, size: 100, seed }
          )
          assert.isUndefined(Arbitrary.formatCheckFailure(result))
          // Whether others come is left to chance.
          for (const code of [1000, 1002]) assert.isTrue(codes.has(code), `${code} never came`)
        }),
      patience
    )

    for (const [name, bytes, code] of refusals) {
      it.live(`are refused with ${code}, if ${name}, behind the same message`, () =>
        Effect.gen(function* () {
          const outcomes = yield* compare(yield* serveBoth(perMessageDeflate), {
            pieces: [frame(1, Buffer.from("text")), bytes],
            echoes: 0,
            close: Buffer.alloc(0),
            perMessageDeflate
          })
          for (const outcome of outcomes) {
            assert.strictEqual(outcome.closeCode, code)
            assert.deepStrictEqual(messagesOf(outcome), [summarize(true, Buffer.from("text"))])
          }
        })
      )
    }
  })
}

/** What the application has received, without how it ended, for which ws has codes of its own. */
const messagesOf = ({ received }: Outcome): ReadonlyArray<string> =>
  received.filter((line) => !line.startsWith("closed"))

/** Sends a message by ws, in as many frames as it says. */
const sendBy = ({ socket }: WebSocketClient, message: TestMessage): void => {
  const parts = split(contentOf(message), message.cuts)
  for (const [index, part] of parts.entries()) {
    socket.send(part, { binary: !message.isText, compress: message.isCompressed, fin: index === parts.length - 1 })
  }
}

describe("a client by ws", () => {
  for (const perMessageDeflate of [false, true]) {
    it.live(
      `gets back what it has sent, in any frames, ${perMessageDeflate ? "with" : "without"} compression`,
      () =>
        Effect.gen(function* () {
          const { port, received } = yield* serveOurs(perMessageDeflate)
          const result = yield* Arbitrary.checkEffect(
            messages,
            (messages) =>
              Effect.gen(function* () {
                const path = `/${paths++}`
                const client = yield* connect(`ws://127.0.0.1:${port}${path}`, {
                  perMessageDeflate: perMessageDeflate && { threshold: 0 }
                })
                yield* client.opened
                for (const message of messages) sendBy(client, message)
                yield* client.received(messages.length)
                client.socket.close(4000)
                yield* client.ended
                assert.deepStrictEqual(client.closed, { code: 4000, reason: "" })
                const sent = messages.map(summaryOf)
                const echoed = client.messages.map((message) =>
                  typeof message === "string" ? summarize(true, Buffer.from(message)) : summarize(false, message)
                )
                assert.deepStrictEqual(echoed, sent)
                assert.deepStrictEqual(received.get(path), [...sent, "closed 4000"])
                return true
              }).pipe(Effect.scoped, Effect.catchDefect(Effect.fail)),
            { runs: 80, size: 100, seed, maxShrinks: 30 }
          )
          assert.isUndefined(Arbitrary.formatCheckFailure(result))
        }),
      patience
    )
  }
})
