import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import type { HttpReceiveEvent, HttpSendEvent } from "../src/Event.ts"
import type { Application, Receive, Send } from "../src/PagiApp.ts"
import { RequestRunner } from "../src/RequestRunner.ts"
import { type LifespanScope, pagiVersion } from "../src/Scope.ts"

const scope: LifespanScope = { type: "lifespan", pagi: { ...pagiVersion, isWorker: false }, state: {} }
const receive: Receive<HttpReceiveEvent> = Effect.succeed({ type: "http.disconnect" })
const send: Send<HttpSendEvent> = () => Effect.void

const run = (application: Application<unknown, never>, context: Context.Context<never> = Context.empty()) => {
  const exits: Array<Exit.Exit<unknown, unknown>> = []
  const fiber = new RequestRunner(application, context).run(scope, receive, send, {
    onApplicationExit: (exit) => exits.push(exit)
  })
  return { exits, fiber }
}

/** What the one exit died of. */
const defectOf = (exits: ReadonlyArray<Exit.Exit<unknown, unknown>>): unknown => {
  const [exit] = exits
  assert.strictEqual(exits.length, 1)
  return exit !== undefined && Exit.isFailure(exit) ? Cause.squash(exit.cause) : "no failure"
}

class Greeting extends Context.Service<Greeting, string>()("test/Greeting") {}

describe("RequestRunner", () => {
  it("hands the application what it was given", () => {
    const given: Array<ReadonlyArray<unknown>> = []
    run((...parts) => Effect.sync(() => given.push(parts)))
    assert.deepStrictEqual(given, [[scope, receive, send]])
    assert.strictEqual(given[0]?.[0], scope)
  })

  it("counts how often it has started the application", () => {
    const runner = new RequestRunner(() => Effect.fail("why"), Context.empty())
    assert.strictEqual(runner.count, 0)
    for (let count = 1; count <= 3; count++) {
      runner.run(scope, receive, send, { onApplicationExit: () => assert.strictEqual(runner.count, count) })
    }
    runner.background(Effect.void)
    assert.strictEqual(runner.count, 3)
  })

  it("answers undefined for an application that ends at once, after telling of its exit", () => {
    const success = run(() => Effect.succeed("ignored"))
    assert.isUndefined(success.fiber)
    assert.deepStrictEqual(success.exits, [Exit.succeed("ignored")])
    const failure = run(() => Effect.fail("why"))
    assert.isUndefined(failure.fiber)
    assert.deepStrictEqual(failure.exits, [Exit.fail("why")])
  })

  it.effect("answers the fiber of an application that waits, and tells of its exit once", () =>
    Effect.gen(function* () {
      const gate = yield* Deferred.make<string>()
      const { exits, fiber } = run(() => Deferred.await(gate))
      assert.isDefined(fiber)
      assert.deepStrictEqual(exits, [])
      yield* Deferred.succeed(gate, "later")
      if (fiber !== undefined) yield* Fiber.await(fiber)
      assert.deepStrictEqual(exits, [Exit.succeed("later")])
    })
  )

  it.effect("tells of an application that is interrupted", () =>
    Effect.gen(function* () {
      const { exits, fiber } = run(() => Effect.never)
      if (fiber !== undefined) yield* Fiber.interrupt(fiber)
      assert.strictEqual(exits.length, 1)
      assert.isTrue(exits.every(Exit.hasInterrupts))
    })
  )

  it("turns what an application throws into a defect", () => {
    const thrown = new Error("thrown before any Effect")
    const { exits, fiber } = run(() => {
      throw thrown
    })
    assert.isUndefined(fiber)
    assert.strictEqual(defectOf(exits), thrown)
  })

  it("turns what is no Effect into a defect", () => {
    for (const answer of [undefined, null, 5, "done", {}, Promise.resolve()]) {
      // An application in plain JavaScript, as it were.
      const application = () => answer as unknown as Effect.Effect<void>
      const { exits, fiber } = run(application)
      assert.isUndefined(fiber)
      assert.include(String(defectOf(exits)), "Not a valid effect")
    }
  })

  it("provides the services of the surrounding program", () => {
    // `PagiApp.layer` pairs an application with the services that it needs and erases the requirement.
    const application = () => Effect.service(Greeting) as Effect.Effect<string>
    const { exits } = run(application, Context.make(Greeting, "hello") as Context.Context<never>)
    assert.deepStrictEqual(exits, [Exit.succeed("hello")])
  })

  it("runs effects of the server's own with the server's services, not the application's", () => {
    const ran: Array<string> = []
    const withGreeting = (text: string) => Context.make(Greeting, text) as Context.Context<never> // As above.
    const runner = new RequestRunner(() => Effect.void, withGreeting("application"), withGreeting("server"))
    const greet = Effect.map(Effect.service(Greeting), (text) => void ran.push(text))
    runner.background(greet as Effect.Effect<void>) // As above.
    assert.deepStrictEqual(ran, ["server"])
  })
})
