import type { CandidateName } from "../candidates.ts"
import * as Contract from "../servers/support/contract.ts"
import { type Budget, get, type HttpLoad, type HttpRow, type Suite } from "./row.ts"

const post: HttpLoad = { ...get, method: "POST", path: Contract.lengthPath }

const peers: ReadonlyArray<CandidateName> = ["node-http", "fastify", "hono", "effect-node-http-server", "bun", "deno"]

const asFastAsNode: ReadonlyArray<Budget> = [{ peer: "node-http", atLeast: 1 }]

const fasterThanNodeServer: ReadonlyArray<Budget> = [{ peer: "hono", atLeast: 1.2 }]

const mebibyte = 1_048_576

export const fileRowName = "file-100m"

const throughput: ReadonlyArray<HttpRow> = [
  {
    name: "hello",
    title: "13 bytes of text, 64 keep-alive connections",
    protocol: "http",
    load: get,
    expectedBody: Contract.greeting,
    streamed: false,
    subject: "pagi",
    peers: ["floor", ...peers],
    budgets: [
      { peer: "node-http", atLeast: 1.45 },
      { peer: "fastify", atLeast: 1.2 },
      { peer: "effect-node-http-server", atLeast: 1.3 },
      { peer: "bun", atLeast: 1 },
      { peer: "floor", atLeast: 0.9 }
    ]
  },
  {
    name: "pipelined",
    title: "the same, 16 requests in flight on each connection",
    protocol: "http",
    load: { ...get, pipelineDepth: 16 },
    expectedBody: Contract.greeting,
    streamed: false,
    subject: "pagi",
    peers: ["floor", ...peers],
    budgets: [{ peer: "node-http", atLeast: 5 }]
  },
  {
    name: "post-1k",
    title: "POST of 1 KiB, read and answered with its length, 64 connections",
    protocol: "http",
    load: { ...post, bodyBytes: 1024 },
    expectedBody: "1024",
    streamed: false,
    subject: "pagi",
    peers,
    budgets: asFastAsNode
  },
  {
    name: "post-1m",
    title: "POST of 1 MiB, read and answered with its length, 16 connections",
    protocol: "http",
    load: { ...post, bodyBytes: mebibyte, connections: 16 },
    expectedBody: String(mebibyte),
    streamed: false,
    subject: "pagi",
    peers,
    budgets: asFastAsNode
  },
  {
    name: "stream-1m",
    title: "response of 1 MiB in 64 KiB pieces, chunked, 16 connections",
    protocol: "http",
    load: { ...get, path: Contract.streamPath, connections: 16 },
    expectedBody: Buffer.from(Contract.piece).toString("latin1").repeat(Contract.pieceCount),
    streamed: true,
    subject: "pagi",
    peers,
    budgets: [{ peer: "node-http", atLeast: 1.1 }]
  },
  {
    name: fileRowName,
    title: "response of a file of 100 MiB, 2 connections",
    protocol: "http",
    load: { ...get, path: Contract.filePath, connections: 2 },
    expectedBody: Buffer.from(Contract.piece).toString("latin1").repeat(Contract.filePieceCount),
    streamed: false,
    subject: "pagi",
    peers: ["node-http"],
    budgets: asFastAsNode
  },
  {
    name: "hono",
    title: "13 bytes of text by Hono, 64 keep-alive connections",
    protocol: "http",
    load: get,
    expectedBody: Contract.greeting,
    streamed: false,
    subject: "pagi-hono",
    peers: ["hono"],
    budgets: fasterThanNodeServer
  },
  {
    name: "hono-post-1k",
    title: "POST of 1 KiB, read by Hono and answered with its length, 64 connections",
    protocol: "http",
    load: { ...post, bodyBytes: 1024 },
    expectedBody: "1024",
    streamed: false,
    subject: "pagi-hono",
    peers: ["hono"],
    budgets: fasterThanNodeServer
  },
  {
    name: "connection-per-request",
    title: "13 bytes of text, a new connection for each request, 64 at a time",
    protocol: "http",
    load: { ...get, closeAfterEach: true },
    expectedBody: Contract.greeting,
    streamed: false,
    subject: "pagi",
    // Bun closes the connection without saying so in its answer.
    peers: peers.filter((peer) => peer !== "bun"),
    budgets: asFastAsNode
  },
  {
    name: "access-log",
    title: "hello with the access log written to a file, against hello without",
    protocol: "http",
    load: get,
    expectedBody: Contract.greeting,
    streamed: false,
    subject: "pagi-access-log",
    peers: ["pagi"],
    budgets: [{ peer: "pagi", atLeast: 0.93 }]
  }
]

export const http1: Suite = {
  name: "http1",
  title: "HTTP/1.1",
  loadGenerator: "wrk",
  remarks: [
    "MiB/s counts answers with their heads, and request bodies. `bun` and `deno` are `Bun.serve` and `Deno.serve` in their",
    "own runtimes."
  ],
  throughput,
  figures: [],
  idle: {
    name: "idle",
    title: "memory per idle keep-alive connection",
    protocol: "http",
    connections: 5000,
    candidates: ["pagi", "node-http", "floor"],
    subject: "pagi",
    budgets: { kibibytesPerConnection: 6 }
  }
}
