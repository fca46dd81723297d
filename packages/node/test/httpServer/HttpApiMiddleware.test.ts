/** Effect's HttpApi: what is around handlers, credentials, streams that are answered, and clients that leave. */
import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as HttpApi from "effect/http-api/HttpApi"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import * as HttpApiClient from "effect/http-api/HttpApiClient"
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiError from "effect/http-api/HttpApiError"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as HttpApiMiddleware from "effect/http-api/HttpApiMiddleware"
import * as HttpApiScalar from "effect/http-api/HttpApiScalar"
import * as HttpApiSchema from "effect/http-api/HttpApiSchema"
import * as HttpApiSecurity from "effect/http-api/HttpApiSecurity"
import * as HttpApiSwagger from "effect/http-api/HttpApiSwagger"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as Latch from "effect/Latch"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { request as nodeRequest } from "node:http"
import { versions } from "../../../../test/support/EffectHttpClients.ts"
import { type Routes, serveRoutes } from "../support/HttpRoutes.ts"
import { until } from "../support/Until.ts"

const { get } = HttpApiEndpoint

class User extends Context.Service<User, string>()("test/User") {}

const session = HttpApiSecurity.apiKey({ in: "cookie", key: "session" })

/** The credentials are tried in this order. */
class Known extends HttpApiMiddleware.Service<Known, { provides: User }>()("test/Known", {
  security: {
    bearer: HttpApiSecurity.bearer,
    basic: HttpApiSecurity.basic,
    field: HttpApiSecurity.apiKey({ in: "header", key: "X-Key" }),
    query: HttpApiSecurity.apiKey({ in: "query", key: "key" }),
    session
  },
  error: HttpApiError.UnauthorizedNoContent
}) {}

class Outer extends HttpApiMiddleware.Service<Outer>()("test/Outer") {}

class Closed extends Schema.TaggedError<Closed>()("Closed", { until: Schema.Int }, { httpApiStatus: 503 }) {}

class Inner extends HttpApiMiddleware.Service<Inner>()("test/Inner", { error: Closed, requiredForClient: true }) {}

class Api extends HttpApi.make("api").add(
  HttpApiGroup.make("known").add(
    get("me", "/me", { success: Schema.String }).middleware(Known),
    get("login", "/login")
  ),
  HttpApiGroup.make("around").add(
    get("open", "/open", { success: Schema.String }).middleware(Inner).middleware(Outer),
    get("closed", "/closed").middleware(Inner).middleware(Outer)
  ),
  HttpApiGroup.make("streams").add(
    get("lines", "/lines", { success: HttpApiSchema.StreamNdjson({ schema: Schema.Int }) }),
    get("bytes", "/bytes", { success: HttpApiSchema.StreamUint8Array() }),
    get("events", "/events", { success: HttpApiSchema.StreamSse({ data: Schema.Int, error: Closed }) }),
    get("endless", "/endless", { success: HttpApiSchema.StreamNdjson({ schema: Schema.Int }) }),
    get("never", "/never"),
    get("steady", "/steady"),
    get("tunnel", "/tunnel", { success: HttpApiSchema.Upgrade({ protocol: "tunnel" }) })
  )
) {}

/** Lets everybody with a name in, but nobody. */
const enter =
  (
    scheme: string
  ): HttpApiMiddleware.HttpApiMiddlewareSecurity<
    { readonly any: HttpApiSecurity.ApiKey },
    User,
    typeof HttpApiError.UnauthorizedNoContent,
    never
  >["any"] =>
  (handler, { credential }) => {
    const name = Redacted.value(credential)
    return name === "" || name === "nobody"
      ? Effect.fail(new HttpApiError.Unauthorized())
      : Effect.provideService(handler, User, `${scheme} ${name}`)
  }

const KnownLive = Layer.succeed(Known, {
  bearer: enter("bearer"),
  basic: (handler, { credential: { password, username }, endpoint, group }) =>
    enter("basic")(handler, {
      credential: Redacted.make(username === "" ? "" : `${username} ${Redacted.value(password)}`),
      endpoint,
      group
    }),
  field: enter("field"),
  query: enter("query"),
  session: enter("session")
})

/** What has happened in handlers and around them. */
class Journal {
  readonly entries: Array<string> = []

  readonly write = (entry: string) => Effect.sync(() => void this.entries.push(entry))

  readonly go = Latch.makeUnsafe(false)

  /** Ends by itself, when it may go. */
  readonly steady = Effect.andThen(this.write("begun"), this.go.await).pipe(
    Effect.onInterrupt(() => this.write("stopped")),
    Effect.andThen(this.write("done"))
  )

  readonly shows = (entry: string) => until(`the journal has "${entry}"`, () => this.entries.includes(entry))
}

const makeRoutes = (journal: Journal) => {
  const around = Layer.merge(
    Layer.succeed(Outer, (handler, { endpoint }) =>
      Effect.andThen(journal.write(`outer ${endpoint.identifier}`), handler)
    ),
    Layer.succeed(
      Inner,
      Effect.fnUntraced(function* (handler, { endpoint, group }) {
        yield* journal.write(`inner ${group.identifier}.${endpoint.identifier}`)
        return yield* endpoint.identifier === "closed" ? Effect.fail(new Closed({ until: 8 })) : handler
      })
    )
  )
  const count = Stream.iterate(1, (number) => number + 1)
  const groups = [
    HttpApiBuilder.group(Api, "known", (handlers) =>
      handlers.handleAll({
        me: () => User,
        login: () => HttpApiBuilder.securitySetCookie(session, "Ann", { secure: false, path: "/" })
      })
    ),
    HttpApiBuilder.group(Api, "around", (handlers) =>
      handlers.handleAll({
        open: ({ request }) => Effect.succeed(request.headers["x-client"] ?? ""),
        closed: () => journal.write("closed was asked")
      })
    ),
    HttpApiBuilder.group(Api, "streams", (handlers) =>
      handlers
        .handle("steady", () => journal.steady, { uninterruptible: true })
        .handleAll({
          lines: () => Effect.succeed(Stream.range(1, 5)),
          bytes: () => Effect.succeed(Stream.make(Buffer.from("ab"), Buffer.from("c"))),
          events: () => Effect.succeed(Stream.concat(Stream.range(1, 2), Stream.fail(new Closed({ until: 9 })))),
          endless: () => Effect.succeed(Stream.ensuring(count, journal.write("the stream ended"))),
          never: () =>
            Effect.andThen(
              journal.write("asked"),
              Effect.onInterrupt(Effect.never, () => journal.write("interrupted"))
            ),
          tunnel: ({ upgrade }) => Effect.asVoid(upgrade())
        })
    )
  ] as const
  return Layer.mergeAll(
    HttpApiBuilder.layer(Api).pipe(Layer.provide([...groups]), Layer.provide([KnownLive, around])),
    HttpApiScalar.layer(Api, { path: "/scalar" }),
    HttpApiSwagger.layer(Api, { path: "/swagger" })
  )
}

const InnerClient = HttpApiMiddleware.layerClient(Inner, ({ next, request }) =>
  next(HttpClientRequest.setHeader(request, "x-client", "was here"))
)

const serve = (version: "1.1" | "2") =>
  Effect.gen(function* () {
    const journal = new Journal()
    const served = yield* serveRoutes(version, makeRoutes(journal))
    const { client: httpClient } = served
    const client = yield* Effect.provide(HttpApiClient.makeWith(Api, { httpClient }), InnerClient)
    return { ...served, httpClient, client, journal }
  })

describe.each(versions)("HTTP/%s", (version) => {
  it.live("credentials come in fields, in the query and in cookies; without them nobody comes in", () =>
    Effect.gen(function* () {
      const { httpClient } = yield* serve(version)
      const basic = `Basic ${Buffer.from("Ann:pass:word").toString("base64")}`
      for (const [path, headers, expected] of [
        ["/me", { authorization: "bearer  Ann" }, `"bearer Ann"`],
        ["/me", { authorization: basic }, `"basic Ann pass:word"`],
        ["/me", { "x-key": "Ann" }, `"field Ann"`],
        ["/me?key=Ann%20B", {}, `"query Ann B"`],
        ["/me", { cookie: "a=b; session=Ann" }, `"session Ann"`],
        ["/me", {}, ""],
        ["/me", { authorization: "Bearer nobody" }, ""]
      ] as const) {
        const { status, text } = yield* httpClient.execute(HttpClientRequest.get(path, { headers }))
        assert.deepStrictEqual([status, yield* text], [expected === "" ? 401 : 200, expected])
      }
    })
  )

  it.live("a handler sets the cookie that is asked for", () =>
    Effect.gen(function* () {
      const { client } = yield* serve(version)
      const response = yield* client.known.login({ responseMode: "response-only" })
      assert.strictEqual(response.status, 204)
      assert.strictEqual(response.headers["set-cookie"], "session=Ann; Path=/; HttpOnly")
    })
  )

  it.live("middleware is around handlers in its order, in clients as well", () =>
    Effect.gen(function* () {
      const { client, journal } = yield* serve(version)
      assert.strictEqual(yield* client.around.open(), "was here")
      assert.deepStrictEqual(journal.entries.splice(0), ["outer open", "inner around.open"])
      assert.deepStrictEqual(yield* Effect.flip(client.around.closed()), new Closed({ until: 8 }))
      assert.deepStrictEqual(journal.entries, ["outer closed", "inner around.closed"])
    })
  )

  it.live("streams are answered as lines, bytes and events", () =>
    Effect.gen(function* () {
      const { client, httpClient } = yield* serve(version)
      assert.deepStrictEqual(yield* Stream.runCollect(yield* client.streams.lines()), [1, 2, 3, 4, 5])
      const bytes = yield* Stream.runCollect(yield* client.streams.bytes())
      assert.strictEqual(Buffer.concat(bytes).toString(), "abc")
      const seen: Array<number> = []
      const events = Stream.runForEach(yield* client.streams.events(), (value) => Effect.sync(() => seen.push(value)))
      assert.deepStrictEqual(yield* Effect.flip(events), new Closed({ until: 9 }))
      assert.deepStrictEqual(seen, [1, 2])
      // As browsers ask.
      const { headers, text } = yield* httpClient.get("/events", { headers: { accept: "text/event-stream" } })
      assert.strictEqual(headers["content-type"], "text/event-stream")
      assert.include(yield* text, "data: 1\n\n")
    })
  )

  it.live("a client that leaves ends the stream that it reads, and interrupts the handler that it waits for", () =>
    Effect.gen(function* () {
      const { client, journal } = yield* serve(version)
      const first = yield* Stream.runCollect(Stream.take(yield* client.streams.endless(), 3))
      assert.deepStrictEqual(first, [1, 2, 3])
      yield* journal.shows("the stream ended")
      const waiting = yield* Effect.forkChild(client.streams.never())
      yield* journal.shows("asked")
      yield* Fiber.interrupt(waiting)
      yield* journal.shows("interrupted")
    })
  )

  it.live("a handler that is not to be interrupted comes to its end when its client has left", () =>
    Effect.gen(function* () {
      const { client, journal } = yield* serve(version)
      const steady = yield* Effect.forkChild(client.streams.steady())
      yield* journal.shows("begun")
      const other = yield* Effect.forkChild(client.streams.never())
      yield* journal.shows("asked")
      yield* Fiber.interrupt(steady)
      yield* Fiber.interrupt(other)
      // By now the server knows of the first as well.
      yield* journal.shows("interrupted")
      yield* journal.go.open
      yield* journal.shows("done")
      assert.notInclude(journal.entries, "stopped")
    })
  )

  it.live(
    "an upgrade to anything but a WebSocket is refused, and who does not ask for it is told what to ask for",
    () =>
      Effect.gen(function* () {
        const { httpClient, port } = yield* serve(version)
        const { headers, status } = yield* httpClient.get("/tunnel")
        // HTTP/2 has no upgrades to name (RFC 9113 §8.2.2).
        assert.deepStrictEqual([status, headers["upgrade"]], [426, version === "2" ? undefined : "tunnel"])
        const refused = yield* Effect.callback<number | undefined>((resume) => {
          const fields = { connection: "Upgrade", upgrade: "tunnel" }
          nodeRequest({ host: "127.0.0.1", port, path: "/tunnel", headers: fields, agent: false })
            .on("response", (response) => resume(Effect.succeed(response.resume().statusCode)))
            .end()
        })
        assert.strictEqual(refused, 400)
      })
  )

  it.live("the pages with the documentation come whole", () =>
    Effect.gen(function* () {
      const { httpClient } = yield* serve(version)
      for (const path of ["/scalar", "/swagger"]) {
        const { headers, text } = yield* httpClient.get(path)
        const page = yield* text
        assert.strictEqual(headers["content-type"], "text/html")
        assert.isAbove(page.length, 1_000_000)
        assert.isTrue(page.trimEnd().endsWith("</html>"), path)
      }
    })
  )
})

it.live("an API that lacks a group, or a middleware, does not begin to serve", () =>
  Effect.gen(function* () {
    const around = HttpApiBuilder.group(Api, "around", (handlers) =>
      handlers.handleAll({ open: () => Effect.succeed(""), closed: () => Effect.void })
    )
    for (const [routes, problem] of [
      [HttpApiBuilder.layer(Api), `HttpApiGroup "known" not found`],
      [Layer.provide(HttpApiBuilder.layer(Api), around), "Service not found: test/Inner"]
    ] as const) {
      // Without the cast the compiler would tell that something is missing.
      const cause = yield* Effect.flip(Effect.sandbox(serveRoutes("1.1", routes as Routes)))
      assert.include(Cause.pretty(cause), problem)
    }
  })
)
