import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Schema from "effect/Schema"
import { ExchangeState } from "../../src/contract/ConnectionState.ts"

const makeState = (exchange = { hasStarted: false }) => new ExchangeState(exchange, () => assert.fail("nothing to log"))

describe("ExchangeState", () => {
  it("begins connected, without a response", () => {
    const state = makeState()
    assert.isTrue(state.isConnected)
    assert.isUndefined(state.disconnectReason)
    assert.isFalse(state.responseStarted)
    assert.isFalse(state.responseComplete)
  })

  it("asks its exchange whether the response has started", () => {
    const exchange = { hasStarted: false }
    const state = makeState(exchange)
    exchange.hasStarted = true
    assert.isTrue(state.responseStarted)
  })

  it.effect("tells of a disconnect in the order of the contract", () =>
    Effect.gen(function* () {
      const state = makeState()
      const seen: Array<unknown> = []
      const facts = () => [state.isConnected, state.disconnectReason]
      state.onDisconnect((reason) => seen.push(["first", reason, ...facts()]))
      const waiter = yield* Effect.forkChild(
        Effect.map(state.disconnected, (reason) => seen.push(["disconnected", reason, ...facts()])),
        { startImmediately: true }
      )
      state.onDisconnect((reason) => seen.push(["second", reason, ...facts()]))
      state.onComplete(() => seen.push("complete"))
      assert.isTrue(state.disconnect("client_closed"))
      yield* Fiber.join(waiter)
      assert.deepStrictEqual(seen, [
        ["disconnected", "client_closed", false, "client_closed"],
        ["first", "client_closed", false, "client_closed"],
        ["second", "client_closed", false, "client_closed"]
      ])
    })
  )

  it("tells of completion in the order of registration", () => {
    const state = makeState()
    const seen: Array<unknown> = []
    state.onComplete(() => seen.push(["first", state.responseComplete]))
    state.onDisconnect(() => seen.push("disconnect"))
    state.onComplete(() => seen.push(["second", state.isConnected]))
    state.complete()
    assert.deepStrictEqual(seen, [
      ["first", true],
      ["second", true]
    ])
  })

  it("runs a callback that is registered late at once", () => {
    const left = makeState()
    const complete = makeState()
    const seen: Array<string> = []
    left.disconnect("idle_timeout")
    complete.complete()
    left.onDisconnect((reason) => seen.push(reason))
    complete.onComplete(() => seen.push("complete"))
    assert.deepStrictEqual(seen, ["idle_timeout", "complete"])
  })

  it("never runs a callback for what can no longer happen", () => {
    const left = makeState()
    const complete = makeState()
    left.disconnect("idle_timeout")
    complete.complete()
    left.onComplete(() => assert.fail("disconnected exchanges do not complete"))
    complete.onDisconnect(() => assert.fail("complete exchanges do not disconnect"))
    left.complete()
    assert.isFalse(complete.disconnect("client_closed"))
  })

  it("runs a callback that is registered within another one once", () => {
    const state = makeState()
    const seen: Array<string> = []
    state.onDisconnect(() => {
      seen.push("outer")
      state.onDisconnect(() => seen.push("inner"))
    })
    state.disconnect("client_closed")
    assert.deepStrictEqual(seen, ["outer", "inner"])
  })

  it("logs a callback that throws and runs the others", () => {
    const logged: Array<unknown> = []
    const state = new ExchangeState({ hasStarted: false }, (effect) => logged.push(effect))
    const seen: Array<string> = []
    state.onComplete(() => {
      throw new Error("the application's fault")
    })
    state.onComplete(() => seen.push("complete"))
    state.complete()
    assert.deepStrictEqual(seen, ["complete"])
    assert.strictEqual(logged.length, 1)
  })

  describe("disconnected", () => {
    it.effect("completes at once when the peer has left already", () =>
      Effect.gen(function* () {
        const state = makeState()
        state.disconnect("x-test")
        assert.strictEqual(yield* state.disconnected, "x-test")
      })
    )

    it.effect("does not complete when the response does", () =>
      Effect.gen(function* () {
        const state = makeState()
        const early = yield* Effect.forkChild(state.disconnected, { startImmediately: true })
        state.complete()
        const late = yield* Effect.forkChild(state.disconnected, { startImmediately: true })
        state.disconnect("client_closed")
        assert.isUndefined(early.pollUnsafe())
        assert.isUndefined(late.pollUnsafe())
      })
    )

    it.effect("can be interrupted, and waited for by several", () =>
      Effect.gen(function* () {
        const state = makeState()
        const [first, second, third] = [
          yield* Effect.forkChild(state.disconnected, { startImmediately: true }),
          yield* Effect.forkChild(state.disconnected, { startImmediately: true }),
          yield* Effect.forkChild(state.disconnected, { startImmediately: true })
        ]
        yield* Fiber.interrupt(second)
        state.disconnect("read_error")
        assert.deepStrictEqual(first.pollUnsafe(), Exit.succeed("read_error" as const))
        assert.isTrue(Exit.hasInterrupts(yield* Fiber.await(second)))
        assert.strictEqual(yield* Fiber.join(third), "read_error")
      })
    )
  })

  it.prop(
    "sees exactly one of disconnect and complete, each callback once",
    [Schema.Array(Schema.Literals(["disconnect", "complete", "onDisconnect", "onComplete"]))],
    ([steps]) => {
      const state = makeState()
      let outcome: "disconnect" | "complete" | undefined
      const registered = { disconnect: 0, complete: 0 }
      const ran = { disconnect: 0, complete: 0 }
      for (const step of steps) {
        switch (step) {
          case "disconnect":
            assert.strictEqual(state.disconnect("client_closed"), outcome === undefined)
            outcome ??= "disconnect"
            break
          case "complete":
            state.complete()
            outcome ??= "complete"
            break
          case "onDisconnect":
            registered.disconnect++
            state.onDisconnect(() => ran.disconnect++)
            break
          case "onComplete":
            registered.complete++
            state.onComplete(() => ran.complete++)
        }
        assert.strictEqual(state.isConnected, outcome !== "disconnect")
        assert.strictEqual(state.responseComplete, outcome === "complete")
        assert.strictEqual(ran.disconnect, outcome === "disconnect" ? registered.disconnect : 0)
        assert.strictEqual(ran.complete, outcome === "complete" ? registered.complete : 0)
      }
    }
  )
})
