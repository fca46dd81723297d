import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { connect, range } from "./support/Http2Session.ts"
import { attempt, fetch } from "./support/HttpSuiteClient.ts"
import { takesLess } from "./support/Pace.ts"
import { answer } from "./support/Server.ts"
import { until } from "./support/Until.ts"

describe("a session of Node's client", () => {
  it.live("is told the server's settings, and that its own have been taken", () =>
    Effect.gen(function* () {
      const { client, session } = yield* connect(answer("good"), { server: { h2MaxConcurrentStreams: 33 } })
      yield* fetch(client)
      yield* until("its settings are acknowledged", () => !session.pendingSettingsAck)
      const { enableConnectProtocol, initialWindowSize, maxConcurrentStreams, maxFrameSize } = session.remoteSettings
      assert.deepStrictEqual(
        { enableConnectProtocol, initialWindowSize, maxConcurrentStreams, maxFrameSize },
        { enableConnectProtocol: false, initialWindowSize: 65_535, maxConcurrentStreams: 33, maxFrameSize: 16_384 },
        "an application without WebSockets does not offer them"
      )
    })
  )

  it.live("has its pings answered with what they carry", () =>
    Effect.gen(function* () {
      const { session } = yield* connect(answer("good"))
      yield* until("the session is connected", () => !session.connecting)
      const payload = Buffer.from("12345678")
      const echoed = yield* Effect.callback<Buffer>((resume) => {
        session.ping(payload, (_error, _duration, received) => resume(Effect.succeed(received)))
      })
      assert.isTrue(echoed.equals(payload))
    })
  )

  it.live("is told by GOAWAY that the server stops, finishes what it has begun, and begins nothing else", () =>
    Effect.gen(function* () {
      let running = 0
      let mayFinish = false
      const codes: Array<number> = []
      const { client, server, session } = yield* connect((scope, receive, send) =>
        Effect.gen(function* () {
          running++
          yield* until("it may finish", () => mayFinish)
          yield* answer("finished")(scope, receive, send)
        })
      )
      session.on("goaway", (code) => codes.push(code))
      const exchanges = range(5).map(() => client.begin({}))
      yield* until("all run", () => running === 5)
      const stopping = yield* Effect.forkChild(server.server.shutdown, { startImmediately: true })
      yield* until("the client is told", () => codes.length > 0)
      assert.isFalse(session.destroyed)
      mayFinish = true
      for (const exchange of exchanges) {
        yield* exchange.ended
        assert.deepStrictEqual([exchange.text, exchange.outcome], ["finished", "complete"])
      }
      yield* Fiber.join(stopping)
      yield* until("the session ends", () => session.destroyed)
      assert.isTrue(
        codes.every((code) => code === 0),
        `${codes}`
      )
    })
  )

  it.live("ends at once when it is idle and the server stops", () =>
    Effect.gen(function* () {
      const { client, server, session } = yield* connect(answer("good"))
      yield* fetch(client)
      yield* takesLess(500, server.server.shutdown)
      yield* until("the session ends", () => session.destroyed)
    })
  )

  it.live("that leaves just when the server stops does not keep it waiting", () =>
    Effect.gen(function* () {
      const { client, server, session } = yield* connect(answer("good"))
      yield* fetch(client)
      session.destroy()
      yield* takesLess(500, server.server.shutdown)
    })
  )

  it.live("is closed when it is idle for too long, but not while a request runs", () =>
    Effect.gen(function* () {
      const { client, server, session } = yield* connect(
        (scope, receive, send) => Effect.andThen(Effect.sleep("600 millis"), answer("late")(scope, receive, send)),
        { server: { timeout: "300 millis" } }
      )
      assert.strictEqual((yield* attempt(client)).text, "late")
      yield* until("the session ends", () => session.destroyed)
      yield* until("the connection is gone", () => Effect.runSync(server.server.connectionCount) === 0)
    })
  )
})
