import type { ExchangeRecord, ObservedRequest } from "../../../src/observe/Observer.ts"

export const request: ObservedRequest = {
  method: "GET",
  target: "/a?b=c",
  httpVersion: "1.1",
  headers: [
    ["host", "a"],
    ["referer", "http://a/"],
    ["x-twice", "first"],
    ["user-agent", "curl/8.0"],
    ["x-twice", "second"],
    ["x-empty", ""]
  ]
}

export const record: ExchangeRecord = {
  client: ["192.0.2.7", 50_000],
  server: ["192.0.2.1", 8080],
  secure: false,
  request,
  kind: "http",
  requestId: "k3v9x2-1",
  traceId: "0af7651916cd43dd8448eb211c80319c",
  status: 200,
  responseHeaders: [
    ["Content-Type", "text/plain"],
    ["x-quoted", '"\n']
  ],
  bytes: 1234,
  startedAt: Date.UTC(2026, 10, 22, 8, 0, 5, 999),
  duration: 12_345.6789,
  firstByte: 10.5,
  queueTime: undefined,
  outcome: "complete"
}

/** Of a connection whose bytes were not a request. */
export const withoutRequest: ExchangeRecord = {
  ...record,
  request: undefined,
  requestId: undefined,
  traceId: undefined,
  status: 400,
  responseHeaders: undefined,
  bytes: 0,
  duration: 0,
  firstByte: 0,
  outcome: "protocol_error"
}
