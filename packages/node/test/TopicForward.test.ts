import { assert, describe, it } from "@effect/vitest"
import type { WebSocketSendEvent } from "@pagi/core/Event"
import * as PagiApp from "@pagi/core/PagiApp"
import type { WebSocketScope } from "@pagi/core/Scope"
import * as Topic from "@pagi/core/Topic"
import * as Topics from "@pagi/core/Topics"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as EffectScope from "effect/Scope"
import * as Schema from "effect/Schema"
import { open } from "./support/Client.ts"
import { connect as connectHttp2 } from "./support/Http2WebSocket.ts"
import { serve } from "./support/Server.ts"
import { serverTls } from "./support/TlsClient.ts"
import { until } from "./support/Until.ts"
import { connect, connectTls, type Message } from "./support/WebSocketClient.ts"
import { serveWebSocket } from "./support/WebSocketServer.ts"

const news = Topic.make("news", Schema.String)
const capacity = 64

const message = (text: string): WebSocketSendEvent => ({ type: "websocket.send", text })
const gap = ({ missed }: Topics.Gap): WebSocketSendEvent => ({ type: "websocket.send", text: `missed ${missed}` })

/** A client by whatever way: what it has got, and how it stops reading. */
interface Subscriber {
  readonly messages: () => ReadonlyArray<Message>
  readonly pause: () => void
  readonly resume: () => void
}

type Handler = PagiApp.WebSocketHandler<unknown, Topics.Topics>

/** A server of this handler, and a connection of its own for each subscriber. */
type Serve = (
  handler: Handler
) => Effect.Effect<Effect.Effect<Subscriber, unknown, EffectScope.Scope>, unknown, EffectScope.Scope | Topics.Topics>

const ofClient = (client: Effect.Success<ReturnType<typeof connect>>): Subscriber => ({
  messages: () => client.messages,
  pause: () => client.socket.pause(),
  resume: () => client.socket.resume()
})

const overTcp: Serve = (handler) =>
  Effect.map(serveWebSocket(handler), ({ port }) =>
    Effect.map(
      Effect.tap(connect(`ws://127.0.0.1:${port}`), ({ opened }) => opened),
      ofClient
    )
  )

const overTls: Serve = (handler) =>
  Effect.gen(function* () {
    const { port } = yield* serveWebSocket(handler, { tls: yield* serverTls })
    return Effect.map(
      Effect.tap(connectTls(port), ({ opened }) => opened),
      ofClient
    )
  })

/** Takes whole frames of less than 64 KiB; answers what is left. */
const takeMessages = (bytes: Buffer, messages: Array<string>): Buffer => {
  let at = 0
  while (bytes.length >= at + 4) {
    const short = bytes.readUInt8(at + 1)
    const start = at + (short < 126 ? 2 : 4)
    const end = start + (short < 126 ? short : bytes.readUInt16BE(at + 2))
    if (end > bytes.length) break
    messages.push(bytes.toString("utf8", start, end))
    at = end
  }
  return Buffer.from(bytes.subarray(at))
}

const overHttp2: Serve = (handler) =>
  Effect.gen(function* () {
    const topics = yield* Effect.context<Topics.Topics>()
    const { open: openStream } = yield* connectHttp2((scope, receive, send) =>
      Effect.provideContext(handler(scope, receive, send), topics)
    )
    return Effect.gen(function* () {
      const socket = openStream()
      yield* socket.opened
      const messages: Array<string> = []
      let rest: Buffer = Buffer.alloc(0)
      // All that has come would be read again each time by what the other tests use.
      socket.stream.on("data", (bytes: Buffer) => {
        rest = takeMessages(Buffer.concat([rest, bytes]), messages)
      })
      return {
        messages: () => messages,
        pause: () => void socket.stream.pause(),
        resume: () => void socket.stream.resume()
      }
    })
  })

const ways: Readonly<Record<string, Serve>> = { TCP: overTcp, TLS: overTls, "HTTP/2": overHttp2 }

/** More than the system takes for a client that does not read. */
const total = 3000
const padding = "x".repeat(5000)
const textOf = (number: number): string => `${number} ${padding}`
const numberOf = (text: Message): number => Number(String(text).split(" ")[0])

const publish = (number: number) => Topics.publish(news, textOf(number))

const forwarding =
  (scopes: Array<WebSocketScope>): Handler =>
  (scope, receive, send) =>
    Effect.gen(function* () {
      scopes.push(scope)
      yield* receive
      const onSubscribed = send({ type: "websocket.accept" })
      yield* Topics.forward(news, send, { message, gap, capacity, onSubscribed })
    })

for (const [way, serveWay] of Object.entries(ways)) {
  describe(`a topic to WebSockets over ${way}`, () => {
    it.live("comes whole to those who read; one who does not costs bounded memory, and is told of what it missed", () =>
      Effect.gen(function* () {
        const scopes: Array<WebSocketScope> = []
        const subscribe = yield* serveWay(forwarding(scopes))
        const subscribers = [yield* subscribe, yield* subscribe, yield* subscribe] as const
        const [slow, one, other] = subscribers
        slow.pause()
        for (let number = 0; number < total; number++) {
          yield* publish(number)
          if (number % 50 < 49) continue
          yield* until(
            "those who read have it",
            () => one.messages().length > number && other.messages().length > number
          )
          const buffered = scopes.map(({ transport }) => transport.bufferedAmount)
          const { highWaterMark } = scopes[0]?.transport ?? { highWaterMark: 0 }
          assert.isAtMost(Math.max(...buffered), highWaterMark + textOf(number).length + 20)
        }
        const everything = Array.from({ length: total }, (_, number) => number)
        assert.deepStrictEqual(one.messages().map(numberOf), everything)
        assert.deepStrictEqual(other.messages().map(numberOf), everything)
        const { hub } = yield* Topics.Topics
        const lost = hub.counts.dropped.behind
        assert.isAbove(lost, 0)
        slow.resume()
        yield* until("the slow one has the last message", () => numberOf(slow.messages().at(-1) ?? "") === total - 1)
        const got = slow.messages()
        const at = got.indexOf(`missed ${lost}`)
        assert.deepStrictEqual(got.slice(0, at).map(numberOf), everything.slice(0, at))
        assert.deepStrictEqual(got.slice(at + 1).map(numberOf), everything.slice(-capacity))
        assert.strictEqual(at + lost + capacity, total)
      }).pipe(Effect.scoped, Effect.provide(Topics.layer))
    )
  })
}

describe("a topic to event streams", () => {
  it.live("comes as events, in order with those of the application", () =>
    Effect.gen(function* () {
      const context = yield* Effect.context<Topics.Topics>()
      const { hub } = Context.get(context, Topics.Topics)
      const { port } = yield* serve(
        PagiApp.make({
          sse: Effect.fnUntraced(function* (_scope, _receive, send) {
            yield* send({ type: "sse.start" })
            yield* send({ type: "sse.send", data: "hello" })
            yield* Topics.forward(news, send, { as: "event" })
          })
        })
      )
      const clients = [yield* open(port), yield* open(port)]
      for (const client of clients) client.get("/", "Accept: text/event-stream\r\n")
      yield* until("both subscribe", () => hub.counts.subscribers === 2)
      yield* Topics.publish(news, "one")
      yield* Topics.publish(news, "zwölf")
      for (const client of clients) {
        yield* client.endsWith(`${Buffer.from('data: "zwölf"').toString("latin1")}\n\n\r\n`)
        const [, content = ""] = client.text.split("\r\n\r\n")
        const lines = content.split("\r\n").filter((_, index) => index % 2 === 1)
        assert.deepStrictEqual(
          lines.map((line) => Buffer.from(line, "latin1").toString()),
          ["data: hello\n\n", 'data: "one"\n\n', 'data: "zwölf"\n\n']
        )
        client.socket.destroy()
      }
      yield* until("nobody subscribes", () => hub.size === 0)
    }).pipe(Effect.scoped, Effect.provide(Topics.layer))
  )
})
