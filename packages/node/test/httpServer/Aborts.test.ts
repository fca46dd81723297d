/** Clients that leave: programs are interrupted at once, and what they have is given back. */
import { assert, describe, it } from "@effect/vitest"
import type * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { ClientAbort, exitResponse } from "effect/http/HttpServerError"
import * as HttpMiddleware from "effect/http/HttpMiddleware"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Latch from "effect/Latch"
import * as Stream from "effect/Stream"
import { Readable } from "node:stream"
import {
  type Program,
  Requests,
  serve,
  serveOn,
  listen,
  clientFor,
  versions,
  withLog,
  withRequest
} from "../support/HttpPrograms.ts"
import type { HttpExchange } from "../support/HttpSuiteClient.ts"
import { attempt, clientOf, fetch, openHttp1, openSession } from "../support/HttpSuiteClient.ts"
import { takesLess } from "../support/Pace.ts"
import { turns, until } from "../support/Until.ts"

const { raw, stream, text } = HttpServerResponse

/** Milliseconds, far below those that an application of events has. Client, server and other tests share the time. */
const atOnce = 1000

/** How a program has ended. */
class Ends {
  readonly exits: Array<Exit.Exit<unknown, unknown>> = []
  begun = 0

  /** What is not a route of a router is not interrupted by itself. */
  watch<A, E, R>(program: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> {
    return Effect.suspend(() => {
      this.begun++
      return Effect.onExit(Effect.interruptible(program), (exit) => Effect.sync(() => this.exits.push(exit)))
    })
  }

  readonly begins = until("the program begins", () => this.begun > 0)

  /** Has the client leave, and looks how the program ends. */
  readonly leave = (exchange: HttpExchange) =>
    Effect.gen({ self: this }, function* () {
      exchange.abort()
      yield* takesLess(
        atOnce,
        until("the program ends", () => this.exits.length > 0)
      )
      const [exit] = this.exits
      assert.isTrue(exit !== undefined && Exit.isFailure(exit) && isClientAbort(exit.cause), String(exit))
    })
}

const isClientAbort = (cause: Cause.Cause<unknown>): boolean =>
  cause.reasons.some((reason) => reason._tag === "Interrupt" && reason.annotations.has(ClientAbort.key))

/** Bytes for ever. */
const endless = Stream.tap(Stream.forever(Stream.make(new Uint8Array(1000))), () => Effect.sleep(1))

describe.each(versions)("a client of HTTP/$version over $over that leaves", (way) => {
  it.live("while the program waits has it interrupted, and finalizers run", () =>
    withLog(
      Effect.fnUntraced(function* (messages) {
        const ends = new Ends()
        let finalized = 0
        const program = Effect.andThen(
          Effect.addFinalizer(() => Effect.sync(() => finalized++)),
          ends.watch(Effect.never)
        )
        const { client } = yield* serve(way, program)
        const exchange = client.begin({})
        yield* ends.begins
        yield* ends.leave(exchange)
        yield* until("the finalizer runs", () => finalized === 1)
        assert.deepStrictEqual(messages, [])
      })
    )
  )

  it.live("has middleware see a 499", () =>
    Effect.gen(function* () {
      const ends = new Ends()
      const statuses: Array<number> = []
      const middleware = HttpMiddleware.make((program) =>
        Effect.onExit(program, (exit) => Effect.sync(() => statuses.push(exitResponse(exit).status)))
      )
      const { client } = yield* serve(way, ends.watch(Effect.never), { middleware })
      const exchange = client.begin({})
      yield* ends.begins
      yield* ends.leave(exchange)
      yield* until("middleware sees it", () => statuses.length > 0)
      assert.deepStrictEqual(statuses, [499])
    })
  )

  it.live("while it sends its content has whoever reads that interrupted", () =>
    Effect.gen(function* () {
      const ends = new Ends()
      const program = withRequest((request) => ends.watch(Effect.map(request.text, text)))
      const { target } = yield* serve(way, program)
      // Node's client ends content that is given up.
      const connection = way.version === "2" ? yield* openSession(target) : undefined
      const client = connection === undefined ? yield* openHttp1(target) : clientOf(connection, target)
      const pieces = Array.from({ length: 100_000 }, () => new Uint8Array(10))
      const exchange = client.begin({ method: "POST", content: pieces })
      yield* ends.begins
      connection?.destroy()
      yield* ends.leave(exchange)
    })
  )

  for (const [what, make] of [
    [
      "a stream",
      (ends: Ends) =>
        Effect.succeed(
          stream(
            Stream.unwrap(
              Effect.as(
                Effect.addFinalizer((exit) => Effect.ignore(ends.watch(exit))),
                endless
              )
            )
          )
        )
    ],
    [
      "a readable",
      (ends: Ends) =>
        Effect.sync(() => {
          const readable = new Readable({
            read() {
              setTimeout(() => this.push(Buffer.alloc(1000)), 1)
            }
          })
          readable.on("close", () => ends.exits.push(Exit.void))
          return raw(readable)
        })
    ],
    [
      "a stream of the web",
      (ends: Ends) =>
        Effect.sync(() =>
          raw(
            new ReadableStream({
              async pull(controller) {
                await new Promise((resolve) => setTimeout(resolve, 1))
                controller.enqueue(new Uint8Array(1000))
              },
              cancel() {
                ends.exits.push(Exit.void)
              }
            })
          )
        )
    ]
  ] as const satisfies ReadonlyArray<readonly [string, (ends: Ends) => Program]>) {
    it.live(`while it receives ${what} has that ended`, () =>
      Effect.gen(function* () {
        const ends = new Ends()
        let finalized = 0
        const program = Effect.andThen(
          Effect.addFinalizer(() => Effect.sync(() => finalized++)),
          make(ends)
        )
        const { client } = yield* serve(way, program)
        const exchange = client.begin({})
        yield* until("content arrives", () => exchange.received > 10_000)
        exchange.abort()
        yield* takesLess(
          atOnce,
          until("it ends", () => ends.exits.length > 0)
        )
        yield* until("the finalizer runs", () => finalized === 1)
      })
    )
  }

  it.live("while a readable gives nothing has that closed", () =>
    Effect.gen(function* () {
      let closed = 0
      const program = Effect.sync(() => {
        const readable = new Readable({ read: () => {} })
        readable.push("first")
        readable.on("close", () => closed++)
        return raw(readable)
      })
      const { client } = yield* serve(way, program)
      const exchange = client.begin({})
      yield* exchange.receives("first")
      exchange.abort()
      yield* until("it is closed", () => closed === 1)
    })
  )

  it.live("while it reads nothing has a stream that waits for it ended", () =>
    Effect.gen(function* () {
      const ends = new Ends()
      const pieces = Stream.forever(Stream.make(new Uint8Array(65_536)))
      const program = Effect.andThen(
        Effect.addFinalizer((exit) => Effect.ignore(ends.watch(exit))),
        Effect.succeed(stream(pieces))
      )
      const { client } = yield* serve(way, program)
      const exchange = client.begin({})
      yield* exchange.started
      exchange.pause()
      yield* turns(200)
      exchange.abort()
      yield* takesLess(
        atOnce,
        until("it ends", () => ends.exits.length > 0)
      )
    })
  )

  it.live("does not keep a program from ending that must not be interrupted", () =>
    withLog(
      Effect.fnUntraced(function* (messages) {
        const go = Latch.makeUnsafe(false)
        let begun = false
        const statuses: Array<string> = []
        const program = Effect.uninterruptible(
          Effect.gen(function* () {
            begun = true
            yield* go.await
            statuses.push("went on")
            return text("to nobody")
          })
        )
        const { client } = yield* serve(way, program)
        const exchange = client.begin({})
        yield* until("the program begins", () => begun)
        exchange.abort()
        yield* turns(50)
        yield* go.open
        yield* until("the program goes on", () => statuses.length === 1)
        yield* turns(50)
        assert.deepStrictEqual(messages, [])
      })
    )
  )

  it.live("does so for HEAD as well", () =>
    Effect.gen(function* () {
      const ends = new Ends()
      const { client } = yield* serve(way, ends.watch(Effect.never))
      const exchange = client.begin({ method: "HEAD" })
      yield* ends.begins
      yield* ends.leave(exchange)
    })
  )

  it.live("costs only its own request", () =>
    Effect.gen(function* () {
      const go = Latch.makeUnsafe(false)
      let begun = 0
      const program: Program = Effect.gen(function* () {
        begun++
        yield* go.await
        return text("stayed")
      })
      const { client } = yield* serve(way, program)
      const exchanges = Array.from({ length: 10 }, (_, index) => client.begin({ path: `/${index}` }))
      yield* until("all have begun", () => begun === 10)
      exchanges.forEach((exchange, index) => {
        if (index % 2 === 0) exchange.abort()
      })
      yield* turns(50)
      yield* go.open
      for (const [index, exchange] of exchanges.entries()) {
        yield* exchange.ended
        assert.strictEqual(exchange.outcome, index % 2 === 0 ? "failed" : "complete")
      }
    })
  )

  it.live("before anything is served has its request forgotten", () =>
    Effect.gen(function* () {
      const requests = new Requests()
      const listening = yield* requests.observe(listen(way))
      const client = yield* clientFor(way.version, listening.target)
      const exchange = client.begin({ path: "/early" })
      yield* until("the request has come", () => requests.begun === 1)
      exchange.abort()
      yield* until("the client has left", () => requests.ended === 1)
      const paths: Array<string> = []
      yield* serveOn(
        listening,
        withRequest(({ url }) =>
          Effect.sync(() => {
            paths.push(url)
            return text("served")
          })
        )
      )
      assert.strictEqual((yield* fetch(client, { path: "/late" })).text, "served")
      assert.deepStrictEqual(paths, ["/late"])
    })
  )

  it.live("does so many times, and everything is given back", () =>
    Effect.gen(function* () {
      const ends = new Ends()
      const { client, close } = yield* serve(way, ends.watch(Effect.never))
      let quickest = Number.POSITIVE_INFINITY
      for (let round = 0; round < 20; round++) {
        const before = ends.begun
        const exchanges = Array.from({ length: 20 }, () => client.begin({}))
        yield* until("all have begun", () => ends.begun === before + 20)
        const left = performance.now()
        for (const exchange of exchanges) exchange.abort()
        yield* until("all have ended", () => ends.exits.length === before + 20)
        quickest = Math.min(quickest, performance.now() - left)
      }
      assert.isBelow(quickest, 50)
      assert.isTrue(ends.exits.every((exit) => Exit.isFailure(exit) && isClientAbort(exit.cause)))
      yield* takesLess(2000, close)
      yield* attempt(client)
    })
  )
})
