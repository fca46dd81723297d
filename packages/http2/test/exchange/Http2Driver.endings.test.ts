import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Latch from "effect/Latch"
import * as EffectScope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import { CANCEL, NO_ERROR } from "../../src/protocol/wire/ErrorCode.ts"
import { echo, hello, piece, readBody, recorded, respond, start } from "@pagi/core/test/drivers/support/Applications"
import { assertNothingLeft, finish, makeHarness, turn } from "./support/DriverHarness.ts"

/** Applications that go wrong before their response starts. */
const broken = {
  "fails before the start": recorded<unknown>(() => Effect.fail(new Error("broken"))),
  "dies before the start": recorded<unknown>(() => Effect.die(new Error("broken"))),
  "throws instead of returning an Effect": recorded<unknown>(() => {
    throw new Error("broken")
  }),
  "fails later": recorded<unknown>(() => Effect.andThen(Effect.yieldNow, Effect.fail(new Error("broken")))),
  "returns without a response": recorded<unknown>(() => Effect.void),
  "returns later without a response": recorded<unknown>(() => Effect.yieldNow),
  "reads the content and returns": recorded<unknown>((_, receive) => readBody(receive)),
  "sends an interim response only": recorded<unknown>((_, __, send) =>
    send({ type: "http.response.informational", status: 103 })
  ),
  "fails after a start that has not been written": recorded<unknown>((_, __, send) =>
    Effect.andThen(send(start()), Effect.fail("broken"))
  )
}

const post = { method: "POST", more: true } as const

/** Notes why exchanges end, what they receive then, and whether they are interrupted; runs on for a while. */
const lingering = () => {
  const notes: Array<string> = []
  const app = recorded<unknown>(({ connection }, receive, send) =>
    Effect.gen(function* () {
      connection.onDisconnect((reason) => notes.push(`${reason} ${connection.isConnected}`))
      connection.onComplete(() => notes.push("complete"))
      yield* send(start())
      yield* send(piece("part"))
      for (;;) {
        const event = yield* receive
        if (event.type === "http.disconnect") break
      }
      notes.push("http.disconnect")
      yield* send(piece("nobody reads this"))
      yield* Effect.never
    }).pipe(Effect.onInterrupt(() => Effect.sync(() => notes.push("interrupted"))))
  )
  return { ...app, notes }
}

describe("an application that does not answer", () => {
  for (const [name, { application }] of Object.entries(broken)) {
    it.effect(`${name} → 500, logged once, and the connection goes on`, () =>
      Effect.gen(function* () {
        const harness = yield* makeHarness(application)
        const peer = harness.connect()
        const id = peer.request()
        yield* turn
        const { body, isComplete, reset, status } = peer.response(id)
        assert.deepStrictEqual([status, isComplete, reset], [500, true, undefined])
        assert.notInclude(body, "broken")
        assert.strictEqual(harness.errors.length, 1)
        assert.deepStrictEqual(
          harness.log.map(({ outcome, status }) => [status, outcome]),
          [[500, "server_error"]]
        )
        const head = peer.request({ method: "HEAD" })
        yield* turn
        assert.deepStrictEqual([peer.response(head).status, peer.response(head).body], [500, ""])
        assert.deepStrictEqual(peer.goAways, [])
        yield* finish(harness, peer)
      })
    )
  }

  for (const [name, later] of [
    ["at once", Effect.void],
    ["later", Effect.yieldNow]
  ] as const) {
    for (const [what, end] of [
      ["fails", Effect.fail("broken")],
      ["returns", Effect.void]
    ] as const) {
      it.effect(`${what} ${name} after the start → RST_STREAM INTERNAL_ERROR, logged once`, () =>
        Effect.gen(function* () {
          const notes: Array<string> = []
          const { application } = recorded<unknown>(({ connection }, _, send) =>
            Effect.gen(function* () {
              connection.onDisconnect((reason) => notes.push(`${reason} ${connection.isConnected}`))
              connection.onComplete(() => notes.push("complete"))
              yield* send(start())
              yield* send(piece("part"))
              yield* later
              return yield* end
            })
          )
          const harness = yield* makeHarness(application)
          const peer = harness.connect()
          const id = peer.request()
          yield* turn
          const { isComplete, reset, status } = peer.response(id)
          assert.deepStrictEqual([status, isComplete, reset], [200, false, "INTERNAL_ERROR"])
          assert.strictEqual(harness.errors.length, 1)
          assert.deepStrictEqual(notes, ["server_error false"])
          assert.strictEqual(peer.transport.ending, "open")
          yield* finish(harness, peer)
        })
      )
    }
  }

  it.effect("fails after its response → nothing of that reaches the peer, and it is logged", () =>
    Effect.gen(function* () {
      const { application } = recorded<unknown>((_, __, send) =>
        Effect.andThen(respond(send, "ok"), Effect.andThen(Effect.yieldNow, Effect.fail("broken")))
      )
      const harness = yield* makeHarness(application)
      const peer = harness.connect()
      const id = peer.request()
      yield* turn
      assert.deepStrictEqual([peer.response(id).body, peer.response(id).reset], ["ok", undefined])
      assert.strictEqual(harness.errors.length, 1)
      yield* finish(harness, peer)
    })
  )
})

describe("a peer that leaves", () => {
  for (const [name, leave, expected] of [
    ["the stream by RST_STREAM CANCEL", "reset", "client_closed"],
    ["by closing its side", "end", "client_closed"],
    ["by breaking the connection", "break", "client_closed"],
    ["with an error of the connection", "error", "read_error"],
    ["by breaking a rule on the connection", "violation", "protocol_error"]
  ] as const) {
    it.effect(`${name}: the application is told, and interrupted after disconnectGrace`, () =>
      Effect.gen(function* () {
        const { application, notes, scopes } = lingering()
        const harness = yield* makeHarness(application, { options: { disconnectGrace: "5 seconds" } })
        const peer = harness.connect()
        const id = peer.request(post)
        yield* turn
        if (leave === "reset") peer.reset(id, CANCEL)
        else if (leave === "end") peer.transport.pushEnd()
        else if (leave === "violation") peer.frame(0, 0, 0)
        else peer.transport.fail(leave === "error" ? "read_error" : undefined)
        yield* turn
        assert.deepStrictEqual(notes, [`${expected} false`, "http.disconnect"])
        assert.strictEqual(scopes[0]?.connection.disconnectReason, expected)
        yield* TestClock.adjust("4900 millis")
        assert.strictEqual(notes.length, 2)
        yield* TestClock.adjust("300 millis")
        yield* turn
        assert.deepStrictEqual(notes.slice(2), ["interrupted"])
        assert.deepStrictEqual(harness.errors, [])
        assert.deepStrictEqual(
          harness.log.map(({ outcome, status }) => [status, outcome]),
          [[200, expected]]
        )
        yield* finish(harness, peer)
      })
    )
  }

  it.effect("a stream leaves the others as they are", () =>
    Effect.gen(function* () {
      const mayAnswer = Latch.makeUnsafe()
      const { application, scopes } = recorded<unknown>((_, __, send) =>
        Effect.andThen(mayAnswer.await, respond(send, "ok"))
      )
      const harness = yield* makeHarness(application)
      const peer = harness.connect()
      const ids = [peer.request(), peer.request(), peer.request()]
      peer.reset(ids[1] ?? 0, CANCEL)
      mayAnswer.openUnsafe()
      yield* turn
      assert.deepStrictEqual(
        ids.map((id) => peer.response(id).body),
        ["ok", "", "ok"]
      )
      assert.deepStrictEqual(
        scopes.map(({ connection }) => connection.disconnectReason),
        [undefined, "client_closed", undefined]
      )
      yield* finish(harness, peer)
    })
  )

  it.effect("with a grace of 0 the application is interrupted at once", () =>
    Effect.gen(function* () {
      const { application, notes } = lingering()
      const harness = yield* makeHarness(application, { options: { disconnectGrace: 0 } })
      const peer = harness.connect()
      peer.reset(peer.request(), CANCEL)
      yield* turn
      assert.strictEqual(notes.at(-1), "interrupted")
      yield* finish(harness, peer)
    })
  )

  it.effect("no 500 is made and no error logged for an application that fails after that", () =>
    Effect.gen(function* () {
      const { application } = recorded<unknown>(({ connection }) =>
        Effect.andThen(connection.disconnected, Effect.fail("broken"))
      )
      const harness = yield* makeHarness(application)
      const peer = harness.connect()
      const id = peer.request()
      yield* turn
      peer.reset(id, CANCEL)
      yield* turn
      assert.deepStrictEqual(harness.errors, [])
      assert.strictEqual(peer.response(id).status, undefined)
      yield* finish(harness, peer)
    })
  )

  it.effect("a response that is complete reaches a peer that has closed its side, as far as its windows allow", () =>
    Effect.gen(function* () {
      const { application } = recorded<unknown>((_, __, send) => respond(send, "x".repeat(50_000)))
      const harness = yield* makeHarness(application)
      const peer = harness.connect({ capacity: 1000 })
      const id = peer.request()
      yield* turn
      peer.transport.pushEnd()
      peer.readAll()
      yield* turn
      peer.readAll()
      assert.strictEqual(peer.response(id).body.length, 50_000)
      assert.isTrue(peer.response(id).isComplete)
      yield* finish(harness)
    })
  )

  it.effect("GOAWAY of the peer ends nothing that has begun", () =>
    Effect.gen(function* () {
      const harness = yield* makeHarness(recorded(echo).application)
      const peer = harness.connect()
      const id = peer.request(post)
      peer.frame(7, 0, 0, "\0".repeat(8))
      peer.end(id, "x")
      yield* turn
      assert.strictEqual(peer.response(id).body, "POST / x")
      yield* finish(harness, peer)
    })
  )
})

describe("a response that is complete before the request", () => {
  it.effect("is delivered; up to 64 KiB more are skipped, then the stream is reset with NO_ERROR", () =>
    Effect.gen(function* () {
      const harness = yield* makeHarness(recorded(hello).application)
      const peer = harness.connect()
      const id = peer.request(post)
      yield* turn
      assert.isTrue(peer.response(id).isComplete)
      for (let sent = 0; sent < 4; sent++) peer.data(id, "x".repeat(16_384))
      yield* turn
      assert.strictEqual(peer.response(id).reset, undefined)
      peer.data(id, "x")
      yield* turn
      assert.strictEqual(peer.response(id).reset, "NO_ERROR")
      peer.data(id, "still under way")
      peer.end(id)
      const next = peer.request()
      yield* turn
      assert.strictEqual(peer.response(next).body, "hello /")
      yield* finish(harness, peer)
    })
  )

  it.effect("is reset with NO_ERROR also when the rest does not come within headersTimeout", () =>
    Effect.gen(function* () {
      const harness = yield* makeHarness(recorded(hello).application, { options: { headersTimeout: "3 seconds" } })
      const peer = harness.connect()
      const id = peer.request(post)
      yield* TestClock.adjust("2900 millis")
      assert.strictEqual(peer.response(id).reset, undefined)
      yield* TestClock.adjust("300 millis")
      assert.strictEqual(peer.response(id).reset, "NO_ERROR")
      assert.strictEqual(harness.log[0]?.outcome, "complete")
      yield* finish(harness, peer)
    })
  )

  it.effect("closes the stream in order when the rest comes", () =>
    Effect.gen(function* () {
      const harness = yield* makeHarness(recorded(hello).application, { options: { headersTimeout: "3 seconds" } })
      const peer = harness.connect()
      const id = peer.request(post)
      yield* turn
      peer.data(id, "abc")
      peer.headers(id, [["x", "y"]], true)
      yield* TestClock.adjust("4 seconds")
      assert.strictEqual(peer.response(id).reset, undefined)
      yield* finish(harness, peer)
    })
  )

  it.effect("does not hold up the close of a peer that has closed its side", () =>
    Effect.gen(function* () {
      const harness = yield* makeHarness(recorded(hello).application)
      const peer = harness.connect()
      const id = peer.request(post)
      yield* turn
      assert.isTrue(peer.response(id).isComplete)
      yield* finish(harness, peer)
    })
  )

  it.effect("and reset by the peer with NO_ERROR is complete all the same", () =>
    Effect.gen(function* () {
      const harness = yield* makeHarness(recorded(hello).application)
      const peer = harness.connect()
      const id = peer.request(post)
      yield* turn
      peer.reset(id, NO_ERROR)
      yield* turn
      assert.strictEqual(harness.log[0]?.outcome, "complete")
      yield* finish(harness, peer)
    })
  )
})

describe("the server", () => {
  it.effect("abort: the applications are told, and the peer gets GOAWAY", () =>
    Effect.gen(function* () {
      const { application, notes } = lingering()
      const harness = yield* makeHarness(application)
      const peer = harness.connect()
      peer.request()
      yield* turn
      harness.server.registry.abort("server_shutdown")
      yield* turn
      assert.deepStrictEqual(notes, ["server_shutdown false", "http.disconnect"])
      assert.deepStrictEqual(peer.goAways, ["NO_ERROR"])
      assert.strictEqual(peer.transport.ending, "destroyed")
      assert.strictEqual(harness.server.registry.size, 1, "until the application has ended")
      yield* TestClock.adjust("6 seconds")
      yield* turn
      assert.strictEqual(notes.at(-1), "interrupted")
      assertNothingLeft(harness)
    })
  )

  it.effect("the scope closes: applications are told, then interrupted, and waited for", () =>
    Effect.gen(function* () {
      const { application, notes } = lingering()
      const harness = yield* makeHarness(application)
      const peer = harness.connect()
      peer.request()
      peer.request()
      yield* turn
      const fiber = yield* Effect.forkChild(EffectScope.close(harness.connections, Exit.void))
      yield* turn
      yield* Fiber.join(fiber)
      yield* turn
      assert.strictEqual(notes.filter((note) => note === "interrupted").length, 2)
      assert.strictEqual(notes.filter((note) => note === "server_shutdown false").length, 2)
      assert.notStrictEqual(peer.transport.ending, "open")
      assertNothingLeft(harness)
    })
  )
})
