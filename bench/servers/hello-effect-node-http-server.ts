import { createServer } from "node:http"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Effect from "effect/Effect"
import * as HttpServer from "effect/http/HttpServer"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"
import * as Contract from "./support/contract.ts"
import { listenOptions } from "./support/harness.ts"

const application = Effect.succeed(HttpServerResponse.text(Contract.greeting, { contentType: Contract.contentType }))

const ServerLive = HttpServer.serve(application).pipe(
  Layer.provide(NodeHttpServer.layer(() => createServer(), listenOptions()))
)

NodeRuntime.runMain(Layer.launch(ServerLive))
