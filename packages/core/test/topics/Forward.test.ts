import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Queue from "effect/Queue"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import { directOf } from "../../src/contract/DirectSend.ts"
import type { SseSendEvent, WebSocketReceiveEvent, WebSocketSendEvent } from "../../src/contract/Event.ts"
import * as TestClock from "effect/testing/TestClock"
import * as PagiApp from "../../src/contract/PagiApp.ts"
import * as TestClient from "../../src/testing/TestClient.ts"
import * as Topic from "../../src/topics/Topic.ts"
import * as Topics from "../../src/topics/Topics.ts"

const news = Topic.make("news", Schema.String)

type SendMessage = PagiApp.Send<WebSocketSendEvent>
type SendEvent = PagiApp.Send<SseSendEvent>
type Forwarded = Effect.Effect<void, unknown, Topics.Topics>

/** How the application's `send` reaches the exchange; what a client gets is the same in both. */
const ways: ReadonlyArray<readonly [name: string, wrap: <Event>(send: PagiApp.Send<Event>) => PagiApp.Send<Event>]> = [
  ["directly", (send) => send],
  ["past an application around it", (send) => (event) => send(event)]
]

/** How each `forward` has ended. */
interface Ends {
  readonly ends: Array<Exit.Exit<void, unknown>>
}

const noting = (ends: Ends["ends"], forwarded: Forwarded) =>
  Effect.onExit(forwarded, (exit) => Effect.sync(() => void ends.push(exit)))

const untilDisconnect = (receive: PagiApp.Receive<WebSocketReceiveEvent>): Effect.Effect<void> =>
  Effect.flatMap(receive, (event) => (event.type === "websocket.disconnect" ? Effect.void : untilDisconnect(receive)))

const webSockets = (ends: Ends["ends"], forward: (send: SendMessage) => Forwarded) =>
  PagiApp.make({
    websocket: Effect.fnUntraced(function* (_scope, receive, send) {
      yield* receive
      yield* send({ type: "websocket.accept" })
      yield* Effect.forkScoped(Effect.exit(noting(ends, forward(send))), { startImmediately: true })
      yield* untilDisconnect(receive)
    })
  })

const eventStreams = (ends: Ends["ends"], forward: (send: SendEvent) => Forwarded) =>
  PagiApp.make({
    sse: Effect.fnUntraced(function* (_scope, _receive, send) {
      yield* send({ type: "sse.start" })
      yield* Effect.exit(noting(ends, forward(send)))
    })
  })

/** Fibers that have something to do do it. */
const settled = Effect.replicateEffect(Effect.yieldNow, 20, { discard: true })

const publish = (...texts: ReadonlyArray<string>) =>
  Effect.forEach(texts, (text) => Effect.andThen(Topics.publish(news, text), settled), { discard: true })

const isEmpty = Effect.map(Topics.Topics, ({ hub }) => assert.strictEqual(hub.size, 0))

const test = <E>(name: string, run: () => Effect.Effect<void, E, Topics.Topics | Scope.Scope>) =>
  it.effect(name, () => run().pipe(Effect.scoped, Effect.provide(Topics.layer)))

const take = (socket: TestClient.TestWebSocket, count: number) => Effect.replicateEffect(socket.receive, count)

/** A client has room for one such message, and no more. */
const long = (letter: string) => letter.repeat(50)
const little = { writeHighWatermark: 40, writeLowWatermark: 10 }

for (const [way, wrap] of ways) {
  describe(`forward ${way}`, () => {
    test("sends the JSON of each message, as a text message of its own", () =>
      Effect.gen(function* () {
        const ends: Ends["ends"] = []
        const client = yield* TestClient.make(webSockets(ends, (send) => Topics.forward(news, wrap(send))))
        const sockets = yield* Effect.replicateEffect(client.webSocket({ path: "/" }), 3)
        yield* publish("one", "zwölf", "\u{1F600}", "")
        for (const socket of sockets) {
          assert.deepStrictEqual(yield* take(socket, 4), ['"one"', '"zwölf"', '"\u{1F600}"', '""'])
        }
        const [first] = sockets
        yield* first?.close(1000) ?? Effect.void
        yield* settled
        yield* publish("later")
        assert.strictEqual(yield* sockets[1]?.receive ?? Effect.void, '"later"')
        const { hub } = yield* Topics.Topics
        assert.strictEqual(hub.counts.subscribers, 2)
        assert.strictEqual(hub.counts.delivered, 14)
      }))

    test("sends events to a stream", () =>
      Effect.gen(function* () {
        const ends: Ends["ends"] = []
        const application = eventStreams(ends, (send) => Topics.forward(news, wrap(send), { as: "event" }))
        const client = yield* TestClient.make(application)
        const streams = yield* Effect.replicateEffect(
          client.open({ path: "/", headers: [["accept", "text/event-stream"]] }),
          2
        )
        for (const stream of streams) yield* stream.start
        yield* publish("one", "zwölf")
        for (const stream of streams) {
          const decoder = new TextDecoder()
          assert.strictEqual(decoder.decode(yield* stream.nextPiece), 'data: "one"\n\n')
          assert.strictEqual(decoder.decode(yield* stream.nextPiece), 'data: "zwölf"\n\n')
          yield* stream.disconnect()
        }
        // An application that does not look for it is interrupted.
        yield* TestClock.adjust("1 minute")
        yield* isEmpty
      }))

    test("makes another form once for all clients with the same function", () =>
      Effect.gen(function* () {
        const ends: Ends["ends"] = []
        let runs = 0
        const message = (text: string): WebSocketSendEvent => {
          runs++
          return text === "bytes"
            ? { type: "websocket.send", bytes: Uint8Array.of(runs) }
            : { type: "websocket.send", text: `${text}!` }
        }
        const application = webSockets(ends, (send) => Topics.forward(news, wrap(send), { message }))
        const client = yield* TestClient.make(application)
        const sockets = yield* Effect.replicateEffect(client.webSocket({ path: "/" }), 3)
        yield* publish("a", "bytes")
        for (const socket of sockets) assert.deepStrictEqual(yield* take(socket, 2), ["a!", Uint8Array.of(2)])
        assert.strictEqual(runs, 2)
      }))

    test("makes each of many forms once", () =>
      Effect.gen(function* () {
        const ends: Ends["ends"] = []
        const runs: Array<number> = []
        const forms = Array.from({ length: 20 }, (_, index) => (text: string): WebSocketSendEvent => {
          runs.push(index)
          return { type: "websocket.send", text: `${text} ${index}` }
        })
        let next = 0
        const application = webSockets(ends, (send) => {
          const message = forms[next++ % forms.length]
          return Topics.forward(news, wrap(send), message === undefined ? {} : { message })
        })
        const client = yield* TestClient.make(application)
        const sockets = yield* Effect.replicateEffect(client.webSocket({ path: "/" }), 2 * forms.length)
        yield* publish("a")
        for (const [index, socket] of sockets.entries()) {
          assert.strictEqual(yield* socket.receive, `a ${index % forms.length}`)
        }
        assert.deepStrictEqual(runs, [...forms.keys()])
      }))

    test("keeps the order of what the application sends itself", () =>
      Effect.gen(function* () {
        const ends: Ends["ends"] = []
        const sends: Array<SendMessage> = []
        const application = webSockets(ends, (send) => {
          sends.push(send)
          return Topics.forward(news, wrap(send))
        })
        const client = yield* TestClient.make(application)
        const socket = yield* client.webSocket({ path: "/" })
        yield* publish("1")
        yield* sends[0]?.({ type: "websocket.send", text: "2" }) ?? Effect.void
        yield* publish("3")
        assert.deepStrictEqual(yield* take(socket, 3), ['"1"', "2", '"3"'])
      }))

    test("keeps what a client that is behind has not read, up to the capacity, and delays nobody", () =>
      Effect.gen(function* () {
        const ends: Ends["ends"] = []
        const gap = ({ missed, reason }: Topics.Gap): WebSocketSendEvent => ({
          type: "websocket.send",
          text: `${missed} ${reason}`
        })
        const application = webSockets(ends, (send) => Topics.forward(news, wrap(send), { capacity: 2, gap }))
        const client = yield* TestClient.make(application, little)
        const slow = yield* client.webSocket({ path: "/slow" })
        const fast = yield* client.webSocket({ path: "/fast" })
        for (const letter of ["a", "b", "c", "d", "e"]) {
          yield* publish(long(letter))
          assert.strictEqual(yield* fast.receive, JSON.stringify(long(letter)))
        }
        assert.strictEqual(yield* slow.receive, JSON.stringify(long("a")))
        yield* settled
        assert.strictEqual(yield* slow.receive, "2 behind")
        yield* settled
        assert.strictEqual(yield* slow.receive, JSON.stringify(long("d")))
        yield* settled
        assert.strictEqual(yield* slow.receive, JSON.stringify(long("e")))
        yield* settled
        yield* publish("f")
        assert.strictEqual(yield* slow.receive, '"f"')
        assert.deepStrictEqual(ends, [])
      }))

    test("tells a gap at once, and not only with the next message", () =>
      Effect.gen(function* () {
        const ends: Ends["ends"] = []
        const gap = ({ reason }: Topics.Gap): WebSocketSendEvent => ({ type: "websocket.send", text: reason })
        const application = webSockets(ends, (send) => Topics.forward(news, wrap(send), { gap }))
        const client = yield* TestClient.make(application)
        const socket = yield* client.webSocket({ path: "/" })
        const { hub } = yield* Topics.Topics
        yield* publish("a")
        hub.listener.onGap(undefined, "disconnected")
        assert.deepStrictEqual(yield* take(socket, 2), ['"a"', "disconnected"])
        yield* publish("b")
        assert.strictEqual(yield* socket.receive, '"b"')
      }))

    test("has publishers wait for it, where it is to", () =>
      Effect.gen(function* () {
        const ends: Ends["ends"] = []
        const application = webSockets(ends, (send) =>
          Topics.forward(news, wrap(send), { capacity: 1, whenFull: "wait" })
        )
        const client = yield* TestClient.make(application, little)
        const socket = yield* client.webSocket({ path: "/" })
        const published: Array<string> = []
        yield* Effect.forkChild(
          Effect.forEach(["a", "b", "c", "d"], (letter) =>
            Effect.map(Topics.publish(news, long(letter)), () => void published.push(letter))
          )
        )
        yield* settled
        assert.deepStrictEqual(published, ["a", "b"])
        for (const letter of ["a", "b", "c", "d"]) {
          assert.strictEqual(yield* socket.receive, JSON.stringify(long(letter)))
          yield* settled
        }
        assert.deepStrictEqual(published, ["a", "b", "c", "d"])
      }))

    test("ends with an error behind what it has kept, where it is to", () =>
      Effect.gen(function* () {
        const ends: Ends["ends"] = []
        const application = webSockets(ends, (send) =>
          Topics.forward(news, wrap(send), { capacity: 1, whenFull: "end" })
        )
        const client = yield* TestClient.make(application, little)
        const socket = yield* client.webSocket({ path: "/" })
        yield* publish(long("a"), long("b"), long("c"), long("d"))
        assert.strictEqual(yield* socket.receive, JSON.stringify(long("a")))
        yield* settled
        assert.strictEqual(yield* socket.receive, JSON.stringify(long("b")))
        yield* settled
        const [end] = ends
        assert.isTrue(end !== undefined && Exit.isFailure(end))
        if (end === undefined || Exit.isSuccess(end)) return
        const error = Cause.squash(end.cause)
        assert.instanceOf(error, Topics.TopicError)
        assert.strictEqual(error instanceof Topics.TopicError && error.reason._tag, "SubscriberBehind")
        yield* isEmpty
      }))

    test("fails as `send` does with an event that the client cannot be sent", () =>
      Effect.gen(function* () {
        const ends: Ends["ends"] = []
        // What a program without types may do.
        const message = () => ({ type: "sse.send", data: "" }) as never
        const application = webSockets(ends, (send) => Topics.forward(news, wrap(send), { message }))
        const client = yield* TestClient.make(application)
        yield* client.webSocket({ path: "/" })
        const others = yield* Topics.subscribe(news)
        yield* publish("a")
        const [end] = ends
        assert.match(String(end), /unknown event type for the websocket scope/)
        assert.strictEqual(yield* Queue.take(others), "a")
      }))

    test("dies by itself of a function that throws", () =>
      Effect.gen(function* () {
        const ends: Ends["ends"] = []
        const broken = (): WebSocketSendEvent => {
          throw new Error("broken")
        }
        let count = 0
        const application = webSockets(ends, (send) =>
          Topics.forward(news, wrap(send), count++ === 0 ? { message: broken } : {})
        )
        const client = yield* TestClient.make(application)
        yield* client.webSocket({ path: "/" })
        const socket = yield* client.webSocket({ path: "/" })
        yield* publish("a", "b")
        assert.deepStrictEqual(yield* take(socket, 2), ['"a"', '"b"'])
        assert.strictEqual(ends.length, 1)
        assert.match(String(ends[0]), /broken/)
      }))

    test("sends what is no message by the ordinary way, and goes on behind it", () =>
      Effect.gen(function* () {
        const ends: Ends["ends"] = []
        const message = (text: string): WebSocketSendEvent =>
          text === "ping" ? { type: "websocket.keepalive", interval: 5 } : { type: "websocket.send", text }
        const application = webSockets(ends, (send) => Topics.forward(news, wrap(send), { message }))
        const client = yield* TestClient.make(application)
        const socket = yield* client.webSocket({ path: "/" })
        yield* Effect.forEach(["a", "ping", "b", "c"], (text) => Topics.publish(news, text), { discard: true })
        assert.deepStrictEqual(yield* take(socket, 3), ["a", "b", "c"])
        assert.deepStrictEqual(ends, [])
      }))

    test("leaves nothing behind when it is interrupted", () =>
      Effect.gen(function* () {
        const fibers: Array<Fiber.Fiber<unknown, unknown>> = []
        const application = PagiApp.make({
          websocket: Effect.fnUntraced(function* (_scope, receive, send) {
            yield* receive
            yield* send({ type: "websocket.accept" })
            const forwarded = Topics.forward(news, wrap(send), { whenFull: "wait", capacity: 1 })
            fibers.push(yield* Effect.forkScoped(forwarded, { startImmediately: true }))
            yield* untilDisconnect(receive)
          })
        })
        const client = yield* TestClient.make(application, little)
        const socket = yield* client.webSocket({ path: "/" })
        const publisher = yield* Effect.forkChild(
          Effect.forEach(["a", "b", "c", "d", "e"], (letter) => Topics.publish(news, long(letter)))
        )
        yield* settled
        for (const fiber of fibers) yield* Fiber.interrupt(fiber)
        yield* Fiber.join(publisher)
        yield* isEmpty
        // The client has what it was sent before.
        assert.strictEqual(yield* socket.receive, JSON.stringify(long("a")))
      }))
  })
}

describe("forward directly", () => {
  test("ends when the client has gone, and when the hub closes", () =>
    Effect.gen(function* () {
      const ends: Ends["ends"] = []
      const application = PagiApp.make({
        websocket: (_scope, _receive, send) =>
          Effect.andThen(send({ type: "websocket.accept" }), Effect.exit(noting(ends, Topics.forward(news, send))))
      })
      const client = yield* TestClient.make(application)
      const socket = yield* client.webSocket({ path: "/" })
      yield* client.webSocket({ path: "/" })
      yield* socket.disconnect()
      yield* settled
      assert.deepStrictEqual(ends, [Exit.void])
      const { hub } = yield* Topics.Topics
      hub.close()
      yield* settled
      assert.deepStrictEqual(ends, [Exit.void, Exit.void])
      yield* isEmpty
    }))

  test("needs no fiber for a message: it is there when the publisher goes on", () =>
    Effect.gen(function* () {
      const ends: Ends["ends"] = []
      const client = yield* TestClient.make(webSockets(ends, (send) => Topics.forward(news, send)))
      const socket = yield* client.webSocket({ path: "/" })
      const topics = yield* Topics.Topics
      // Neither of the two may wait for anything.
      Effect.runSync(Effect.provideService(Topics.publish(news, "a"), Topics.Topics, topics))
      const seen = Effect.runSync(socket.receive)
      assert.strictEqual(seen, '"a"')
    }))

  test("is the way of the exchange's own send, also when it is bound again, and of no function around it", () =>
    Effect.gen(function* () {
      const found: Array<boolean> = []
      const note = (send: object) => void found.push(directOf(send) !== undefined)
      const noteAll = (send: (event: never) => unknown) => {
        note(send)
        note(send.bind(undefined))
        note((event: never) => send(event))
        note(Object.assign((event: never) => send(event), send))
      }
      const client = yield* TestClient.make(
        PagiApp.make({
          http: (_scope, _receive, send) => {
            noteAll(send)
            return send({ type: "http.response.start", status: 204 })
          },
          sse: (_scope, _receive, send) => {
            noteAll(send)
            return send({ type: "sse.start" })
          },
          websocket: (_scope, _receive, send) => {
            noteAll(send)
            return send({ type: "websocket.accept" })
          },
          lifespan: (_scope, _receive, send) => {
            noteAll(send)
            return send({ type: "lifespan.startup.complete" })
          }
        })
      )
      yield* client.webSocket({ path: "/" })
      yield* client.request({ path: "/", headers: [["accept", "text/event-stream"]] })
      yield* client.request({ path: "/" })
      const own = [true, true, false, false]
      const none = [false, false, false, false]
      assert.deepStrictEqual(found, [...none, ...own, ...own, ...none])
    }))
})
