import { assert, describe, it } from "@effect/vitest"
import { toBytes } from "@pagi/core/bytes/ByteString"
import type { HttpHandler } from "@pagi/core/PagiApp"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { open } from "./support/Client.ts"
import {
  ACK,
  DATA,
  frame,
  framesOf,
  getFrame,
  GOAWAY,
  type Frame,
  PING,
  preface,
  SETTINGS
} from "./support/Http2Raw.ts"
import { connect } from "./support/Http2Session.ts"
import { attempt } from "./support/HttpSuiteClient.ts"
import { answer, serveHttp } from "./support/Server.ts"
import { mebibyte, pattern } from "./support/Traffic.ts"
import { turns, until } from "./support/Until.ts"

const PROTOCOL_ERROR = 1
const WINDOW_UPDATE = 8

const uint32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}

const wide = 2 ** 31 - 1

/** What a client with windows as wide as can be sends to have GET / answered. */
const wideOpening = Buffer.concat([
  toBytes(preface),
  frame(SETTINGS, 0, 0, Buffer.concat([Buffer.of(0, 4), uint32(wide)])),
  frame(WINDOW_UPDATE, 0, 0, uint32(wide - 65_535)),
  frame(SETTINGS, ACK, 0),
  getFrame(1)
])

const errorOf = ({ payload }: Frame): number => payload.readUInt32BE(4)

describe("a connection error", () => {
  it.live("ends the connection also when a large response is queued, which nothing is sent of any more", () =>
    Effect.gen(function* () {
      let isAnswering = false
      const handler: HttpHandler<unknown> = (scope, receive, send) => {
        isAnswering = true
        return answer(pattern(30 * mebibyte))(scope, receive, send)
      }
      const { port, server } = yield* serveHttp(handler)
      const count = () => Effect.runSync(server.connectionCount)
      const client = yield* open(port, { allowHalfOpen: true })
      client.socket.pause()
      client.send(wideOpening)
      yield* until("the request begins", () => isAnswering)
      // The system takes what it can hold; the rest waits.
      yield* turns(500)
      client.send(frame(PING, 0, 1, "on a one"))
      yield* turns(500)
      const [taken] = yield* Effect.timed(
        Effect.gen(function* () {
          client.socket.resume()
          yield* client.ended
          // The client keeps its side open, so that the server has to give up waiting for its end.
          yield* until("the connection is gone", () => count() === 0)
        })
      )
      assert.isBelow(Duration.toMillis(taken), 5000)
      assert.isBelow(client.received, 25 * mebibyte, "the response has been dropped")
      const frames = framesOf(client.bytes)
      const last = frames.at(-1)
      assert.strictEqual(last?.type, GOAWAY)
      assert.strictEqual(last && errorOf(last), PROTOCOL_ERROR)
      assert.isAbove(frames.filter(({ type }) => type === DATA).length, 1)
    })
  )
})

describe("a response that is complete before the upload of its request", () => {
  it.live("arrives whole at Node's client", () =>
    Effect.gen(function* () {
      const body = Buffer.from(pattern(300_000))
      const { client } = yield* connect(answer(body))
      for (let uploads = 0; uploads < 5; uploads++) {
        const exchange = yield* attempt(client, { method: "POST", content: Buffer.alloc(1_000_000) })
        assert.strictEqual(exchange.outcome, "complete")
        assert.strictEqual(exchange.received, body.length)
        assert.isTrue(exchange.content.equals(body))
      }
    })
  )
})
