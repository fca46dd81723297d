import * as Contract from "../servers/support/contract.ts"
import { get, type HttpRow, type Suite } from "./row.ts"

const order = {
  customer: "c-1042",
  lines: [
    { product: "oak table", quantity: 1 },
    { product: "chair", quantity: 6 }
  ]
}

const json = JSON.stringify(order)

const hello: HttpRow = {
  name: "http-router",
  title: "13 bytes of text by a route of HttpRouter, 64 keep-alive connections",
  protocol: "http",
  load: get,
  expectedBody: Contract.greeting,
  streamed: false,
  subject: "effect-on-pagi",
  peers: ["effect-on-node", "effect-by-command"],
  budgets: [{ peer: "effect-on-node", atLeast: 1.5, atLeastWhenBusy: 1.48, tailAtMost: 1 }]
}

export const effect: Suite = {
  name: "effect",
  title: "Effect's HTTP programs",
  loadGenerator: "wrk",
  remarks: [
    "Here one program, with a route of `HttpRouter` and an endpoint of `HttpApi` whose payload and answer have a `Schema`,",
    "runs on several servers, and nothing else of it differs: `effect-on-pagi` has the layer `PagiHttpServer.layer`, and",
    "`effect-on-node` the `NodeHttpServer.layer` of `@effect/platform-node`, both as a program beside the packages that it",
    "imports; `effect-by-command` is the command with a module that exports the same. None logs requests. What",
    "`http-api-post` takes to read, check and write JSON is the same on all."
  ],
  throughput: [
    hello,
    {
      ...hello,
      name: "http-api-post",
      title: `POST of ${Buffer.byteLength(json)} bytes of JSON to HttpApi, checked and answered with JSON, 64 connections`,
      load: { ...get, method: "POST", path: Contract.ordersPath, bodyBytes: Buffer.byteLength(json), json },
      contentType: "application/json",
      expectedBody: JSON.stringify({ ...order, pieces: 7 }),
      budgets: [{ peer: "effect-on-node", atLeast: 1.3, tailAtMost: 1 }]
    }
  ],
  figures: []
}
