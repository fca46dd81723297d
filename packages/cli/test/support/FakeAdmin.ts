import type { HistoryPoint } from "@pagi/node/admin/HistoryPoint"
import type { RecentRequest } from "@pagi/node/admin/RecentRequests"
import type { ServerStatus } from "@pagi/node/admin/ServerStatus"
import * as Effect from "effect/Effect"
import { createServer, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"

/** A second of an admin listener, whatever of it is not given. */
export const pointOf = (at: number, given: Partial<HistoryPoint> = {}): HistoryPoint => ({
  at,
  statuses: { "1xx": 0, "2xx": 90, "3xx": 5, "4xx": 4, "5xx": 1 },
  latency: { p50: 1.25, p90: 2.5, p99: 12 },
  received: 1024,
  sent: 1024 ** 2,
  connections: 64,
  open: { "http/1.1": 60, h2: 4 },
  activeRequests: 3,
  closed: {},
  refused: {},
  processes: [{ worker: 1, lag: 2, memory: 64 * 1024 ** 2, connections: 64 }],
  marks: [],
  ...given
})

export const requestOf = (path: string, given: Partial<RecentRequest> = {}): RecentRequest => ({
  method: "GET",
  path,
  status: 200,
  endedAt: 0,
  duration: 1500,
  httpVersion: "1.1",
  kind: "http",
  ...given
})

export const status = {
  version: "1.2.3",
  node: "24.0.0",
  options: {},
  mode: "workers",
  pid: 4711,
  phase: "serving",
  age: 61_000,
  target: 2,
  isReloading: false,
  listeners: ["http://127.0.0.1:5000/"],
  workers: [
    {
      pid: 4712,
      workerNum: 1,
      phase: "serving",
      age: 60_000,
      requests: 1_234_567,
      connections: 64,
      lag: 1.25,
      memory: 90 * 1024 ** 2,
      lastHeartbeat: 420
    },
    {
      pid: null,
      workerNum: 2,
      phase: "booting",
      age: 0,
      requests: 0,
      connections: 0,
      lag: 0,
      memory: 0,
      lastHeartbeat: null
    }
  ]
} satisfies ServerStatus

/** What an admin listener would answer, by path. */
export type Documents = Readonly<Record<string, unknown>>

export const documents: Documents = {
  "/status": status,
  "/history": [pointOf(1000), pointOf(2000)],
  "/recent": { slowest: [requestOf("/slow")], failed: [requestOf("/broken", { status: 500, worker: 1 })] }
}

/** A server that answers as an admin listener does, at a port of its own or at a path. */
export const serve = (answers: Documents = documents, path?: string) =>
  Effect.gen(function* () {
    const streams = new Set<ServerResponse>()
    const server = yield* Effect.acquireRelease(
      Effect.callback<ReturnType<typeof createServer>>((resume) => {
        const server = createServer(({ url = "" }, response) => {
          if (url === "/events" && answers["/events"] === undefined) {
            response.writeHead(200, { "content-type": "text/event-stream" }).write(": \n\n")
            streams.add(response)
            return
          }
          const answer = answers[url]
          response.writeHead(answer === undefined ? 404 : 200).end(JSON.stringify(answer))
        })
        const listening = (): void => resume(Effect.succeed(server))
        if (path === undefined) server.listen(0, "127.0.0.1", listening)
        else server.listen(path, listening)
      }),
      (server) =>
        Effect.sync(() => {
          server.close()
          server.closeAllConnections()
        })
    )
    const send = (text: string): void => {
      for (const stream of streams) stream.write(text)
    }
    // An object, since it listens on TCP.
    const port = path === undefined ? (server.address() as AddressInfo).port : 0
    return {
      port,
      streams,
      send,
      point: (point: HistoryPoint): void => send(`event: point\ndata: ${JSON.stringify(point)}\n\n`)
    }
  })
