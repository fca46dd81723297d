/** Effect's RPC over HTTP and over WebSocket. */
import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as HttpBody from "effect/http/HttpBody"
import * as Option from "effect/Option"
import * as RpcClient from "effect/rpc/RpcClient"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { NotThere, serveRpc, Stranger, streaming, Thing, ways } from "../support/RpcPrograms.ts"
import { pattern, settled } from "../support/Traffic.ts"
import { until } from "../support/Until.ts"

const isolated = { disableFatalDefects: true }

describe.each(ways)("over $over, as $as", (way) => {
  it.live("calls are answered, or fail as the procedure says", () =>
    Effect.gen(function* () {
      const { connect } = yield* serveRpc(way)
      const client = yield* connect
      const thing = new Thing({ id: 1, name: "ä" })
      const found = yield* client.Find({ id: 1 })
      assert.instanceOf(found, Thing)
      assert.deepStrictEqual(found, thing)
      assert.deepStrictEqual(yield* Effect.flip(client.Find({ id: 2 })), new NotThere({ id: 2 }))
      assert.deepStrictEqual(yield* client.Look({ id: 1 }), Option.some(thing))
      assert.deepStrictEqual(yield* client.Look({ id: 2 }), Option.none())
      assert.isTrue(yield* client["nested.name"]())
    })
  )

  it.live("what callers say about themselves reaches the middleware", () =>
    Effect.gen(function* () {
      const { connect } = yield* serveRpc(way)
      const client = yield* connect
      const name = yield* client.WhoAmI().pipe(RpcClient.withHeaders({ "x-name": "Ann" }))
      assert.strictEqual(name, "Ann")
      assert.strictEqual(yield* client.WhoAmI(undefined, { headers: { "x-name": "Ben" } }), "Ben")
      assert.deepStrictEqual(yield* Effect.flip(client.WhoAmI()), new Stranger({ name: "nobody" }))
    })
  )

  it.live("calls at the same time, and large ones, get their own answers", () =>
    Effect.gen(function* () {
      const { connect } = yield* serveRpc(way)
      const client = yield* connect
      const texts = Array.from({ length: 120 }, (_, index) => `ä ${index}`)
      const echo = (text: string) => client.Echo({ text })
      assert.deepStrictEqual(yield* Effect.forEach(texts, echo, { concurrency: "unbounded" }), texts)
      const large = Buffer.from(pattern(750_000)).toString("base64")
      assert.isTrue((yield* echo(large)) === large)
    })
  )

  it.live("defects, and calls of what is not there, fail by themselves", () =>
    Effect.gen(function* () {
      const { connect } = yield* serveRpc(way, isolated)
      const client = yield* connect
      const [broken, detailed, unknown] = yield* Effect.all(
        [client.Break(), client.BreakInDetail(), client.Unknown()].map((call) => Effect.flip(Effect.sandbox(call))),
        { concurrency: "unbounded" }
      )
      assert.strictEqual(Cause.squash(broken ?? Cause.empty), "broken")
      const detail = Cause.squash(detailed ?? Cause.empty)
      assert.instanceOf(detail, Error)
      assert.deepStrictEqual([detail.name, detail.message, detail.stack], ["Detail", "in detail", "at the end"])
      assert.include(String(Cause.squash(unknown ?? Cause.empty)), "Unknown request tag: Unknown")
      assert.strictEqual(yield* client.Echo({ text: "still there" }), "still there")
    })
  )

  it.live("a call that is given up is interrupted on the server", () =>
    Effect.gen(function* () {
      const { connect, counts } = yield* serveRpc(way)
      const client = yield* connect
      const calls = yield* Effect.forEach([1, 2], () => Effect.forkChild(client.Never()))
      yield* until("both are asked", () => counts.asked === 2)
      yield* Fiber.interruptAll(calls.slice(0, 1))
      yield* until("one is interrupted", () => counts.interrupted === 1)
      assert.strictEqual(yield* client.Echo({ text: "a" }), "a")
      assert.strictEqual(counts.interrupted, 1)
      yield* Fiber.interruptAll(calls)
      yield* until("the other is interrupted", () => counts.interrupted === 2)
    })
  )

  it.live("a stream has its items and its error", () =>
    Effect.gen(function* () {
      const { connect } = yield* serveRpc(way)
      const client = yield* connect
      const items: Array<number> = []
      const reading = Stream.runForEach(client.UpTo({ end: 1000 }), (item) => Effect.sync(() => items.push(item)))
      assert.deepStrictEqual(yield* Effect.flip(reading), new NotThere({ id: 1001 }))
      assert.deepStrictEqual(
        items,
        Array.from({ length: 1000 }, (_, index) => index + 1)
      )
    })
  )

  it.live("what a client has not got the answers of is interrupted when it leaves", () =>
    Effect.gen(function* () {
      const { connect, counts } = yield* serveRpc(way)
      const scope = yield* Scope.make()
      const client = yield* Scope.provide(connect, scope)
      const calls = yield* Effect.forEach([1, 2], () => Effect.forkIn(client.Never(), scope))
      yield* until("both are asked", () => counts.asked === 2)
      yield* Scope.close(scope, Exit.void)
      yield* until("both are interrupted", () => counts.interrupted === 2)
      yield* Fiber.interruptAll(calls)
    })
  )
})

describe.each(streaming)("streams over $over, as $as", (way) => {
  it.live("come as they are made, and end when the client has enough", () =>
    Effect.gen(function* () {
      const { connect, counts } = yield* serveRpc(way)
      const client = yield* connect
      assert.lengthOf(yield* Stream.runCollect(Stream.take(client.Endless({ size: 10 }), 5)), 5)
      yield* until("the stream ends on the server", () => counts.ended === 1)
      // Over WebSocket each piece is acknowledged, and the client has room for 16.
      if (way.over === "WebSocket") assert.isBelow(counts.made, 50)
    })
  )

  it.live("go no further than the client reads", () =>
    Effect.gen(function* () {
      const { connect, counts } = yield* serveRpc(way)
      const client = yield* connect
      const size = 50_000
      let taken = 0
      const reading = yield* client.Endless({ size }).pipe(
        Stream.runForEach(() => (taken++ < 3 ? Effect.void : Effect.never)),
        Effect.forkChild
      )
      yield* until("the client has read", () => taken > 3)
      yield* settled("what is made", () => counts.made)
      // What fits into the buffers between them.
      assert.isBelow(counts.made * size, 30_000_000)
      assert.strictEqual(counts.ended, 0)
      yield* Fiber.interrupt(reading)
      yield* until("the stream ends on the server", () => counts.ended === 1)
    })
  )
})

describe("over HTTP", () => {
  const way = { over: "HTTP/1.1", as: "ndjson" } as const

  it.live("calls in one request are answered as they are done", () =>
    Effect.gen(function* () {
      const { connect, counts } = yield* serveRpc(way, { batch: { window: 60_000, maxSize: 3 } })
      const client = yield* connect
      const never = yield* Effect.forkChild(client.Never())
      const [text, found] = yield* Effect.all([client.Echo({ text: "a" }), client.Find({ id: 1 })], {
        concurrency: "unbounded"
      })
      assert.deepStrictEqual([text, found.id, counts.asked], ["a", 1, 1])
      yield* Fiber.interrupt(never)
    })
  )

  it.live("what is no call is answered with what is wrong, and what is too large is refused", () =>
    Effect.gen(function* () {
      const { client } = yield* serveRpc(way)
      const post = (text: string) => client.post("/rpc", { body: HttpBody.text(text, "application/x-ndjson") })
      const answer = yield* post("nonsense\n")
      assert.strictEqual(answer.status, 200)
      assert.match(yield* answer.text, /^\{"_tag":"Defect".*NdjsonDecodeError.*\}\n$/)
      assert.strictEqual((yield* post("x".repeat(10_000_001))).status, 413)
    })
  )
})

describe("over WebSocket", () => {
  const way = { over: "WebSocket", as: "ndjson" } as const

  it.live("a fatal defect fails all calls of its client, and none of another", () =>
    Effect.gen(function* () {
      const { connect, counts } = yield* serveRpc(way)
      const [client, other] = [yield* connect, yield* connect]
      const call = yield* Effect.forkChild(client.Never())
      const otherCall = yield* Effect.forkChild(other.Never())
      yield* until("both are asked", () => counts.asked === 2)
      const broken = yield* Effect.flip(Effect.sandbox(client.Break()))
      assert.strictEqual(Cause.squash(broken), "broken")
      const exit = yield* Fiber.await(call)
      assert.isTrue(Exit.isFailure(exit) && Cause.squash(exit.cause) === "broken")
      assert.isUndefined(otherCall.pollUnsafe())
      assert.strictEqual(yield* other.Echo({ text: "still there" }), "still there")
      yield* Fiber.interrupt(otherCall)
    })
  )

  it.live("the server is told when a client has left", () =>
    Effect.gen(function* () {
      let left = 0
      const onDisconnect = () => Effect.sync(() => void left++)
      const { connect } = yield* serveRpc(way, { onDisconnect })
      const scope = yield* Scope.make()
      const client = yield* Scope.provide(connect, scope)
      assert.strictEqual(yield* client.Echo({ text: "a" }), "a")
      assert.strictEqual(left, 0)
      yield* Scope.close(scope, Exit.void)
      yield* until("the server is told", () => left === 1)
    })
  )

  it.live("a call whose answer nobody wants is done when it has begun", () =>
    Effect.gen(function* () {
      const { connect, counts } = yield* serveRpc(way)
      const client = yield* connect
      yield* client.Never(undefined, { discard: true })
      yield* until("it is asked", () => counts.asked === 1)
      assert.strictEqual(counts.interrupted, 0)
    })
  )

  it.live("a request that is no handshake is refused", () =>
    Effect.gen(function* () {
      const { client } = yield* serveRpc(way)
      assert.strictEqual((yield* client.get("/rpc")).status, 400)
    })
  )
})
