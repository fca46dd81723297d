import type { CandidateName } from "../candidates.ts"
import * as Contract from "../servers/support/contract.ts"
import type { Http2Load, Http2Row, Suite } from "./row.ts"

const get: Http2Load = { method: "GET", path: "/", bodyBytes: 0, connections: 16, streams: 32, tls: false }

const large: Http2Load = { ...get, path: Contract.streamPath, connections: 4, streams: 8 }

const peers: ReadonlyArray<CandidateName> = ["node-http2", "nghttpd"]

const hello: Http2Row = {
  name: "h2-hello",
  title: "13 bytes of text, 16 connections, 32 streams at a time on each",
  protocol: "http2",
  load: get,
  expectedBody: Contract.greeting,
  streamed: false,
  subject: "pagi",
  peers,
  budgets: [
    { peer: "node-http2", atLeast: 4 },
    { peer: "nghttpd", atLeast: 1 }
  ]
}

const stream: Http2Row = {
  ...hello,
  name: "h2-stream-1m",
  title: "response of 1 MiB in 64 KiB pieces, 4 connections, 8 streams at a time on each",
  load: large,
  expectedBody: Buffer.from(Contract.piece).toString("latin1").repeat(Contract.pieceCount),
  streamed: true,
  budgets: [{ peer: "node-http2", atLeast: 1.1 }]
}

const overTls = (row: Http2Row): Http2Row => ({
  ...row,
  name: `${row.name}-tls`,
  title: `the same over TLS: ${row.title}`,
  load: { ...row.load, tls: true }
})

export const http2Rows: ReadonlyArray<Http2Row> = [
  hello,
  overTls(hello),
  {
    ...hello,
    name: "h2-post-1k",
    title: "POST of 1 KiB, read and answered with its length, 16 connections, 32 streams at a time on each",
    load: { ...get, method: "POST", path: Contract.lengthPath, bodyBytes: 1024 },
    expectedBody: "1024",
    budgets: [
      { peer: "node-http2", atLeast: 1 },
      { peer: "nghttpd", atLeast: 0.6 }
    ]
  },
  stream,
  overTls(stream)
]

export const http2: Suite = {
  name: "http2",
  title: "HTTP/2",
  loadGenerator: "h2load",
  remarks: [
    "The load comes from `h2load`, which announces windows of 1 GiB, so that none of its own limits what it is sent, and",
    "has no percentiles of latencies. MiB/s counts answers with their heads and frames, and request bodies. Without TLS",
    "clients begin with the preface (h2c); with it all speak TLS 1.3 with AES-128-GCM, and a certificate on P-256.",
    "`node-http2` answers `stream` events of `node:http2`, without its imitation of `node:http`. `nghttpd` is C, of the",
    "library that `h2load` and `node:http2` use too; it serves files of the same content, with Content-Length also for the",
    "1 MiB, and answers a POST with the file that it names when the body has come. Where the load core is busier than",
    "the server core, `h2load` was the limit, and a server can do more than the figure says: then compare what the",
    "servers do in a second of their own processor time."
  ],
  throughput: http2Rows,
  figures: [],
  idle: {
    name: "h2-idle",
    title: "memory per idle HTTP/2 connection",
    protocol: "http2",
    connections: 2000,
    candidates: ["pagi", "node-http2"],
    subject: "pagi",
    budgets: { timesPeers: [{ peer: "node-http2", atMost: 1 }] }
  }
}
