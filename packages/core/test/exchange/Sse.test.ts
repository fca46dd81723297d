import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import type { SseSendEvent } from "../../src/contract/Event.ts"
import type { SseExchange } from "../../src/exchange/Sse.ts"
import { FakeSseHost } from "../support/FakeHost.ts"
import { events, sendAll, type Step, text, timed } from "../support/SseSteps.ts"

const streamFields = [
  ["content-type", "text/event-stream"],
  ["cache-control", "no-cache"]
]

const calls: Readonly<Record<Step, ReadonlyArray<ReadonlyArray<unknown>>>> = {
  start: [["start", 200, [["x-a", "1"], ...streamFields], false]],
  send: [["body", "event: e\nid: 7\ndata: one\n\n", false]],
  comment: [["body", ":hm\n\n", false]],
  keepalive: [],
  close: [["body", "", true]],
  responseStart: [["start", 403, [["x-b", "2"]], false]],
  body: [["body", "piece", false]],
  lastBody: [["body", "end", true]]
}

/** Each phase with the steps that lead to it, what may follow, and how an error describes it. */
const phases: Readonly<
  Record<string, { readonly path: ReadonlyArray<Step>; readonly next: ReadonlyArray<Step>; readonly text: string }>
> = {
  awaitingStart: {
    path: [],
    next: ["start", "responseStart"],
    text: "neither sse.start nor sse.http.response.start has been sent"
  },
  streaming: {
    path: ["start"],
    next: ["comment", "keepalive", "close", "send"],
    text: "the event stream has started; only its events may follow"
  },
  streamingOn: {
    path: ["start", "send", "keepalive", "comment"],
    next: ["comment", "keepalive", "close", "send"],
    text: "the event stream has started; only its events may follow"
  },
  closed: { path: ["start", "send", "close"], next: ["close"], text: "the event stream is closed" },
  declining: {
    path: ["responseStart"],
    next: ["body", "lastBody"],
    text: "an ordinary response has started; only sse.http.response.body may follow"
  },
  decliningOn: {
    path: ["responseStart", "body"],
    next: ["body", "lastBody"],
    text: "an ordinary response has started; only sse.http.response.body may follow"
  },
  declined: { path: ["responseStart", "lastBody"], next: [], text: "the response is complete" }
}

const steps = Object.keys(events) as ReadonlyArray<Step>
const snapshot = ({ state }: SseExchange) => ({
  isConnected: state.isConnected,
  responseStarted: state.responseStarted,
  responseComplete: state.responseComplete
})

const rejected: ReadonlyArray<readonly [event: SseSendEvent, problem: RegExp]> = [
  [{ type: "sse.send", data: "", event: "a\nb" }, /at \["event"\]/],
  [{ type: "sse.send", data: "", event: "a\rb" }, /at \["event"\]/],
  [{ type: "sse.send", data: "", event: "a\n" }, /at \["event"\]/],
  [{ type: "sse.send", data: "", id: "a\nb" }, /at \["id"\]/],
  [{ type: "sse.send", data: "", id: "a\r" }, /at \["id"\]/],
  [{ type: "sse.send", data: "", id: "a\0" }, /at \["id"\]/],
  [{ type: "sse.send", data: "", retry: -1 }, /at \["retry"\]/],
  [{ type: "sse.send", data: "", retry: 1.5 }, /at \["retry"\]/],
  [{ type: "sse.send", data: "", retry: 1e21 }, /at \["retry"\]/],
  [{ type: "sse.send", data: "", retry: Number.NaN }, /at \["retry"\]/],
  [{ type: "sse.keepalive", interval: -1 }, /at \["interval"\]/],
  [{ type: "sse.keepalive", interval: Number.POSITIVE_INFINITY }, /at \["interval"\]/]
]

describe("SseExchange", () => {
  describe.each(Object.entries(phases))("in phase %s", (_, { path, next, text: expected }) => {
    it.effect.each(steps)("%s", (step) =>
      Effect.gen(function* () {
        const host = new FakeSseHost()
        yield* sendAll(host.exchange, path)
        const before = snapshot(host.exchange)
        const callsBefore = host.calls.length
        if (next.includes(step)) {
          yield* host.exchange.send(events[step])
          assert.deepStrictEqual(host.calls.slice(callsBefore), path.includes("close") ? [] : calls[step])
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

  /** An independent statement of the order: the accepted letters always form the beginning of a word of this language. */
  const language = /^(s[eck]*x*|r(b*l?))?$/
  const letters: Readonly<Record<Step, string>> = {
    start: "s",
    send: "e",
    comment: "c",
    keepalive: "k",
    close: "x",
    responseStart: "r",
    body: "b",
    lastBody: "l"
  }

  it.effect.prop(
    "agrees with a grammar for every sequence of events",
    [Schema.Array(Schema.Literals(steps))],
    ([sequence]) =>
      Effect.gen(function* () {
        const { exchange } = new FakeSseHost({ highWaterMark: 1_000_000 })
        let accepted = ""
        for (const step of sequence) {
          const exit = yield* Effect.exit(exchange.send(events[step]))
          const isWord = language.test(accepted + letters[step])
          assert.strictEqual(Exit.isSuccess(exit), isWord, `${accepted}, then ${letters[step]}`)
          if (isWord) accepted += letters[step]
        }
        assert.strictEqual(exchange.state.responseComplete, /[xl]$/.test(accepted))
      })
  )

  it.effect("fills in what an event leaves out", () =>
    Effect.gen(function* () {
      const host = new FakeSseHost()
      yield* host.exchange.send({ type: "sse.start" })
      yield* host.exchange.send({ type: "sse.send", data: "" })
      yield* host.exchange.send({ type: "sse.close" })
      assert.deepStrictEqual(host.calls, [
        ["start", 200, streamFields, false],
        ["body", "data: \n\n", false],
        ["body", "", true]
      ])
      const declining = new FakeSseHost()
      yield* declining.exchange.send({ type: "sse.http.response.start", status: 404 })
      yield* declining.exchange.send({ type: "sse.http.response.body" })
      assert.deepStrictEqual(declining.calls, [
        ["start", 404, [], false],
        ["body", "", true]
      ])
    })
  )

  it.effect("leaves what the application says about the stream", () =>
    Effect.gen(function* () {
      const host = new FakeSseHost()
      const headers = [
        ["Content-Type", "text/event-stream; charset=utf-8"],
        ["CACHE-CONTROL", "no-store"]
      ] as const
      yield* host.exchange.send({ type: "sse.start", status: 201, headers })
      assert.deepStrictEqual(host.calls, [["start", 201, headers, false]])
    })
  )

  it.effect("refuses a content-length, and then takes a better start", () =>
    Effect.gen(function* () {
      const host = new FakeSseHost()
      const error = yield* Effect.flip(host.exchange.send({ type: "sse.start", headers: [["Content-Length", "5"]] }))
      assert.strictEqual(error.reason._tag, "ResponseRefused")
      assert.strictEqual(error.message, "sse.start: an event stream has no content-length")
      assert.deepStrictEqual([host.calls, host.exchange.state.responseStarted], [[], false])
      yield* host.exchange.send({ type: "sse.http.response.start", status: 200, headers: [["content-length", "0"]] })
    })
  )

  it.effect.each(rejected)("refuses %j and writes nothing of it", ([event, problem]) =>
    Effect.gen(function* () {
      const host = new FakeSseHost()
      yield* host.exchange.send(events.start)
      const error = yield* Effect.flip(host.exchange.send(event))
      assert.strictEqual(error.reason._tag, "InvalidEvent")
      assert.match(error.message, problem)
      assert.strictEqual(host.calls.length, 1)
      yield* host.exchange.send(events.send)
    })
  )

  it.effect("stays as it was when the driver refuses", () =>
    Effect.gen(function* () {
      const host = new FakeSseHost()
      for (const event of [events.start, events.responseStart]) {
        host.problem = "no"
        const error = yield* Effect.flip(host.exchange.send(event))
        assert.strictEqual(error.message, `${event.type}: no`)
        assert.isFalse(host.exchange.state.responseStarted)
      }
      host.problem = undefined
      yield* sendAll(host.exchange, ["start", "send"])
    })
  )

  it.effect("logs the reason of a close, once", () =>
    Effect.gen(function* () {
      const host = new FakeSseHost()
      yield* sendAll(host.exchange, ["start", "close", "close"])
      assert.strictEqual(host.logged.length, 1)
      assert.strictEqual(host.calls.length, 2)
    })
  )

  it.effect("does nothing after the peer has left", () =>
    Effect.gen(function* () {
      for (const path of [[], ["start"], ["responseStart"]] as const) {
        const host = new FakeSseHost()
        yield* sendAll(host.exchange, path)
        host.exchange.disconnect("client_closed")
        const before = host.calls.length
        yield* sendAll(host.exchange, steps)
        assert.strictEqual(host.calls.length, before)
      }
    })
  )

  it.effect("suspends above the high mark until the low mark is reached", () =>
    Effect.gen(function* () {
      const host = new FakeSseHost({ highWaterMark: 10, lowWaterMark: 4 })
      yield* host.exchange.send(events.start)
      const fiber = yield* Effect.forkChild(host.exchange.send(events.send), { startImmediately: true })
      host.drainTo(5)
      assert.isUndefined(fiber.pollUnsafe())
      host.drainTo(4)
      assert.deepStrictEqual(fiber.pollUnsafe(), Exit.void)
      yield* Effect.forkChild(host.exchange.send(events.send), { startImmediately: true })
      yield* host.exchange.send(events.close) // Does not wait.
    })
  )

  describe("a response without a body", () => {
    it.effect.each([204, 205, 304])("%i is over at once, and later events go nowhere", (status) =>
      Effect.gen(function* () {
        const { deadlines, host } = yield* timed({ highWaterMark: 1, sseIdleTicks: 10 })
        yield* host.exchange.send({ type: "sse.start", status })
        assert.isTrue(host.exchange.state.responseComplete)
        yield* sendAll(host.exchange, ["send", "comment", "keepalive", "close", "close"])
        assert.deepStrictEqual(host.calls, [
          ["start", status, streamFields, false],
          ["body", "", true]
        ])
        assert.strictEqual(text(yield* host.exchange.receive), "sse.disconnect closed")
        assert.strictEqual((yield* Effect.flip(host.exchange.send(events.send))).reason._tag, "EventOutOfOrder")
        assert.strictEqual(deadlines.size, 0)
      })
    )
  })

  describe("receive", () => {
    it.effect("hands out the body piece by piece, and then waits", () =>
      Effect.gen(function* () {
        const host = new FakeSseHost()
        host.push("one")
        host.push("two", false)
        assert.strictEqual(text(yield* host.exchange.receive), "one")
        assert.deepStrictEqual(yield* host.exchange.receive, {
          type: "sse.request",
          body: new TextEncoder().encode("two"),
          more: false
        })
        const fiber = yield* Effect.forkChild(host.exchange.receive, { startImmediately: true })
        assert.isUndefined(fiber.pollUnsafe())
        host.exchange.disconnect("write_timeout")
        assert.strictEqual(text(yield* Fiber.join(fiber)), "sse.disconnect write_timeout")
        assert.strictEqual(text(yield* host.exchange.receive), "sse.disconnect write_timeout")
      })
    )

    it.effect("tells of the application's own end with the reason closed, again and again", () =>
      Effect.gen(function* () {
        for (const path of [
          ["start", "close"],
          ["responseStart", "lastBody"]
        ] as const) {
          const host = new FakeSseHost()
          const fiber = yield* Effect.forkChild(host.exchange.receive, { startImmediately: true })
          yield* sendAll(host.exchange, path)
          assert.strictEqual(text(yield* Fiber.join(fiber)), "sse.disconnect closed")
          assert.strictEqual(text(yield* host.exchange.receive), "sse.disconnect closed")
        }
      })
    )

    it.effect("who is woken by the end cannot send behind it", () =>
      Effect.gen(function* () {
        const endings: ReadonlyArray<(host: FakeSseHost) => Effect.Effect<unknown, unknown>> = [
          (host) => host.exchange.send(events.close),
          (host) => Effect.sync(() => host.exchange.onApplicationExit(Exit.void))
        ]
        for (const end of endings) {
          const host = new FakeSseHost()
          yield* host.exchange.send(events.start)
          const fiber = yield* Effect.forkChild(
            Effect.andThen(host.exchange.receive, Effect.flip(host.exchange.send(events.send))),
            { startImmediately: true }
          )
          yield* end(host)
          assert.strictEqual((yield* Fiber.join(fiber)).message, "sse.send: the event stream is closed")
          assert.deepStrictEqual(
            host.calls.filter(([name]) => name === "body"),
            [["body", "", true]]
          )
        }
      })
    )
  })

  describe("onApplicationExit", () => {
    const cases: ReadonlyArray<{
      readonly name: string
      readonly path: ReadonlyArray<Step | "disconnect">
      readonly returned: string
      readonly failed: string
      readonly logs: readonly [returned: number, failed: number]
    }> = [
      { name: "without a response", path: [], returned: "unanswered", failed: "unanswered", logs: [1, 1] },
      { name: "in a stream", path: ["start", "send"], returned: "complete", failed: "truncated", logs: [0, 1] },
      { name: "after a close", path: ["start", "close"], returned: "complete", failed: "complete", logs: [1, 2] },
      {
        name: "in an ordinary response",
        path: ["responseStart", "body"],
        returned: "truncated",
        failed: "truncated",
        logs: [1, 1]
      },
      {
        name: "after an ordinary response",
        path: ["responseStart", "lastBody"],
        returned: "complete",
        failed: "complete",
        logs: [0, 1]
      },
      {
        name: "after the peer",
        path: ["start", "disconnect"],
        returned: "disconnected",
        failed: "disconnected",
        logs: [0, 0]
      }
    ]

    it.effect.each(cases)("$name: $returned, or $failed after a failure", ({ path, returned, failed, logs }) =>
      Effect.gen(function* () {
        for (const [index, exit] of [Exit.void, Exit.fail("why")].entries()) {
          const host = new FakeSseHost()
          for (const step of path) {
            if (step === "disconnect") host.exchange.disconnect("client_closed")
            else yield* host.exchange.send(events[step])
          }
          host.exchange.onApplicationExit(exit)
          assert.deepStrictEqual(host.calls.at(-1), ["end", Exit.isSuccess(exit) ? returned : failed])
          assert.strictEqual(host.logged.length, logs[index])
        }
      })
    )

    it.effect("ends the stream for good: what a fiber that was left behind sends fails", () =>
      Effect.gen(function* () {
        const { deadlines, host } = yield* timed({ sseIdleTicks: 10 })
        yield* sendAll(host.exchange, ["start", "keepalive"])
        host.exchange.onApplicationExit(Exit.void)
        const before = host.calls.length
        assert.deepStrictEqual(host.calls.slice(-2), [
          ["body", "", true],
          ["end", "complete"]
        ])
        for (const step of ["send", "comment", "keepalive"] as const) {
          const error = yield* Effect.flip(host.exchange.send(events[step]))
          assert.strictEqual(error.reason._tag, "EventOutOfOrder")
        }
        yield* host.exchange.send(events.close)
        yield* TestClock.adjust("1 minute")
        assert.strictEqual(host.calls.length, before)
        assert.strictEqual(deadlines.size, 0)
      })
    )
  })

  it.effect("may stall only while it is not a stream", () =>
    Effect.gen(function* () {
      const { exchange } = new FakeSseHost()
      assert.isTrue(exchange.mayStall)
      yield* exchange.send(events.start)
      assert.isFalse(exchange.mayStall)
      const declining = new FakeSseHost().exchange
      yield* declining.send(events.responseStart)
      assert.isTrue(declining.mayStall)
    })
  )
})
