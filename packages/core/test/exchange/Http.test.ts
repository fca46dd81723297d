import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Schema from "effect/Schema"
import * as Scheduler from "effect/Scheduler"
import type { HttpReceiveEvent, HttpSendEvent } from "../../src/contract/Event.ts"
import type { HttpExchange } from "../../src/exchange/Http.ts"
import { FakeHost } from "../support/FakeHost.ts"

const events = {
  informational: { type: "http.response.informational", status: 103, headers: [["link", "</a.css>"]] },
  start: { type: "http.response.start", status: 200, headers: [["x-a", "1"]] },
  startBeforeTrailers: { type: "http.response.start", status: 201, trailers: true },
  body: { type: "http.response.body", body: "piece", more: true },
  lastBody: { type: "http.response.body", body: "end" },
  trailers: { type: "http.response.trailers", headers: [["x-sum", "2"]] },
  fullflush: { type: "http.fullflush" }
} satisfies Readonly<Record<string, HttpSendEvent>>

type Step = keyof typeof events

const calls: Readonly<Record<Step, ReadonlyArray<unknown>>> = {
  informational: ["informational", 103, [["link", "</a.css>"]]],
  start: ["start", 200, [["x-a", "1"]], false],
  startBeforeTrailers: ["start", 201, [], true],
  body: ["body", "piece", false],
  lastBody: ["body", "end", true],
  trailers: ["trailers", [["x-sum", "2"]]],
  fullflush: ["flush"]
}

/** Each phase with the steps that lead to it, what may follow, and how an error describes it. */
const phases: Readonly<
  Record<string, { readonly path: ReadonlyArray<Step>; readonly next: ReadonlyArray<Step>; readonly text: string }>
> = {
  awaitingStart: {
    path: [],
    next: ["informational", "start", "startBeforeTrailers", "fullflush"],
    text: "http.response.start has not been sent"
  },
  body: {
    path: ["start"],
    next: ["body", "lastBody", "fullflush"],
    text: "the response has started; only body events may follow"
  },
  bodyBeforeTrailers: {
    path: ["startBeforeTrailers", "body"],
    next: ["body", "lastBody", "fullflush"],
    text: "the response has started; body events and then the announced trailers must follow"
  },
  trailers: {
    path: ["startBeforeTrailers", "lastBody"],
    next: ["trailers", "fullflush"],
    text: "the body is complete; only the announced trailers may follow"
  },
  complete: { path: ["start", "lastBody"], next: [], text: "the response is complete" },
  completeWithTrailers: {
    path: ["startBeforeTrailers", "lastBody", "trailers"],
    next: [],
    text: "the response is complete"
  }
}

const steps = Object.keys(events) as ReadonlyArray<Step>
const sendAll = (exchange: HttpExchange, path: ReadonlyArray<Step>) =>
  Effect.forEach(path, (step) => exchange.send(events[step]), { discard: true })

const snapshot = ({ state }: HttpExchange) => ({
  isConnected: state.isConnected,
  responseStarted: state.responseStarted,
  responseComplete: state.responseComplete
})

const text = (event: HttpReceiveEvent): string =>
  event.type === "http.request" ? new TextDecoder().decode(event.body) : event.type

describe("HttpExchange", () => {
  describe.each(Object.entries(phases))("in phase %s", (phase, { path, next, text: expected }) => {
    it.effect.each(steps)("%s", (step) =>
      Effect.gen(function* () {
        const host = new FakeHost()
        yield* sendAll(host.exchange, path)
        const before = snapshot(host.exchange)
        const callsBefore = host.calls.length
        if (next.includes(step)) {
          yield* host.exchange.send(events[step])
          // The sink is told what ends the response: with trailers to come, that is not the body.
          const expectedCall =
            phase === "bodyBeforeTrailers" && step === "lastBody" ? ["body", "end", false] : calls[step]
          assert.deepStrictEqual(host.calls.slice(callsBefore), [expectedCall])
          return
        }
        const error = yield* Effect.flip(host.exchange.send(events[step]))
        assert.strictEqual(error.reason._tag, "EventOutOfOrder")
        assert.strictEqual(error.message, `${events[step].type}: ${expected}`)
        assert.strictEqual(host.calls.length, callsBefore)
        assert.deepStrictEqual(snapshot(host.exchange), before)
        // What was allowed before is still allowed.
        for (const allowed of next.slice(-1)) yield* host.exchange.send(events[allowed])
      })
    )
  })

  it.effect("fills in what an event leaves out", () =>
    Effect.gen(function* () {
      const host = new FakeHost()
      yield* host.exchange.send({ type: "http.response.informational", status: 102 })
      yield* host.exchange.send({ type: "http.response.start", status: 204, trailers: true })
      yield* host.exchange.send({ type: "http.response.body" })
      yield* host.exchange.send({ type: "http.response.trailers" })
      assert.deepStrictEqual(host.calls, [
        ["informational", 102, []],
        ["start", 204, [], true],
        ["body", "", false],
        ["trailers", []]
      ])
    })
  )

  it.effect("reports the progress of the response", () =>
    Effect.gen(function* () {
      const { exchange } = new FakeHost()
      const seen: Array<unknown> = []
      for (const step of ["informational", "start", "body", "lastBody"] as const) {
        yield* exchange.send(events[step])
        seen.push([exchange.state.responseStarted, exchange.state.responseComplete])
      }
      assert.deepStrictEqual(seen, [
        [false, false],
        [true, false],
        [true, false],
        [true, true]
      ])
    })
  )

  /**
   * An independent statement of the order: the accepted letters always form the beginning of a word of this language.
   */
  const language = /^[if]*($|s[bf]*($|l)|t[bf]*($|l(f*)($|r)))$/
  const letters: Readonly<Record<Step, string>> = {
    informational: "i",
    start: "s",
    startBeforeTrailers: "t",
    body: "b",
    lastBody: "l",
    trailers: "r",
    fullflush: "f"
  }

  it.effect.prop(
    "agrees with a grammar for every sequence of events",
    [Schema.Array(Schema.Literals([...steps, "invalid", "refused"]))],
    ([sequence]) =>
      Effect.gen(function* () {
        const host = new FakeHost({ highWaterMark: 1_000_000 })
        let accepted = ""
        for (const step of sequence) {
          if (step === "invalid") {
            // Unsound at run time, whatever the type says.
            const exit = yield* Effect.exit(host.exchange.send({ ...events.start, status: 99 }))
            assert.isTrue(Exit.isFailure(exit))
          } else if (step === "refused") {
            host.problem = "cannot"
            for (const any of steps) if (any !== "fullflush") yield* Effect.flip(host.exchange.send(events[any]))
            host.problem = undefined
          } else {
            const exit = yield* Effect.exit(host.exchange.send(events[step]))
            const isExpected = language.test(accepted + letters[step])
            assert.strictEqual(Exit.isSuccess(exit), isExpected, `${letters[step]} after "${accepted}"`)
            if (isExpected) accepted += letters[step]
          }
          assert.strictEqual(host.calls.length, accepted.length)
          assert.strictEqual(host.exchange.state.responseStarted, /[st]/.test(accepted))
          assert.strictEqual(host.exchange.state.responseComplete, /s.*l|r/.test(accepted))
        }
      }),
    { arbitrary: { runs: 500, size: 16 } }
  )

  describe("send", () => {
    it.effect("fails for an unsound event and leaves the exchange as it was", () =>
      Effect.gen(function* () {
        const host = new FakeHost()
        const error = yield* Effect.flip(host.exchange.send({ type: "http.response.start", status: 99 }))
        assert.strictEqual(error.reason._tag, "InvalidEvent")
        assert.deepStrictEqual(host.calls, [])
        yield* host.exchange.send(events.start)
      })
    )

    it.effect.each(["start", "body", "lastBody", "trailers"] as const)(
      "fails when the protocol refuses %s, and can then be repeated",
      (step) =>
        Effect.gen(function* () {
          const host = new FakeHost()
          const path: Readonly<Record<typeof step, ReadonlyArray<Step>>> = {
            start: [],
            body: ["start"],
            lastBody: ["start"],
            trailers: ["startBeforeTrailers", "lastBody"]
          }
          yield* sendAll(host.exchange, path[step])
          const before = snapshot(host.exchange)
          host.problem = "header value with a line break"
          const error = yield* Effect.flip(host.exchange.send(events[step]))
          assert.strictEqual(error.reason._tag, "ResponseRefused")
          assert.strictEqual(error.message, `${events[step].type}: header value with a line break`)
          assert.deepStrictEqual(snapshot(host.exchange), before)
          host.problem = undefined
          yield* host.exchange.send(events[step])
        })
    )

    it.effect("needs the extension for fullflush", () =>
      Effect.gen(function* () {
        const host = new FakeHost({ fullFlush: false })
        yield* host.exchange.send(events.start)
        const error = yield* Effect.flip(host.exchange.send(events.fullflush))
        assert.strictEqual(error.reason._tag, "ExtensionMissing")
        assert.include(error.message, `"fullflush"`)
        assert.strictEqual(host.calls.length, 1)
      })
    )

    it.effect("does nothing after the peer has left, not even check the event", () =>
      Effect.gen(function* () {
        const host = new FakeHost()
        yield* host.exchange.send(events.start)
        host.exchange.disconnect("client_closed")
        for (const step of steps) yield* host.exchange.send(events[step])
        yield* host.exchange.send({ type: "http.response.start", status: 99 })
        assert.strictEqual(host.calls.length, 1)
        assert.isFalse(host.exchange.state.responseComplete)
      })
    )

    it.effect("suspends above the high mark until the low mark is reached", () =>
      Effect.gen(function* () {
        const host = new FakeHost({ highWaterMark: 10, lowWaterMark: 4 })
        yield* host.exchange.send(events.start)
        yield* host.exchange.send({ type: "http.response.body", body: "x".repeat(10), more: true })
        const fiber = yield* Effect.forkChild(
          host.exchange.send({ type: "http.response.body", body: "x", more: true }),
          { startImmediately: true }
        )
        assert.isUndefined(fiber.pollUnsafe())
        host.drainTo(5)
        assert.isUndefined(fiber.pollUnsafe())
        host.drainTo(4)
        assert.deepStrictEqual(fiber.pollUnsafe(), Exit.void)
      })
    )

    it.effect("does not wait for the peer after the last event", () =>
      Effect.gen(function* () {
        const host = new FakeHost({ highWaterMark: 10 })
        yield* host.exchange.send(events.start)
        yield* host.exchange.send({ type: "http.response.body", body: "x".repeat(50) })
        assert.isTrue(host.exchange.state.responseComplete)
      })
    )

    it.effect("goes on when another fiber has completed the response meanwhile", () =>
      Effect.gen(function* () {
        const host = new FakeHost({ highWaterMark: 1 })
        yield* host.exchange.send(events.start)
        const fiber = yield* Effect.forkChild(host.exchange.send(events.body), { startImmediately: true })
        assert.isUndefined(fiber.pollUnsafe())
        yield* host.exchange.send(events.lastBody)
        assert.deepStrictEqual(fiber.pollUnsafe(), Exit.void)
      })
    )

    it.effect("goes on when the peer leaves while it is suspended", () =>
      Effect.gen(function* () {
        const host = new FakeHost({ highWaterMark: 1 })
        yield* host.exchange.send(events.start)
        const fiber = yield* Effect.forkChild(host.exchange.send(events.body), { startImmediately: true })
        assert.isUndefined(fiber.pollUnsafe())
        host.exchange.disconnect("write_timeout")
        assert.deepStrictEqual(fiber.pollUnsafe(), Exit.void)
      })
    )
  })

  describe("receive", () => {
    it.effect("hands out the body piece by piece", () =>
      Effect.gen(function* () {
        const host = new FakeHost()
        host.push("one")
        host.push("two", false)
        assert.strictEqual(text(yield* host.exchange.receive), "one")
        assert.deepStrictEqual(yield* host.exchange.receive, {
          type: "http.request",
          body: new TextEncoder().encode("two"),
          more: false
        })
      })
    )

    it.effect("waits for a piece that has not arrived", () =>
      Effect.gen(function* () {
        const host = new FakeHost()
        const fiber = yield* Effect.forkChild(host.exchange.receive, { startImmediately: true })
        host.exchange.readable()
        assert.isUndefined(fiber.pollUnsafe())
        host.push("late")
        assert.strictEqual(text(yield* Fiber.join(fiber)), "late")
      })
    )

    it.effect("answers disconnect after the response is complete, again and again", () =>
      Effect.gen(function* () {
        const host = new FakeHost()
        host.push("unread")
        yield* sendAll(host.exchange, ["start", "lastBody"])
        assert.strictEqual(text(yield* host.exchange.receive), "http.disconnect")
        assert.strictEqual(text(yield* host.exchange.receive), "http.disconnect")
      })
    )

    it.effect("answers disconnect after the peer has left, again and again", () =>
      Effect.gen(function* () {
        const host = new FakeHost()
        host.push("unread")
        host.exchange.disconnect("client_closed")
        assert.strictEqual(text(yield* host.exchange.receive), "http.disconnect")
        assert.strictEqual(text(yield* host.exchange.receive), "http.disconnect")
      })
    )

    it.effect("wakes everyone who waits when the response is complete or the peer leaves", () =>
      Effect.gen(function* () {
        const endings: ReadonlyArray<(host: FakeHost) => Effect.Effect<unknown, unknown>> = [
          (host) => sendAll(host.exchange, ["start", "lastBody"]),
          (host) => sendAll(host.exchange, ["startBeforeTrailers", "lastBody", "trailers"]),
          (host) => Effect.sync(() => host.exchange.disconnect("client_closed"))
        ]
        for (const end of endings) {
          const host = new FakeHost()
          const fibers = yield* Effect.forEach([1, 2, 3], () =>
            Effect.forkChild(host.exchange.receive, { startImmediately: true })
          )
          yield* end(host)
          const received = yield* Effect.forEach(fibers, Fiber.join)
          assert.deepStrictEqual(
            received.map(text),
            Array.from({ length: 3 }, () => "http.disconnect")
          )
        }
      })
    )

    it.effect("answers disconnect when pulling the body ends the exchange", () =>
      Effect.gen(function* () {
        const host = new FakeHost()
        host.onPull = () => host.exchange.disconnect("protocol_error")
        assert.strictEqual(text(yield* host.exchange.receive), "http.disconnect")
        const waiting = new FakeHost()
        const fiber = yield* Effect.forkChild(waiting.exchange.receive, { startImmediately: true })
        waiting.onPull = () => waiting.exchange.disconnect("protocol_error")
        waiting.exchange.readable()
        assert.strictEqual(text(yield* Fiber.join(fiber)), "http.disconnect")
      })
    )

    it.effect("serves several receivers in the order in which they came", () =>
      Effect.gen(function* () {
        const host = new FakeHost()
        const fibers = yield* Effect.forEach([1, 2, 3], () =>
          Effect.forkChild(host.exchange.receive, { startImmediately: true })
        )
        for (const piece of ["a", "b", "c"]) host.push(piece)
        const received = yield* Effect.forEach(fibers, Fiber.join)
        assert.deepStrictEqual(received.map(text), ["a", "b", "c"])
      })
    )

    it.effect("does not overtake those who wait", () =>
      Effect.gen(function* () {
        const host = new FakeHost()
        const first = yield* Effect.forkChild(host.exchange.receive, { startImmediately: true })
        host.input.push({ type: "http.request", body: new Uint8Array(1), more: true })
        const second = yield* Effect.forkChild(host.exchange.receive, { startImmediately: true })
        assert.isUndefined(second.pollUnsafe())
        host.push("second")
        assert.strictEqual(text(yield* Fiber.join(first)), "\0")
        assert.strictEqual(text(yield* Fiber.join(second)), "second")
      })
    )

    it.effect("forgets a receiver that is interrupted", () =>
      Effect.gen(function* () {
        const host = new FakeHost()
        const [first, second] = [
          yield* Effect.forkChild(host.exchange.receive, { startImmediately: true }),
          yield* Effect.forkChild(host.exchange.receive, { startImmediately: true })
        ]
        yield* Fiber.interrupt(first)
        host.push("for the second")
        assert.strictEqual(text(yield* Fiber.join(second)), "for the second")
        yield* Fiber.interrupt(yield* Effect.forkChild(host.exchange.receive, { startImmediately: true }))
        host.push("kept")
        assert.strictEqual(text(yield* host.exchange.receive), "kept")
      })
    )

    it.effect("loses no piece to a receiver that receives again at once", () =>
      Effect.gen(function* () {
        const host = new FakeHost()
        const received: Array<string> = []
        const reader = Effect.forever(
          Effect.map(host.exchange.receive, (event) => {
            received.push(text(event))
            // The application's step makes the driver look at its input again.
            if (received.length < 5) host.push(`again ${received.length}`)
          }),
          { disableYield: true }
        )
        const fiber = yield* Effect.forkChild(reader, { startImmediately: true })
        host.push("first")
        host.push("last")
        yield* Fiber.interrupt(fiber)
        assert.deepStrictEqual(received, ["first", "again 1", "again 2", "again 3", "again 4", "last"])
      })
    )

    it.effect("loses no piece when the driver becomes readable within a receiver's step", () =>
      Effect.gen(function* () {
        const host = new FakeHost()
        const first = yield* Effect.forkChild(
          Effect.tap(host.exchange.receive, () => Effect.sync(() => host.push("second"))),
          { startImmediately: true }
        )
        host.push("first")
        assert.strictEqual(text(yield* Fiber.join(first)), "first")
        assert.strictEqual(text(yield* host.exchange.receive), "second")
      })
    )
  })

  describe("with a fiber that is scheduled away before it waits", () => {
    /** The fiber yields after this many operations, over and over, so that some budget ends in every gap. */
    const budgets = [3, 4, 5, 6, 7, 8]
    const turns = (count: number) => Effect.replicateEffect(Effect.yieldNow, count, { discard: true })

    const isWoken = (waiting: Effect.Effect<unknown, unknown>, budget: number, yields: number, act: () => void) =>
      Effect.gen(function* () {
        const fiber = yield* Effect.forkChild(Effect.provideService(waiting, Scheduler.MaxOpsBeforeYield, budget), {
          startImmediately: true
        })
        yield* turns(yields)
        act()
        yield* turns(50)
        assert.isDefined(fiber.pollUnsafe(), `budget ${budget}, ${yields} yields`)
      })

    it.effect.each(budgets)("receive is woken with a budget of %i", (budget) =>
      Effect.gen(function* () {
        for (let yields = 0; yields < 10; yields++) {
          const host = new FakeHost()
          yield* isWoken(host.exchange.receive, budget, yields, () => host.push("piece"))
          const left = new FakeHost()
          yield* isWoken(left.exchange.receive, budget, yields, () => left.exchange.disconnect("client_closed"))
        }
      })
    )

    it.effect.each(budgets)("send is woken with a budget of %i", (budget) =>
      Effect.gen(function* () {
        for (let yields = 0; yields < 10; yields++) {
          for (const act of ["drain", "disconnect"]) {
            const host = new FakeHost({ highWaterMark: 2, lowWaterMark: 1 })
            yield* host.exchange.send(events.start)
            yield* isWoken(host.exchange.send(events.body), budget, yields, () => {
              // The piece may be sent only after this; the peer is to keep up with it.
              if (act === "disconnect") host.exchange.disconnect("client_closed")
              else if (host.exchange.writeBuffer.isFull) host.drainTo(0)
              else host.exchange.writeBuffer.onHighWater(() => queueMicrotask(() => host.drainTo(0)))
            })
          }
        }
      })
    )
  })

  describe("disconnect", () => {
    it.effect("happens once, and not after the response is complete", () =>
      Effect.gen(function* () {
        const { exchange } = new FakeHost()
        exchange.disconnect("client_closed")
        exchange.disconnect("write_timeout")
        assert.strictEqual(exchange.state.disconnectReason, "client_closed")
        const complete = new FakeHost().exchange
        yield* sendAll(complete, ["start", "lastBody"])
        complete.disconnect("client_closed")
        assert.isUndefined(complete.state.disconnectReason)
        assert.isTrue(complete.state.isConnected)
      })
    )

    it.effect("runs callbacks before http.disconnect is readable", () =>
      Effect.gen(function* () {
        const { exchange } = new FakeHost()
        const order: Array<string> = []
        const fiber = yield* Effect.forkChild(
          Effect.map(exchange.receive, (event) => order.push(event.type)),
          { startImmediately: true }
        )
        exchange.state.onDisconnect((reason) => order.push(reason))
        exchange.disconnect("read_error")
        yield* Fiber.join(fiber)
        assert.deepStrictEqual(order, ["read_error", "http.disconnect"])
      })
    )

    it("is not stopped by a callback that throws", () => {
      const host = new FakeHost()
      const order: Array<string> = []
      host.exchange.state.onDisconnect(() => {
        throw new Error("the application's fault")
      })
      host.exchange.state.onDisconnect((reason) => order.push(reason))
      host.exchange.disconnect("client_closed")
      assert.deepStrictEqual(order, ["client_closed"])
      assert.strictEqual(host.logged.length, 1)
    })
  })

  describe("onApplicationExit", () => {
    const cases: ReadonlyArray<{
      readonly name: string
      readonly path: ReadonlyArray<Step | "disconnect">
      readonly ending: string
      readonly logsReturn: boolean
      readonly logsFailure: boolean
    }> = [
      { name: "without a response", path: [], ending: "unanswered", logsReturn: true, logsFailure: true },
      { name: "before the end", path: ["start"], ending: "truncated", logsReturn: true, logsFailure: true },
      {
        name: "before the trailers",
        path: ["startBeforeTrailers", "lastBody"],
        ending: "truncated",
        logsReturn: true,
        logsFailure: true
      },
      { name: "when complete", path: ["start", "lastBody"], ending: "complete", logsReturn: false, logsFailure: true },
      {
        name: "after the peer",
        path: ["start", "disconnect"],
        ending: "disconnected",
        logsReturn: false,
        logsFailure: false
      }
    ]

    it.effect.each(cases)("$name: $ending", ({ path, ending, logsReturn, logsFailure }) =>
      Effect.gen(function* () {
        for (const exit of [Exit.void, Exit.fail("why")]) {
          const host = new FakeHost()
          for (const step of path) {
            if (step === "disconnect") host.exchange.disconnect("client_closed")
            else yield* host.exchange.send(events[step])
          }
          host.exchange.onApplicationExit(exit)
          assert.deepStrictEqual(host.calls.at(-1), ["end", ending])
          assert.strictEqual(host.logged.length, (Exit.isSuccess(exit) ? logsReturn : logsFailure) ? 1 : 0)
        }
      })
    )

    it.effect("does not take the interruption of one that ran on after its response for a failure", () =>
      Effect.gen(function* () {
        const complete = new FakeHost()
        yield* sendAll(complete.exchange, ["start", "lastBody"])
        complete.exchange.onApplicationExit(Exit.interrupt())
        assert.strictEqual(complete.logged.length, 0)
        const truncated = new FakeHost()
        yield* sendAll(truncated.exchange, ["start"])
        truncated.exchange.onApplicationExit(Exit.interrupt())
        assert.strictEqual(truncated.logged.length, 1)
      })
    )
  })
})
