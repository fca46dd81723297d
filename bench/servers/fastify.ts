import { Readable } from "node:stream"
import fastify from "fastify"
import * as Contract from "./support/contract.ts"
import { listenOptions } from "./support/harness.ts"

const server = fastify({
  logger: false,
  bodyLimit: Contract.maximumBodyBytes,
  keepAliveTimeout: Contract.keepAliveMilliseconds
})

server.addContentTypeParser("application/octet-stream", { parseAs: "buffer" }, (_request, body, done) => {
  done(null, body)
})

server.get("/", (_request, reply) => {
  reply.header("content-type", Contract.contentType).send(Contract.greeting)
})

server.post<{ Body: Buffer }>(Contract.lengthPath, (request, reply) => {
  reply.header("content-type", Contract.contentType).send(String(request.body.length))
})

function* pieces(): Generator<Uint8Array> {
  for (let sent = 0; sent < Contract.pieceCount; sent++) yield Contract.piece
}

server.get(Contract.streamPath, (_request, reply) => {
  reply.header("content-type", Contract.contentType).send(Readable.from(pieces()))
})

await server.listen(listenOptions())
