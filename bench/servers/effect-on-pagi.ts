import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as PagiHttpServer from "@pagi/node/PagiHttpServer"
import * as Layer from "effect/Layer"
import * as Contract from "./support/contract.ts"
import { program } from "./support/effect.ts"
import { serverArguments } from "./support/harness.ts"

const server = PagiHttpServer.layer({ port: serverArguments().port, timeout: Contract.keepAliveMilliseconds })

NodeRuntime.runMain(Layer.launch(Layer.provide(program, server)))
