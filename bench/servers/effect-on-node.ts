import { createServer } from "node:http"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Layer from "effect/Layer"
import * as Contract from "./support/contract.ts"
import { program } from "./support/effect.ts"
import { listenOptions } from "./support/harness.ts"

const server = NodeHttpServer.layer(
  () => createServer({ keepAliveTimeout: Contract.keepAliveMilliseconds }),
  listenOptions()
)

NodeRuntime.runMain(Layer.launch(Layer.provide(program, server)))
