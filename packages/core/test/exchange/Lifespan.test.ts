import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import type { LifespanSendEvent, SendEvent } from "../../src/contract/Event.ts"
import * as Lifespan from "../../src/exchange/Lifespan.ts"
import * as PagiApp from "../../src/contract/PagiApp.ts"
import { type LifespanScope, pagiVersion } from "../../src/contract/Scope.ts"
import type { SendError } from "../../src/contract/SendError.ts"

type Handler<E = unknown> = PagiApp.LifespanHandler<E>

const options: Lifespan.LifespanOptions = {
  mode: "auto",
  startupTimeout: Duration.seconds(30),
  shutdownTimeout: Duration.seconds(10),
  isWorker: false
}

const start = <E>(lifespan: Handler<E>, changes: Partial<Lifespan.LifespanOptions> = {}) =>
  Effect.gen(function* () {
    const context = yield* Layer.build(PagiApp.layer(PagiApp.make({ lifespan })))
    return yield* Lifespan.start(Context.get(context, PagiApp.PagiApp), { ...options, ...changes })
  })

/** Answers startup, then waits for shutdown and does what is asked for. */
const running =
  (stop: (send: PagiApp.Send<LifespanSendEvent>) => Effect.Effect<unknown, unknown>): Handler =>
  (_, receive, send) =>
    Effect.gen(function* () {
      yield* receive
      yield* send({ type: "lifespan.startup.complete" })
      yield* receive
      yield* stop(send)
    })

const failed = (exit: Exit.Exit<unknown, Lifespan.StartError> | undefined): string =>
  exit !== undefined && Exit.isFailure(exit)
    ? String(exit.cause.reasons.map((reason) => (reason._tag === "Fail" ? reason.error.message : reason._tag)))
    : "no failure"

/** Collects what is logged at a level. */
const withLog = <A, E, R>(level: "Error" | "Warn", use: (messages: Array<string>) => Effect.Effect<A, E, R>) => {
  const messages: Array<string> = []
  const logger = Logger.make(({ logLevel, message }) => {
    if (logLevel === level) messages.push(String(message))
  })
  return use(messages).pipe(Effect.provide(Logger.layer([logger])))
}

describe("Lifespan", () => {
  describe("the scope of its handler", () => {
    const order: Array<string> = []
    const note = (text: string) => Effect.sync(() => void order.push(text))

    it.effect("is open until the server has shut down, also when the handler has returned", () =>
      Effect.gen(function* () {
        order.length = 0
        const context = yield* Layer.build(
          PagiApp.layer(
            PagiApp.make({
              lifespan: (_scope, _receive, send) =>
                Effect.gen(function* () {
                  yield* Effect.addFinalizer(() => Effect.delay(note("released"), "1 second"))
                  yield* send({ type: "lifespan.startup.complete" })
                })
            })
          )
        )
        const lifespan = yield* Lifespan.start(Context.get(context, PagiApp.PagiApp), options)
        assert.deepStrictEqual(order, [])
        const stopping = yield* Effect.forkChild(Effect.andThen(lifespan.shutdown, note("shut down")))
        yield* TestClock.adjust("1 second")
        yield* Fiber.join(stopping)
        assert.deepStrictEqual(order, ["released", "shut down"])
      })
    )
  })

  describe("startup", () => {
    it.effect("answers the state that the application has filled", () =>
      Effect.gen(function* () {
        const lifespan = yield* start((scope, _receive, send) =>
          Effect.gen(function* () {
            scope.state["database"] = "connected"
            yield* send({ type: "lifespan.startup.complete" })
            return yield* Effect.never
          })
        )
        assert.deepStrictEqual(lifespan.state, { database: "connected" })
      })
    )

    it.effect("shares one state with the application for as long as it runs", () =>
      Effect.gen(function* () {
        const scopes: Array<LifespanScope> = []
        const lifespan = yield* start((scope, receive, send) =>
          Effect.sync(() => scopes.push(scope)).pipe(
            Effect.andThen(running(() => Effect.sync(() => (scope.state["late"] = true)))(scope, receive, send))
          )
        )
        assert.strictEqual(scopes[0]?.state, lifespan.state)
        yield* lifespan.shutdown
        assert.deepStrictEqual(lifespan.state, { late: true })
      })
    )

    it.effect("tells the application of its worker", () =>
      Effect.gen(function* () {
        const scopes: Array<LifespanScope> = []
        const handler: Handler = (scope, _receive, send) => {
          scopes.push(scope)
          return send({ type: "lifespan.startup.complete" })
        }
        yield* start(handler)
        yield* start(handler, { isWorker: true, workerNum: 3 })
        assert.deepStrictEqual(scopes, [
          { type: "lifespan", pagi: { ...pagiVersion, isWorker: false }, state: {} },
          { type: "lifespan", pagi: { ...pagiVersion, isWorker: true, workerNum: 3 }, state: {} }
        ])
      })
    )

    it.effect("hands out lifespan.startup once and then waits", () =>
      Effect.gen(function* () {
        const received: Array<string> = []
        yield* start((_, receive, send) =>
          Effect.gen(function* () {
            received.push((yield* receive).type)
            yield* send({ type: "lifespan.startup.complete" })
            received.push((yield* receive).type)
          })
        )
        yield* TestClock.adjust("1 hour")
        assert.deepStrictEqual(received, ["lifespan.startup"])
      })
    )

    it.effect("waits for an answer that takes its time", () =>
      Effect.gen(function* () {
        const fiber = yield* Effect.forkChild(
          start((_, _receive, send) => Effect.delay(send({ type: "lifespan.startup.complete" }), "29 seconds"))
        )
        yield* TestClock.adjust("28 seconds")
        assert.isUndefined(fiber.pollUnsafe())
        yield* TestClock.adjust("1 second")
        yield* Fiber.join(fiber)
      })
    )

    it.effect("warns of an application that failed at its startup, but not of one without lifespan", () =>
      withLog("Warn", (warnings) =>
        Effect.gen(function* () {
          yield* start(() => Effect.fail(new PagiApp.UnsupportedScope({ scopeType: "lifespan" })))
          yield* start(() => Effect.void)
          assert.deepStrictEqual(warnings, [])
          yield* start(() => Effect.fail(new Error("no database")))
          assert.lengthOf(warnings, 1)
          assert.include(warnings[0], "failed on lifespan.startup")
        })
      )
    )

    it.effect("warns of an application that has begun to start, and returns without an answer", () =>
      withLog("Warn", (warnings) =>
        Effect.gen(function* () {
          yield* start((_scope, receive) => receive)
          yield* start(({ state }, _receive, send) =>
            Effect.sync(() => {
              state["database"] = "open"
              send({ type: "lifespan.startup.complete" })
            })
          )
          assert.lengthOf(warnings, 2)
          for (const warning of warnings) {
            assert.include(warning, "returned without having answered lifespan.startup")
          }
          assert.include(warnings[1], "a yield* may be missing before a send")
        })
      )
    )

    /** An application that is one function, and says nothing of what it handles. */
    const startPlain = (application: unknown, changes: Partial<Lifespan.LifespanOptions> = {}) =>
      Effect.gen(function* () {
        // As a program in plain JavaScript may do.
        const context = yield* Layer.build(PagiApp.layer(application as PagiApp.Application))
        return yield* Lifespan.start(Context.get(context, PagiApp.PagiApp), { ...options, ...changes })
      })

    it.effect("is quiet about an application that fails for the scope, as the contract asks of it", () =>
      withLog("Warn", (warnings) =>
        Effect.gen(function* () {
          yield* startPlain(() => Effect.fail(new Error("unsupported scope type")))
          assert.deepStrictEqual(warnings, [])
          yield* startPlain(() => Effect.die(new TypeError("scope.headers is undefined")))
          assert.lengthOf(warnings, 1)
          assert.include(warnings[0], "is taken not to handle it: scope.headers is undefined")
        })
      )
    )

    it.effect.each(["auto", "on"] as const)("is refused in mode %s for what is no application", (mode) =>
      Effect.gen(function* () {
        const misfits = [
          async () => {},
          () => undefined,
          () => new Response("hello"),
          function* () {
            yield 1
          },
          PagiApp.make({ http: (async () => {}) as never })
        ]
        for (const misfit of misfits) {
          const error = yield* Effect.flip(startPlain(misfit, { mode }))
          assert.strictEqual(error._tag, "NotAnEffect")
        }
      })
    )

    const unsupported: ReadonlyArray<readonly [name: string, handler: Handler, why: string]> = [
      ["fails", () => Effect.fail(new Error("no lifespan here")), "no lifespan here"],
      ["dies", () => Effect.die(new Error("broken")), "broken"],
      [
        "throws",
        () => {
          throw new Error("thrown")
        },
        "thrown"
      ],
      ["returns", () => Effect.void, ""],
      ["returns later", () => Effect.sleep("2 seconds"), ""],
      ["returns after it has received", (_, receive) => receive, ""],
      [
        "fails after it has received",
        (_, receive) => Effect.andThen(receive, Effect.fail("unknown event")),
        "unknown event"
      ]
    ]

    describe.each(unsupported)("of an application that %s", (_, handler, why) => {
      const outcome = (mode: "auto" | "on" | "off") =>
        Effect.gen(function* () {
          const fiber = yield* Effect.forkChild(Effect.exit(start(handler, { mode })), { startImmediately: true })
          yield* TestClock.adjust("3 seconds")
          return yield* Fiber.join(fiber)
        })

      it.effect("goes on without lifespan in mode auto", () =>
        withLog("Error", (messages) =>
          Effect.gen(function* () {
            const lifespan = yield* yield* outcome("auto")
            assert.deepStrictEqual(lifespan.state, {})
            yield* lifespan.shutdown
            assert.deepStrictEqual(messages, [])
          })
        )
      )

      it.effect("is refused in mode on, with the reason", () =>
        Effect.gen(function* () {
          const message = failed(yield* outcome("on"))
          assert.include(message, "application startup failed: it does not handle lifespan events")
          assert.include(message, why)
        })
      )
    })

    it.effect.each(["auto", "on"] as const)("is refused in mode %s when the application says that it failed", (mode) =>
      Effect.gen(function* () {
        for (const after of [Effect.void, Effect.never, Effect.fail("too")]) {
          for (const delay of ["0 seconds", "1 second"] as const) {
            const fiber = yield* Effect.forkChild(
              Effect.exit(
                start(
                  (_, _receive, send) =>
                    Effect.andThen(
                      Effect.delay(send({ type: "lifespan.startup.failed", message: "no database" }), delay),
                      after
                    ),
                  { mode }
                )
              )
            )
            yield* TestClock.adjust("1 second")
            assert.strictEqual(failed(yield* Fiber.join(fiber)), "application startup failed: no database")
          }
        }
      })
    )

    it.effect("says so when the application gives no reason", () =>
      Effect.gen(function* () {
        const exit = yield* Effect.exit(start((_, _receive, send) => send({ type: "lifespan.startup.failed" })))
        assert.strictEqual(failed(exit), "application startup failed: no reason was given")
      })
    )

    it.effect.each(["auto", "on"] as const)("is refused in mode %s when there is no answer in time", (mode) =>
      Effect.gen(function* () {
        const fiber = yield* Effect.forkChild(Effect.exit(start(() => Effect.never, { mode })))
        yield* TestClock.adjust("29 seconds")
        assert.isUndefined(fiber.pollUnsafe())
        yield* TestClock.adjust("1 second")
        assert.strictEqual(failed(yield* Fiber.join(fiber)), "application startup failed: no answer within 30s")
      })
    )

    it.effect("has all the time in the world with a limit of 0", () =>
      Effect.gen(function* () {
        const fiber = yield* Effect.forkChild(
          start((_, _receive, send) => Effect.delay(send({ type: "lifespan.startup.complete" }), "2 days"), {
            startupTimeout: Duration.zero
          })
        )
        yield* TestClock.adjust("1 day")
        assert.isUndefined(fiber.pollUnsafe())
        yield* TestClock.adjust("1 day")
        yield* Fiber.join(fiber)
      })
    )

    it.effect("does not run the application in mode off", () =>
      Effect.gen(function* () {
        const lifespan = yield* start(() => assert.fail("must not be run"), { mode: "off" })
        assert.deepStrictEqual(lifespan.state, {})
        yield* lifespan.shutdown
      })
    )
  })

  describe("an application that has started", () => {
    it.effect.each(["auto", "on"] as const)("may end in mode %s, and is then shut down already", (mode) =>
      withLog("Error", (messages) =>
        Effect.gen(function* () {
          const lifespan = yield* start((_, _receive, send) => send({ type: "lifespan.startup.complete" }), { mode })
          yield* lifespan.shutdown
          assert.deepStrictEqual(messages, [])
        })
      )
    )

    it.effect("is logged at error level when it fails later", () =>
      withLog("Error", (messages) =>
        Effect.gen(function* () {
          const lifespan = yield* start((_, _receive, send) =>
            Effect.andThen(send({ type: "lifespan.startup.complete" }), Effect.delay(Effect.fail("lost"), "1 minute"))
          )
          yield* TestClock.adjust("59 seconds")
          assert.deepStrictEqual(messages, [])
          yield* TestClock.adjust("1 second")
          assert.strictEqual(messages.length, 1)
          assert.include(messages[0], "the application's lifespan handler failed")
          yield* lifespan.shutdown
        })
      )
    )

    it.effect("is interrupted when the scope closes, which is not logged", () =>
      withLog("Error", (messages) =>
        Effect.gen(function* () {
          const scope = yield* Scope.make()
          const ended: Array<string> = []
          yield* start(running(() => Effect.never)).pipe(Scope.provide(scope))
          yield* start((_, _receive, send) =>
            Effect.onInterrupt(Effect.andThen(send({ type: "lifespan.startup.complete" }), Effect.never), () =>
              Effect.sync(() => ended.push("interrupted"))
            )
          ).pipe(Scope.provide(scope))
          yield* Scope.close(scope, Exit.void)
          assert.deepStrictEqual(ended, ["interrupted"])
          assert.deepStrictEqual(messages, [])
        })
      )
    )
  })

  describe("shutdown", () => {
    it.effect("completes with the application's answer", () =>
      Effect.gen(function* () {
        const lifespan = yield* start(
          running((send) =>
            Effect.andThen(Effect.delay(send({ type: "lifespan.shutdown.complete" }), "9 seconds"), Effect.never)
          )
        )
        const fiber = yield* Effect.forkChild(lifespan.shutdown)
        yield* TestClock.adjust("8 seconds")
        assert.isUndefined(fiber.pollUnsafe())
        yield* TestClock.adjust("1 second")
        yield* Fiber.join(fiber)
        // Asking again changes nothing.
        yield* lifespan.shutdown
      })
    )

    it.effect("fails with the application's reason", () =>
      Effect.gen(function* () {
        const lifespan = yield* start(
          running((send) => send({ type: "lifespan.shutdown.failed", message: "disk full" }))
        )
        assert.strictEqual(failed(yield* Effect.exit(lifespan.shutdown)), "application shutdown failed: disk full")
        const silent = yield* start(running((send) => send({ type: "lifespan.shutdown.failed" })))
        assert.strictEqual(
          failed(yield* Effect.exit(silent.shutdown)),
          "application shutdown failed: no reason was given"
        )
      })
    )

    it.effect("is complete when the application returns without an answer", () =>
      Effect.gen(function* () {
        const lifespan = yield* start(running(() => Effect.sleep("1 second")))
        const fiber = yield* Effect.forkChild(lifespan.shutdown)
        yield* TestClock.adjust("1 second")
        yield* Fiber.join(fiber)
      })
    )

    it.effect("is complete, and logged, when the application fails without an answer", () =>
      withLog("Error", (messages) =>
        Effect.gen(function* () {
          const lifespan = yield* start(running(() => Effect.fail("broken")))
          yield* lifespan.shutdown
          yield* Effect.yieldNow
          assert.strictEqual(messages.length, 1)
        })
      )
    )

    it.effect("fails when there is no answer in time", () =>
      Effect.gen(function* () {
        const lifespan = yield* start(running(() => Effect.never))
        const fiber = yield* Effect.forkChild(Effect.exit(lifespan.shutdown))
        yield* TestClock.adjust("9 seconds")
        assert.isUndefined(fiber.pollUnsafe())
        yield* TestClock.adjust("1 second")
        assert.strictEqual(failed(yield* Fiber.join(fiber)), "application shutdown failed: no answer within 10s")
      })
    )

    it.effect("waits without end with a limit of 0", () =>
      Effect.gen(function* () {
        const lifespan = yield* start(
          running((send) => Effect.delay(send({ type: "lifespan.shutdown.complete" }), "2 days")),
          { shutdownTimeout: Duration.zero }
        )
        const fiber = yield* Effect.forkChild(lifespan.shutdown)
        yield* TestClock.adjust("1 day")
        assert.isUndefined(fiber.pollUnsafe())
        yield* TestClock.adjust("1 day")
        yield* Fiber.join(fiber)
      })
    )

    it.effect("fails for an application that never receives it", () =>
      Effect.gen(function* () {
        const lifespan = yield* start((_, _receive, send) =>
          Effect.andThen(send({ type: "lifespan.startup.complete" }), Effect.never)
        )
        const fiber = yield* Effect.forkChild(Effect.exit(lifespan.shutdown))
        yield* TestClock.adjust("10 seconds")
        assert.include(failed(yield* Fiber.join(fiber)), "no answer within 10s")
      })
    )
  })

  describe("send", () => {
    const types = [
      "lifespan.startup.complete",
      "lifespan.startup.failed",
      "lifespan.shutdown.complete",
      "lifespan.shutdown.failed"
    ] as const

    /** What each phase says about the events that may not be sent in it. */
    const refusals = (send: PagiApp.Send<LifespanSendEvent>, allowed: string) =>
      Effect.forEach(
        types.filter((type) => !type.startsWith(allowed)),
        (type) => Effect.flip(send({ type }))
      ).pipe(Effect.map((errors) => new Set(errors.map(({ reason }) => `${reason._tag}: ${reason.message}`))))

    it.effect("refuses what is out of order and stays where it was", () =>
      Effect.gen(function* () {
        const seen: Array<ReadonlySet<string>> = []
        const lifespan = yield* start(
          (_, receive, send) =>
            Effect.gen(function* () {
              seen.push(yield* refusals(send, "lifespan.startup"))
              yield* receive
              seen.push(yield* refusals(send, "lifespan.startup"))
              yield* send({ type: "lifespan.startup.complete" })
              seen.push(yield* refusals(send, "nothing"))
              yield* receive
              seen.push(yield* refusals(send, "lifespan.shutdown"))
              yield* send({ type: "lifespan.shutdown.complete" })
              seen.push(yield* refusals(send, "nothing"))
            }),
          { mode: "on" }
        )
        yield* lifespan.shutdown
        assert.deepStrictEqual(seen, [
          new Set(["EventOutOfOrder: lifespan.startup has not been answered"]),
          new Set(["EventOutOfOrder: lifespan.startup has not been answered"]),
          new Set(["EventOutOfOrder: lifespan.shutdown has not been received"]),
          new Set(["EventOutOfOrder: lifespan.shutdown has not been answered"]),
          new Set(["EventOutOfOrder: the lifespan is over"])
        ])
      })
    )

    it.effect("refuses the events of other scopes", () =>
      Effect.gen(function* () {
        const errors: Array<SendError> = []
        const context = yield* Layer.build(
          PagiApp.layer((_scope, _receive, send: PagiApp.Send<SendEvent>) =>
            Effect.gen(function* () {
              errors.push(yield* Effect.flip(send({ type: "http.response.body" })))
              yield* send({ type: "lifespan.startup.complete" })
            })
          )
        )
        yield* Lifespan.start(Context.get(context, PagiApp.PagiApp), options)
        assert.deepStrictEqual(
          errors.map(({ reason }) => reason._tag),
          ["InvalidEvent"]
        )
        assert.include(errors[0]?.message, "unknown event type for the lifespan scope")
      })
    )

    it.effect("does not wait for ever for a handler that cannot be interrupted", () =>
      withLog("Error", (messages) =>
        Effect.gen(function* () {
          const scope = yield* Scope.make()
          const stuck = running(() => Effect.uninterruptible(Effect.never))
          const { shutdown } = yield* Scope.provide(start(stuck), scope)
          const ending = yield* Effect.forkChild(
            Effect.andThen(Effect.ignore(shutdown), Scope.close(scope, Exit.void)),
            { startImmediately: true }
          )
          yield* TestClock.adjust("12999 millis")
          assert.isUndefined(ending.pollUnsafe())
          yield* TestClock.adjust("1 millis")
          yield* Fiber.join(ending)
          assert.deepStrictEqual(messages, [
            "did not end within 3s of being interrupted, and is left alone: the application's lifespan handler"
          ])
        })
      )
    )
  })
})
