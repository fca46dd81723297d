/** Procedures of Effect's RPC that are served by this server, and clients in each way that there is to call them. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Headers from "effect/http/Headers"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Rpc from "effect/rpc/Rpc"
import * as RpcClient from "effect/rpc/RpcClient"
import * as RpcGroup from "effect/rpc/RpcGroup"
import * as RpcMiddleware from "effect/rpc/RpcMiddleware"
import * as RpcSerialization from "effect/rpc/RpcSerialization"
import * as RpcServer from "effect/rpc/RpcServer"
import * as Schema from "effect/Schema"
import * as Socket from "effect/socket/Socket"
import * as Stream from "effect/Stream"
import type { Version } from "../../../../test/support/EffectHttpClients.ts"
import { type ServedRoutes, serveRoutes } from "./HttpRoutes.ts"

export class Thing extends Schema.Class<Thing>("Thing")({ id: Schema.Int, name: Schema.String }) {}

export class NotThere extends Schema.TaggedError<NotThere>()("NotThere", { id: Schema.Int }) {}

export class Stranger extends Schema.TaggedError<Stranger>()("Stranger", { name: Schema.String }) {}

class Caller extends Context.Service<Caller, string>()("test/Caller") {}

/** Knows callers by a header, which clients add. */
class Introduced extends RpcMiddleware.Service<Introduced, { provides: Caller }>()("test/Introduced", {
  error: Stranger,
  requiredForClient: true
}) {}

const id = { id: Schema.Int }

export const Procedures = RpcGroup.make(
  Rpc.make("Find", { payload: id, success: Thing, error: NotThere }),
  Rpc.make("Look", { payload: id, success: Schema.Option(Thing) }),
  Rpc.make("WhoAmI", { success: Schema.String }).middleware(Introduced),
  Rpc.make("Echo", { payload: { text: Schema.String }, success: Schema.String }),
  Rpc.make("UpTo", { payload: { end: Schema.Int }, success: Schema.Int, error: NotThere, stream: true }),
  Rpc.make("Endless", { payload: { size: Schema.Int }, success: Schema.String, stream: true }),
  Rpc.make("Never"),
  Rpc.make("Break"),
  Rpc.make("BreakInDetail", { defect: Schema.Defect({ includeStack: true }) }),
  Rpc.make("nested.name", { success: Schema.Boolean })
)

/** One of which the server knows nothing. */
const Unknown = Rpc.make("Unknown", { success: Schema.String })

/** What has happened in handlers. */
export class Counts {
  asked = 0
  interrupted = 0
  /** Items that streams were asked for. */
  made = 0
  ended = 0
}

const handlers = (counts: Counts) =>
  Procedures.toLayer({
    Find: ({ id }) => (id === 1 ? Effect.succeed(new Thing({ id, name: "ä" })) : Effect.fail(new NotThere({ id }))),
    Look: ({ id }) => Effect.succeed(id === 1 ? Option.some(new Thing({ id, name: "ä" })) : Option.none()),
    WhoAmI: () => Caller,
    Echo: ({ text }) => Effect.succeed(text),
    UpTo: ({ end }) => Stream.concat(Stream.range(1, end), Stream.fail(new NotThere({ id: end + 1 }))),
    Endless: ({ size }) =>
      Stream.fromEffectRepeat(
        Effect.sync(() => {
          counts.made++
          return "x".repeat(size)
        })
      ).pipe(Stream.ensuring(Effect.sync(() => void counts.ended++))),
    Never: () =>
      Effect.suspend(() => {
        counts.asked++
        return Effect.onInterrupt(Effect.never, () => Effect.sync(() => void counts.interrupted++))
      }),
    Break: () => Effect.die("broken"),
    BreakInDetail: () => Effect.die(Object.assign(new Error("in detail"), { name: "Detail", stack: "at the end" })),
    "nested.name": () => Effect.succeed(true)
  })

const IntroducedLive = Layer.succeed(Introduced, (handler, { headers }) => {
  const { "x-caller": name = "nobody" } = headers
  return name === "nobody" ? Effect.fail(new Stranger({ name })) : Effect.provideService(handler, Caller, name)
})

const serializations = {
  ndjson: RpcSerialization.layerNdjson,
  json: RpcSerialization.layerJson,
  jsonRpc: RpcSerialization.layerJsonRpc(),
  ndJsonRpc: RpcSerialization.layerNdJsonRpc(),
  schemaBinary: RpcSerialization.layerSchemaBinary()
}

/** How a client calls. */
export interface RpcWay {
  readonly over: "WebSocket" | `HTTP/${Version}`
  readonly as: keyof typeof serializations
}

/** The ways in which a stream comes as it is made, rather than whole. */
export const streaming: ReadonlyArray<RpcWay> = [
  ...(["HTTP/1.1", "HTTP/2"] as const).flatMap((over) =>
    (["ndjson", "ndJsonRpc", "schemaBinary"] as const).map((as) => ({ over, as }))
  ),
  ...(["ndjson", "json", "jsonRpc", "schemaBinary"] as const).map((as) => ({ over: "WebSocket", as }) as const)
]

export const ways: ReadonlyArray<RpcWay> = [
  ...streaming,
  ...(["HTTP/1.1", "HTTP/2"] as const).flatMap((over) => (["json", "jsonRpc"] as const).map((as) => ({ over, as })))
]

const versionOf = ({ over }: RpcWay): Version => (over === "HTTP/2" ? "2" : "1.1")

const overWebSocket = ({ port }: ServedRoutes) =>
  RpcClient.layerProtocolSocket({ retryTransientErrors: false }).pipe(
    Layer.provide(Socket.layerWebSocket(`ws://127.0.0.1:${port}/rpc`)),
    Layer.provide(Socket.layerWebSocketConstructorGlobal)
  )

const overHttp = ({ client }: ServedRoutes, batch?: RpcOptions["batch"]) =>
  RpcClient.layerProtocolHttp({
    url: "",
    batch,
    // The origin is in front already.
    transformClient: HttpClient.mapRequest(HttpClientRequest.appendUrl("/rpc"))
  }).pipe(Layer.provide(Layer.succeed(HttpClient.HttpClient, client)))

/** Clients add who they are to what a caller sends itself. */
const IntroducedClient = RpcMiddleware.layerClient(Introduced, ({ next, request }) =>
  next({ ...request, headers: Headers.set(request.headers, "x-caller", request.headers["x-name"] ?? "nobody") })
)

/** What servers and clients are made with besides. */
export interface RpcOptions {
  readonly disableFatalDefects?: boolean
  readonly onDisconnect?: () => Effect.Effect<void>
  /** How long calls over HTTP wait for others, and for how many, to be sent in one request. */
  readonly batch?: { readonly window: number; readonly maxSize: number }
}

/** Serves the procedures, as long as the scope; each `connect` is a client of its own. */
export const serveRpc = (way: RpcWay, options: RpcOptions = {}) =>
  Effect.gen(function* () {
    const counts = new Counts()
    const serialization = serializations[way.as]
    const protocol = way.over === "WebSocket" ? "websocket" : "http"
    const routes = RpcServer.layerHttp({ group: Procedures, path: "/rpc", protocol, ...options }).pipe(
      Layer.provide([handlers(counts), IntroducedLive, serialization])
    )
    const served = yield* serveRoutes(versionOf(way), routes)
    const connect = Effect.gen(function* () {
      const protocol = way.over === "WebSocket" ? overWebSocket(served) : overHttp(served, options.batch)
      const context = yield* Layer.build(Layer.merge(Layer.provide(protocol, serialization), IntroducedClient))
      return yield* Effect.provideContext(RpcClient.make(Procedures.add(Unknown)), context)
    })
    return { ...served, counts, connect }
  })
