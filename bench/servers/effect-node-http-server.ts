import { createServer } from "node:http"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Effect from "effect/Effect"
import * as HttpServer from "effect/http/HttpServer"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import * as Contract from "./support/contract.ts"
import { listenOptions } from "./support/harness.ts"

const options = { contentType: Contract.contentType }

const pieces = Stream.fromIterable(Array.from({ length: Contract.pieceCount }, () => Contract.piece))

const application = HttpServerRequest.HttpServerRequest.use((request) => {
  switch (request.url) {
    case Contract.lengthPath:
      return Effect.map(request.arrayBuffer, (body) => HttpServerResponse.text(String(body.byteLength), options))
    case Contract.streamPath:
      return Effect.succeed(HttpServerResponse.stream(pieces, options))
    default:
      return Effect.succeed(HttpServerResponse.text(Contract.greeting, options))
  }
})

const ServerLive = HttpServer.serve(application).pipe(
  Layer.provide(
    NodeHttpServer.layer(() => createServer({ keepAliveTimeout: Contract.keepAliveMilliseconds }), listenOptions())
  )
)

NodeRuntime.runMain(Layer.launch(ServerLive))
