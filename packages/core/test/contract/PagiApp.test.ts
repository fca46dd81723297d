import { assert, describe, expectTypeOf, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as EffectScope from "effect/Scope"
import type * as Event from "../../src/contract/Event.ts"
import { NotAnEffect } from "../../src/contract/NotAnEffect.ts"
import * as PagiApp from "../../src/contract/PagiApp.ts"
import {
  type HttpScope,
  type LifespanScope,
  pagiVersion,
  type Scope,
  type SseScope,
  type WebSocketScope
} from "../../src/contract/Scope.ts"
import type { SendError } from "../../src/contract/SendError.ts"

const lifespanScope: LifespanScope = { type: "lifespan", pagi: { ...pagiVersion, isWorker: false }, state: {} }
/** A scope as far as a dispatcher looks at it. */
const scopeOf = (type: Scope["type"]): Scope => ({ ...lifespanScope, type }) as Scope
const types = ["http", "sse", "websocket", "lifespan"] as const

const receive: PagiApp.Receive<Event.ReceiveEvent> = Effect.succeed({ type: "http.disconnect" })
const send: PagiApp.Send<Event.SendEvent> = () => Effect.void

class Database extends Context.Service<Database, { readonly name: string }>()("test/Database") {}
class Mailer extends Context.Service<Mailer, { readonly host: string }>()("test/Mailer") {}

describe("PagiApp.make", () => {
  it.effect("gives each scope to the handler of its type, with receive and send", () =>
    Effect.gen(function* () {
      const given: Array<unknown> = []
      const handler =
        (name: string) =>
        (...parts: ReadonlyArray<unknown>) =>
          Effect.sync(() => given.push([name, ...parts]))
      const app = PagiApp.make({
        http: handler("http"),
        sse: handler("sse"),
        websocket: handler("websocket"),
        lifespan: handler("lifespan")
      })
      for (const type of types) yield* app(scopeOf(type), receive, send)
      assert.deepStrictEqual(
        given,
        types.map((type) => [type, scopeOf(type), receive, send])
      )
    })
  )

  it.effect("fails for a scope type without a handler and names it", () =>
    Effect.gen(function* () {
      const lacking = (type: Scope["type"]) =>
        PagiApp.make(type === "http" ? { sse: Effect.succeed } : { http: Effect.succeed })
      for (const type of types) {
        const app = lacking(type)
        const error = yield* Effect.flip(app(scopeOf(type), receive, send))
        assert.strictEqual(error._tag, "UnsupportedScope")
        assert.strictEqual(error.scopeType, type)
        assert.strictEqual(error.message, `the application does not handle the scope type "${type}"`)
      }
    })
  )

  it("gives handlers the exact scope and events of their type", () => {
    PagiApp.make({
      http: (scope, receive, send) => {
        expectTypeOf(scope).toEqualTypeOf<HttpScope>()
        expectTypeOf(receive).toEqualTypeOf<Effect.Effect<Event.HttpReceiveEvent>>()
        expectTypeOf(send).toEqualTypeOf<(event: Event.HttpSendEvent) => Effect.Effect<void, SendError>>()
        return Effect.void
      },
      sse: (scope, receive, send) => {
        expectTypeOf(scope).toEqualTypeOf<SseScope>()
        expectTypeOf(receive).toEqualTypeOf<Effect.Effect<Event.SseReceiveEvent>>()
        expectTypeOf(send).parameter(0).toEqualTypeOf<Event.SseSendEvent>()
        return Effect.void
      },
      websocket: (scope, receive, send) => {
        expectTypeOf(scope).toEqualTypeOf<WebSocketScope>()
        expectTypeOf(receive).toEqualTypeOf<Effect.Effect<Event.WebSocketReceiveEvent>>()
        expectTypeOf(send).parameter(0).toEqualTypeOf<Event.WebSocketSendEvent>()
        return Effect.void
      },
      lifespan: (scope, receive, send) => {
        expectTypeOf(scope).toEqualTypeOf<LifespanScope>()
        expectTypeOf(receive).toEqualTypeOf<Effect.Effect<Event.LifespanReceiveEvent>>()
        expectTypeOf(send).parameter(0).toEqualTypeOf<Event.LifespanSendEvent>()
        return Effect.void
      }
    })
  })

  it("refuses the events of another scope type, and wrong properties, when compiling", () => {
    PagiApp.make({
      // @ts-expect-error an HTTP handler cannot send WebSocket events
      http: (_scope, _receive, send) => send({ type: "websocket.accept" }),
      // @ts-expect-error `comment` is missing
      sse: (_scope, _receive, send) => send({ type: "sse.comment" }),
      // @ts-expect-error text and bytes exclude each other
      websocket: (_scope, _receive, send) => send({ type: "websocket.send", text: "", bytes: new Uint8Array(0) })
    })
  })

  it.effect("fails for the lifespan when a handler is none, and says what to do", () =>
    Effect.gen(function* () {
      const misfits: ReadonlyArray<readonly [handler: unknown, words: string]> = [
        [async () => {}, "the application's handler for http returns a Promise, not an Effect"],
        [async function () {}, "returns a Promise"],
        [function* () {}, "returns a generator, not an Effect"],
        [async function* () {}, "returns a generator, not an Effect"],
        [Effect.void, "the application's handler for http is not a function"],
        [(req: unknown, res: unknown) => [req, res], "takes a request and a response, as handlers of node:http"]
      ]
      for (const [handler, words] of misfits) {
        const app = PagiApp.make({ http: handler as PagiApp.HttpHandler, lifespan: () => Effect.void })
        const { cause } = yield* Effect.flip(Effect.sandbox(app(scopeOf("lifespan"), receive, send))).pipe(
          Effect.map((cause) => ({ cause: Cause.squash(cause) }))
        )
        assert.instanceOf(cause, NotAnEffect)
        assert.include(String(cause), words)
      }
    })
  )

  it.effect("fails for the lifespan when it was given no handlers, or one of another name", () =>
    Effect.gen(function* () {
      const misfits: ReadonlyArray<readonly [handlers: unknown, words: string]> = [
        [{}, "it was given none"],
        [{ http: undefined, port: 80 }, "it was given none"],
        [{ http: () => Effect.void, webSocket: () => Effect.void }, 'it was given one for "webSocket"'],
        [{ htpp: () => Effect.void }, 'it was given one for "htpp"'],
        [() => Effect.void, "it was given a function"],
        [undefined, "it was given undefined"]
      ]
      for (const [handlers, words] of misfits) {
        const app = PagiApp.make(handlers as { readonly http: PagiApp.HttpHandler })
        const cause = yield* Effect.flip(Effect.sandbox(app(scopeOf("lifespan"), receive, send)))
        const error = Cause.squash(cause)
        assert.instanceOf(error, NotAnEffect)
        assert.include(String(error), "whose names are http, sse, websocket, lifespan")
        assert.include(String(error), words)
      }
      const wider = { lifespan: () => Effect.void, stop: () => Effect.void }
      yield* PagiApp.make(wider)(scopeOf("lifespan"), receive, send)
    })
  )

  it("gathers what the handlers may fail with and what they require", () => {
    const app = PagiApp.make({
      http: () => Effect.andThen(Database, Effect.fail("http failed" as const)),
      lifespan: Effect.fnUntraced(function* (_scope, _receive, send) {
        yield* Mailer
        yield* send({ type: "lifespan.startup.complete" })
      })
    })
    expectTypeOf(app).toEqualTypeOf<
      PagiApp.Application<"http failed" | SendError | PagiApp.UnsupportedScope, Database | Mailer>
    >()
    expectTypeOf(PagiApp.make({})).toEqualTypeOf<PagiApp.Application<PagiApp.UnsupportedScope>>()
    expectTypeOf(PagiApp.layer(app)).toEqualTypeOf<Layer.Layer<PagiApp.PagiApp, never, Database | Mailer>>()
  })
})

describe("PagiApp.layer", () => {
  const app = PagiApp.make({ http: () => Effect.map(Database, ({ name }) => name) })

  it.effect("takes what the application requires from the surrounding layers", () =>
    Effect.gen(function* () {
      const live = Layer.provide(PagiApp.layer(app), Layer.succeed(Database, { name: "main" }))
      const { application, context } = Context.get(yield* Layer.build(live), PagiApp.PagiApp)
      const answer = yield* Effect.provideContext(application(scopeOf("http"), receive, send), context)
      assert.strictEqual(answer, "main")
    })
  )

  it.effect("builds an application, with what the building requires", () =>
    Effect.gen(function* () {
      const build = Effect.map(Mailer, ({ host }) =>
        PagiApp.make({ http: () => Effect.map(Database, ({ name }) => `${name} ${host}`) })
      )
      const layer = PagiApp.layerEffect(build)
      expectTypeOf(layer).toEqualTypeOf<Layer.Layer<PagiApp.PagiApp, never, Database | Mailer>>()
      const services = Layer.merge(Layer.succeed(Database, { name: "main" }), Layer.succeed(Mailer, { host: "post" }))
      const { application, context } = Context.get(yield* Layer.build(Layer.provide(layer, services)), PagiApp.PagiApp)
      assert.strictEqual(
        yield* Effect.provideContext(application(scopeOf("http"), receive, send), context),
        "main post"
      )
    })
  )

  it("does not require the scope that each run has of its own", () => {
    const resource = Effect.andThen(
      Mailer,
      Effect.acquireRelease(Effect.void, () => Effect.void)
    )
    const scoped = PagiApp.make({ http: () => resource })
    expectTypeOf(scoped).toEqualTypeOf<PagiApp.Application<PagiApp.UnsupportedScope, Mailer | EffectScope.Scope>>()
    expectTypeOf(PagiApp.layer(scoped)).toEqualTypeOf<Layer.Layer<PagiApp.PagiApp, never, Mailer>>()
    const built = PagiApp.layerEffect(Effect.as(resource, scoped))
    expectTypeOf(built).toEqualTypeOf<Layer.Layer<PagiApp.PagiApp, never, Mailer>>()
  })

  it.effect("hands on no scope, least of all that of its own layer", () =>
    Effect.gen(function* () {
      const built = yield* Layer.build(PagiApp.layer(PagiApp.make({})))
      const { context } = Context.get(built, PagiApp.PagiApp)
      assert.isUndefined(Context.getOrUndefined(context as Context.Context<unknown>, EffectScope.Scope))
    })
  )

  it.effect("fails when the application cannot be built", () =>
    Effect.gen(function* () {
      const build: Effect.Effect<PagiApp.Application, string> = Effect.fail("no configuration")
      const error = yield* Effect.flip(Layer.build(PagiApp.layerEffect(build)))
      assert.strictEqual(error, "no configuration")
    })
  )
})
