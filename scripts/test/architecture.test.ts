import { describe, expect, it } from "vitest"
import { importProblem } from "../lint/architecture.ts"

const allowed: ReadonlyArray<readonly [file: string, specifier: string]> = [
  ["packages/core/src/contract/PagiApp.ts", "effect/Effect"],
  ["packages/core/src/contract/PagiApp.ts", "./Event.ts"],
  ["packages/core/src/bytes/ByteSink.ts", "./ByteString.ts"],
  ["packages/core/src/http/HeaderBlock.ts", "../bytes/ByteString.ts"],
  ["packages/http1/src/Http1Driver.ts", "@pagi/core/transport/Transport"],
  ["packages/http1/src/Http1Driver.ts", "./protocol/Connection.ts"],
  ["packages/http1/src/protocol/Connection.ts", "./Limits.ts"],
  ["packages/http1/src/protocol/Connection.ts", "@pagi/core/http/HeaderBlock"],
  ["packages/http2/src/protocol/frame/Data.ts", "../Settings.ts"],
  ["packages/node/src/mesh/protocol/Inbox.ts", "@pagi/core/bytes/Fifo"],
  ["packages/node/src/listen/SocketListener.ts", "node:net"],
  ["packages/node/src/pool/RestartPlan.ts", "./PoolState.ts"],
  ["packages/node/src/accept/ConnectionAcceptor.ts", "effect/Effect"],
  ["packages/node/src/accept/ConnectionAcceptor.ts", "./Protocols.ts"],
  ["packages/node/src/accept/Protocols.ts", "../compression/NodeWebSocketPlatform.ts"],
  ["packages/node/src/PagiServer.ts", "@pagi/http1/Http1Driver"],
  ["packages/cli/src/run/main.ts", "@pagi/node/PagiServer"],
  ["packages/http1/test/Http1Driver.test.ts", "node:fs"],
  ["packages/http1/test/Http1Driver.test.ts", "effect"],
  ["packages/http1/test/Http1Driver.test.ts", "../src/Http1Driver.ts"],
  ["examples/01-hello.ts", "@pagi/core"]
]

const refused: ReadonlyArray<readonly [what: string, file: string, specifier: string]> = [
  ["core knows no other package", "packages/core/src/contract/PagiApp.ts", "@pagi/http1"],
  ["core runs anywhere", "packages/core/src/contract/PagiApp.ts", "node:net"],
  ["core runs anywhere, whatever the spelling", "packages/core/src/contract/PagiApp.ts", "fs/promises"],
  ["core uses effect only", "packages/core/src/contract/PagiApp.ts", "@effect/platform-node/NodeRuntime"],
  ["a package uses relative paths within", "packages/core/src/contract/PagiApp.ts", "@pagi/core/Event"],
  ["protocols do not know Node", "packages/http1/src/Http1Driver.ts", "node:net"],
  ["protocols do not know one another", "packages/http1/src/Http1Driver.ts", "@pagi/http2"],
  ["protocols do not know one another", "packages/http2/src/Http2Driver.ts", "@pagi/websocket/Frame"],
  ["protocols do not know the server", "packages/http1/src/Http1Driver.ts", "@pagi/node"],
  ["tests follow the direction too", "packages/http1/test/Http1Driver.test.ts", "@pagi/node"],
  ["the server does not know the command", "packages/node/src/PagiServer.ts", "@pagi/cli"],
  ["no barrel of effect", "packages/node/src/PagiServer.ts", "effect"],
  ["no barrel of platform-node", "packages/cli/src/run/main.ts", "@effect/platform-node"],
  ["dependencies are declared", "packages/cli/src/run/main.ts", "@pagi/websocket"],
  ["dependencies are few", "packages/node/src/PagiServer.ts", "fastify"],
  ["machines do not use effect", "packages/http1/src/protocol/Connection.ts", "effect/Option"],
  ["machines do not use Node", "packages/http1/src/protocol/Connection.ts", "node:buffer"],
  ["machines do not use Node, where they are for it", "packages/node/src/mesh/protocol/Mesh.ts", "node:net"],
  ["machines stay in their folder", "packages/node/src/mesh/protocol/Mesh.ts", "../MeshSockets.ts"],
  ["machines stay in their folder", "packages/http1/src/protocol/Connection.ts", "../Http1Driver.ts"],
  ["machines stay in their folder", "packages/http2/src/protocol/frame/Data.ts", "../../Http2Driver.ts"],
  ["machines use leaves of core only", "packages/http1/src/protocol/Connection.ts", "@pagi/core"],
  ["machines use leaves of core only", "packages/http1/src/protocol/Connection.ts", "@pagi/core/contract/Event"],
  ["leaves stay leaves", "packages/core/src/bytes/ByteString.ts", "effect/Option"],
  ["leaves stay leaves", "packages/core/src/http/HeaderBlock.ts", "../contract/Event.ts"],
  ["the plan of the pool is pure", "packages/node/src/pool/RestartPlan.ts", "effect/Effect"],
  ["the plan of the pool is pure", "packages/node/src/pool/RestartPlan.ts", "node:os"],
  ["the plan of the pool is pure", "packages/node/src/pool/RestartPlan.ts", "../worker/WorkerMessage.ts"],
  ["what accepts knows no sockets", "packages/node/src/accept/Listener.ts", "node:net"],
  ["what accepts knows no sockets", "packages/node/src/accept/ConnectionAcceptor.ts", "tls"],
  ["what accepts knows no sockets", "packages/node/src/accept/Listener.ts", "../listen/SharedRead.ts"],
  ["what accepts declares its dependencies too", "packages/node/src/accept/Listener.ts", "fastify"],
  ["no paths between packages", "packages/http1/src/Http1Driver.ts", "../../core/src/Event.ts"],
  ["no paths between packages", "examples/01-hello.ts", "../packages/core/src/contract/Event.ts"]
]

describe("importProblem", () => {
  it.each(allowed)("%s may import %s", (file, specifier) => {
    expect(importProblem(file, specifier)).toBeUndefined()
  })

  it.each(refused)("%s: %s may not import %s", (_, file, specifier) => {
    expect(importProblem(file, specifier)).toBeTypeOf("string")
  })
})
