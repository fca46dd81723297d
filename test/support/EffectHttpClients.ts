/** Effect's clients for HTTP, by the version that they speak. */
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import Undici from "@effect/platform-node/Undici"
import * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"

export const versions = ["1.1", "2"] as const

export type Version = (typeof versions)[number]

const dispatcher = (version: Version, origin: string) =>
  Layer.effect(NodeHttpClient.Dispatcher)(
    Effect.acquireRelease(
      // The one for HTTP/2 begins with it, so it understands nothing else; the other is told not to try it.
      Effect.sync(() => (version === "2" ? new Undici.H2CClient(origin) : new Undici.Agent({ allowH2: false }))),
      // What is under way when a test ends is given up.
      (dispatcher) => Effect.promise(() => dispatcher.destroy())
    )
  )

/** A client without TLS for the server of an origin, such as `http://127.0.0.1:5000`. */
export const httpClient = (version: Version, origin: string): Layer.Layer<HttpClient.HttpClient> =>
  NodeHttpClient.layerUndiciNoDispatcher.pipe(Layer.provide(dispatcher(version, origin)))
