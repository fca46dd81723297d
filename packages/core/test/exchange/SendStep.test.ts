import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Latch from "effect/Latch"
import type * as Event from "../../src/contract/Event.ts"
import * as Lifespan from "../../src/exchange/Lifespan.ts"
import * as PagiApp from "../../src/contract/PagiApp.ts"
import type { SendError } from "../../src/contract/SendError.ts"
import { FakeHost } from "../support/FakeHost.ts"

const start: Event.HttpSendEvent = { type: "http.response.start", status: 200 }
const body: Event.HttpSendEvent = { type: "http.response.body", body: "x", more: true }
const notAnEvent = { type: "http.response.strat" } as never // A misspelt type, as a program in JavaScript may have.

type Send = Parameters<PagiApp.HttpHandler>[2]

/** The first frame of the error that a program fails with. */
const frameOf = (program: (send: Send) => Effect.Effect<void, SendError>) =>
  Effect.map(Effect.flip(program(new FakeHost().exchange.send)), ({ message, stack = "" }) => {
    assert.isTrue(stack.startsWith(`SendError: ${message}\n`), stack)
    return stack.slice(stack.indexOf("\n")).split("\n")[1]
  })

describe("a send that fails", () => {
  it.effect("names the line of a generator that yielded it, whatever it failed for", () =>
    Effect.gen(function* () {
      const failing: ReadonlyArray<(send: Send) => Effect.Effect<void, SendError>> = [
        Effect.fnUntraced(function* namedHandler(send: Send) {
          yield* send(body)
        }),
        (send) =>
          Effect.gen(function* namedHandler() {
            yield* send(start)
            yield* send(notAnEvent)
          }),
        (send) =>
          Effect.gen(function* namedHandler() {
            yield* send(start)
            yield* send({ type: "http.response.body", file: "/there/is/no/file" })
          })
      ]
      for (const program of failing) {
        const frame = yield* frameOf(program)
        assert.match(frame ?? "", /at namedHandler .*SendStep\.test\.ts:\d+/)
      }
    })
  )

  it.effect("names the line in the lifespan's handler too", () =>
    Effect.gen(function* () {
      let frame: string | undefined
      const application = PagiApp.make({
        lifespan: Effect.fnUntraced(function* namedHandler(_scope, _receive, send) {
          yield* send(notAnEvent)
        })
      })
      const catching: PagiApp.Application = (...parts) =>
        Effect.catch(application(...parts), (error) =>
          Effect.sync(() => {
            frame = error.stack?.split("\n")[1]
          })
        )
      yield* Lifespan.start(
        { application: catching, context: Context.empty() },
        { mode: "auto", startupTimeout: Duration.zero, shutdownTimeout: Duration.zero, isWorker: false }
      )
      assert.match(frame ?? "", /at namedHandler .*SendStep\.test\.ts:\d+/)
    })
  )

  it.effect("fails as any Effect when nobody yielded it", () =>
    Effect.gen(function* () {
      const { exchange } = new FakeHost()
      const error = yield* Effect.flip(Effect.andThen(exchange.send(start), exchange.send(start)))
      assert.strictEqual(error.reason._tag, "EventOutOfOrder")
    })
  )

  it.effect("can be sent again, and caught", () =>
    Effect.gen(function* () {
      const { exchange } = new FakeHost()
      const sending = exchange.send(body)
      const errors: Array<string> = []
      for (let count = 0; count < 2; count++) {
        yield* Effect.catch(
          Effect.gen(function* () {
            yield* sending
          }),
          (error) => Effect.sync(() => void errors.push(error.reason._tag))
        )
      }
      assert.deepStrictEqual(errors, ["EventOutOfOrder", "EventOutOfOrder"])
      yield* exchange.send(start)
      yield* sending
      yield* sending
    })
  )
})

describe("a send that succeeds", () => {
  it.effect("waits for the peer and yields nothing", () =>
    Effect.gen(function* () {
      const host = new FakeHost({ highWaterMark: 0, lowWaterMark: 0 })
      const values: Array<unknown> = []
      const sent = yield* Latch.make()
      const fiber = yield* Effect.forkChild(
        Effect.gen(function* () {
          values.push(yield* host.exchange.send(start))
          yield* sent.open
          values.push(yield* host.exchange.send(body))
        }),
        { startImmediately: true }
      )
      yield* sent.await
      assert.deepStrictEqual(values, [undefined])
      host.drainTo(0)
      assert.deepStrictEqual(yield* Fiber.await(fiber), Exit.void)
      assert.deepStrictEqual(values, [undefined, undefined])
    })
  )
})
