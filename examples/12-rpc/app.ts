/**
 * Procedures by Effect's RPC, at one path over HTTP and over WebSocket: lines of JSON, typed on both sides.
 *
 *     npx pagi-server examples/12-rpc/app.ts
 *     node examples/12-rpc/client.ts http://127.0.0.1:5000/rpc
 *     node examples/12-rpc/client.ts ws://127.0.0.1:5000/rpc
 *     echo '{"_tag":"Request","id":"1","tag":"Factors","payload":{"of":60},"headers":[]}' |
 *       curl --data-binary @- http://127.0.0.1:5000/rpc
 *
 * - `Numbers.ts`: the procedures, which servers and clients share
 * - `Arithmetic.ts`: what answers
 * - `client.ts`: a client
 */
import * as HttpRouter from "effect/http/HttpRouter"
import * as Layer from "effect/Layer"
import * as RpcSerialization from "effect/rpc/RpcSerialization"
import * as RpcServer from "effect/rpc/RpcServer"
import { Arithmetic } from "./Arithmetic.ts"
import { Numbers } from "./Numbers.ts"

const routes = Layer.mergeAll(
  // POST: the answer, or the items of the stream, are the response.
  RpcServer.layerHttp({ group: Numbers, path: "/rpc", protocol: "http" }),
  // GET, which becomes a WebSocket: any number of calls at a time. Clients acknowledge the items of streams.
  RpcServer.layerHttp({ group: Numbers, path: "/rpc", protocol: "websocket" })
).pipe(Layer.provide(Arithmetic), Layer.provide(RpcSerialization.layerNdjson))

// The server says where it listens, and logs requests.
export default HttpRouter.serve(routes, { disableListenLog: true, disableLogger: true })
