import fastify from "fastify"
import * as Contract from "./support/contract.ts"
import { listenOptions } from "./support/harness.ts"

const server = fastify()

server.get("/", (_request, reply) => {
  reply.header("content-type", Contract.contentType).send(Contract.greeting)
})

await server.listen(listenOptions())
