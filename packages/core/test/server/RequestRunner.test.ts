import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as EffectScope from "effect/Scope"
import type { HttpReceiveEvent, HttpSendEvent } from "../../src/contract/Event.ts"
import { NotAnEffect } from "../../src/contract/NotAnEffect.ts"
import type { Application, Receive, Send } from "../../src/contract/PagiApp.ts"
import { RequestRunner } from "../../src/server/RequestRunner.ts"
import { type LifespanScope, pagiVersion } from "../../src/contract/Scope.ts"

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

  it("tells its observer each time before it starts the application", () => {
    const calls: Array<string> = []
    const application = () => Effect.sync(() => calls.push("application"))
    const applicationStarted = (): void => void calls.push("started")
    const runner = new RequestRunner(application, Context.empty(), Context.empty(), {
      observer: { applicationStarted }
    })
    for (let count = 1; count <= 2; count++) runner.run(scope, receive, send, { onApplicationExit: () => {} })
    runner.background(Effect.void)
    assert.deepStrictEqual(calls, ["started", "application", "started", "application"])
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

  it("fails for what is no Effect, and says what to do", () => {
    function* generator() {
      yield* []
    }
    const cases: ReadonlyArray<readonly [answer: unknown, words: string]> = [
      [undefined, "returned undefined, not an Effect; return the Effect"],
      [null, "returned null"],
      [5, "returned a number"],
      [{}, "returned an object"],
      [() => Effect.void, "returned a function"],
      [Promise.resolve(), "returned a Promise, not an Effect; in place of an async function write Effect.fnUntraced"],
      [new Response("hello"), "returned a Response, not an Effect; send http.response.start"],
      [generator(), "returned a generator, not an Effect; write Effect.fnUntraced"],
      [{ [Symbol.for("effect/Effect")]: {} }, "returned an Effect of version 3, not an Effect; use version 4"]
    ]
    for (const [answer, words] of cases) {
      const { exits, fiber } = run(() => answer as Effect.Effect<void>) // An application in plain JavaScript, as it were.
      assert.isUndefined(fiber)
      const error = defectOf(exits)
      assert.instanceOf(error, NotAnEffect)
      assert.include(String(error), words)
    }
  })

  it("knows a handler of another kind of server by its parameters when it throws", () => {
    interface Request {
      readonly url: string
    }
    interface Response {
      end(text: string): void
    }
    const handlers = [
      (req: Request, res: Response) => res.end(req.url),
      function (req: Request, res: Response, _next: () => void) {
        res.end(req.url)
      },
      function handler(request: Request, response: Response) {
        response.end(request.url)
      }
    ]
    for (const handler of handlers) {
      const { exits } = run(handler as never)
      assert.include(String(defectOf(exits)), "takes a request and a response, as handlers of node:http and Express do")
    }
  })

  describe("the scope of a run", () => {
    const acquire = (order: Array<string>, wait: Effect.Effect<void> = Effect.void) =>
      Effect.acquireRelease(
        Effect.sync(() => void order.push("acquired")),
        (_, exit) =>
          Effect.andThen(
            wait,
            Effect.sync(() => void order.push(exit._tag))
          )
      )
    /** The requirement is erased as `PagiApp.layer` does it. */
    const scoped = <E>(effect: Effect.Effect<unknown, E, EffectScope.Scope>) => effect as Effect.Effect<unknown, E>

    it("is closed when the application ends, before anybody is told", () => {
      for (const [end, tag] of [
        [Effect.void, "Success"],
        [Effect.fail("why"), "Failure"],
        [Effect.die("why"), "Failure"]
      ] as const) {
        const order: Array<string> = []
        const runner = new RequestRunner(() => scoped(Effect.andThen(acquire(order), end)), Context.empty())
        const fiber = runner.run(scope, receive, send, { onApplicationExit: (exit) => order.push(`told ${exit._tag}`) })
        assert.isUndefined(fiber)
        assert.deepStrictEqual(order, ["acquired", tag, `told ${tag}`])
      }
    })

    it("is another for each run, and none that the context brings", () => {
      const scopes = new Set<unknown>()
      const context = Context.make(EffectScope.Scope, EffectScope.makeUnsafe()) as Context.Context<never>
      for (let count = 0; count < 3; count++)
        run(() => scoped(Effect.map(Effect.scope, (own) => scopes.add(own))), context)
      assert.strictEqual(scopes.size, 3)
      assert.isFalse(scopes.has(Context.getOrUndefined(context as Context.Context<unknown>, EffectScope.Scope)))
    })

    it.effect("is waited for, and closed when the application is interrupted", () =>
      Effect.gen(function* () {
        const order: Array<string> = []
        const gate = yield* Deferred.make<void>()
        const runner = new RequestRunner(
          () => scoped(Effect.andThen(acquire(order, Deferred.await(gate)), Effect.never)),
          Context.empty()
        )
        const fiber = runner.run(scope, receive, send, { onApplicationExit: () => order.push("told") })
        if (fiber !== undefined) yield* Fiber.interrupt(fiber)
        const released = yield* Effect.forkChild(runner.released, { startImmediately: true })
        assert.deepStrictEqual(order, ["acquired"])
        assert.isUndefined(released.pollUnsafe())
        yield* Deferred.succeed(gate, undefined)
        yield* Fiber.join(released)
        assert.deepStrictEqual(order, ["acquired", "Failure", "told"])
      })
    )

    it.effect("answers a fiber to wait for when only its finalizers wait", () =>
      Effect.gen(function* () {
        const order: Array<string> = []
        const gate = yield* Deferred.make<void>()
        const { exits, fiber } = run(() => scoped(acquire(order, Deferred.await(gate))))
        assert.deepStrictEqual(exits, [])
        assert.isDefined(fiber)
        yield* Deferred.succeed(gate, undefined)
        assert.lengthOf(exits, 1)
      })
    )

    it("interrupts what was forked into it", () => {
      const order: Array<string> = []
      const forked = Effect.forkScoped(
        Effect.onInterrupt(Effect.never, () => Effect.sync(() => void order.push("interrupted"))),
        { startImmediately: true }
      )
      run(() => scoped(forked))
      assert.deepStrictEqual(order, ["interrupted"])
    })

    it("adds a finalizer's defect to how the application ended", () => {
      const finalizer = Effect.addFinalizer(() => Effect.die("in a finalizer"))
      assert.strictEqual(defectOf(run(() => scoped(finalizer)).exits), "in a finalizer")
      const [exit] = run(() => scoped(Effect.andThen(finalizer, Effect.fail("first")))).exits
      assert.deepStrictEqual(exit, Exit.failCause(Cause.combine(Cause.fail("first"), Cause.die("in a finalizer"))))
    })

    it("runs at once what is added after its end", () => {
      const order: Array<string> = []
      let own: EffectScope.Scope | undefined
      run(() => scoped(Effect.map(Effect.scope, (given) => void (own = given))))
      if (own !== undefined)
        Effect.runSync(
          EffectScope.addFinalizer(
            own,
            Effect.sync(() => void order.push("late"))
          )
        )
      assert.deepStrictEqual(order, ["late"])
    })
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
