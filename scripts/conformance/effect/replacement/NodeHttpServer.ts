/** What Effect's tests know by the name `NodeHttpServer`, on this server. */
import * as PagiHttpServer from "@pagi/node/PagiHttpServer"
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as HttpServer from "effect/http/HttpServer"
import * as Layer from "effect/Layer"
import type * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"

/** The options of `NodeHttpServer` that there are here too, by our names; where it listens by default is as there. */
const optionsOf = (options: NodeHttpServer.Options): PagiHttpServer.Options => {
  const { gracefulShutdownTimeout, host, path, port, websocket } = options
  return {
    host: host ?? "localhost",
    port: port ?? 0,
    ...(path === undefined ? {} : { socket: path }),
    ...(gracefulShutdownTimeout === undefined ? {} : { shutdownTimeout: gracefulShutdownTimeout }),
    ...(websocket?.perMessageDeflate === undefined ? {} : { perMessageDeflate: websocket.perMessageDeflate !== false }),
    ...(websocket?.maxPayload === undefined ? {} : { maxWsMessageSize: websocket.maxPayload })
  }
}

export const { layerHttpServices, layerTest } = PagiHttpServer

/** The server of Node's that is given first is not used. */
export const make = (_evaluate: () => unknown, options: NodeHttpServer.Options) =>
  PagiHttpServer.make(optionsOf(options))

export const layerServer = (evaluate: () => unknown, options: NodeHttpServer.Options) =>
  Layer.effect(HttpServer.HttpServer)(make(evaluate, options))

export const layer = (evaluate: () => unknown, options: NodeHttpServer.Options) =>
  Layer.mergeAll(layerServer(evaluate, options), layerHttpServices)

export const layerConfig = (evaluate: () => unknown, options: Config.Wrap<NodeHttpServer.Options>) =>
  Layer.mergeAll(
    Layer.effect(HttpServer.HttpServer)(
      Effect.flatMap(Config.unwrap(options), (unwrapped) => make(evaluate, unwrapped))
    ),
    layerHttpServices
  )

const nodeOnly = Effect.die(new Error("this takes requests and responses of Node's, which this server has not"))

export const makeHandler = (): Effect.Effect<never> => nodeOnly

export const makeUpgradeHandler = (): Effect.Effect<never> => nodeOnly
