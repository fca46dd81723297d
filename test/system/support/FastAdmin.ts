/** What the dashboard asks for, from a server whose seconds are as short as a test likes. */
import * as PageFiles from "@pagi/node/admin/PageFiles"
import type { AdminStatus } from "@pagi/node/admin/AdminSource"
import type { HistoryPoint } from "@pagi/node/admin/HistoryPoint"
import type { RecentRequest } from "@pagi/node/admin/RecentRequests"
import * as Effect from "effect/Effect"
import { createServer, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"

const pointOf = (second: number): HistoryPoint => ({
  at: second * 1000,
  statuses: { "1xx": 0, "2xx": 1000 + (second % 70) * 10, "3xx": 20, "4xx": second % 50, "5xx": second % 3 },
  latency: { p50: 1 + (second % 7) / 10, p90: 3, p99: 10 + (second % 13) },
  received: 200_000 + second,
  sent: 2_000_000 + second,
  connections: 60 + (second % 9),
  open: { unknown: 1, "http/1.1": 50, h2: 5 + (second % 9), websocket: 4 },
  activeRequests: second % 20,
  closed: { "http/1.1": second % 5, h2: 1 },
  refused: { [`limit-${second % 6}`]: 1 },
  processes: [1, 2].map((worker) => ({ worker, lag: second % 11, memory: 90_000_000 + second, connections: 30 })),
  marks: second % 40 === 0 ? [{ at: second * 1000, what: "worker ended", worker: 1, reason: `reason ${second}` }] : []
})

const statusOf = (second: number): AdminStatus => ({
  version: "1.2.3",
  node: "24.0.0",
  options: { workers: "2" },
  commands: "none",
  mode: "workers",
  pid: 1,
  phase: "serving",
  age: second * 1000,
  target: 2,
  isReloading: false,
  listeners: [],
  workers: [0, 1].map((index) => ({
    pid: second + index,
    workerNum: index + 1,
    phase: "serving",
    age: second,
    requests: second,
    connections: 1,
    lag: 1,
    memory: 1,
    lastHeartbeat: 1
  }))
})

const requestOf = (number: number): RecentRequest => ({
  method: "GET",
  path: `/requests/${number}`,
  status: 500,
  endedAt: number,
  duration: number,
  httpVersion: "1.1",
  kind: "http"
})

/** Starts it with ten minutes of history. */
export const fastAdmin = Effect.gen(function* () {
  const clients = new Set<ServerResponse>()
  const files = PageFiles.read()
  let second = Math.floor(Date.now() / 1000)
  const documents: Readonly<Record<string, () => unknown>> = {
    "/history": () => Array.from({ length: 600 }, (_, index) => pointOf(second - 599 + index)),
    "/status": () => statusOf(second),
    "/recent": () => {
      const requests = Array.from({ length: 20 }, (_, index) => requestOf(second + index))
      return { slowest: requests, failed: requests }
    },
    "/readyz": () => "ready"
  }
  const server = yield* Effect.acquireRelease(
    Effect.callback<ReturnType<typeof createServer>>((resume) => {
      const server = createServer(({ url = "" }, response) => {
        const file = files.get(url)
        if (file !== undefined) {
          for (const [name, value] of PageFiles.headers) response.setHeader(name, value)
          response.writeHead(200, { "content-type": file.contentType }).end(file.bytes)
        } else if (url === "/events") {
          response.writeHead(200, { "content-type": "text/event-stream" }).write(": \n\n")
          clients.add(response)
        } else response.end(JSON.stringify(documents[url]?.()))
      })
      server.listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
    }),
    (server) =>
      Effect.sync(() => {
        server.close()
        server.closeAllConnections()
      })
  )
  // An object, since it listens on TCP.
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}/`,
    /** Tells so many seconds, with a pause in milliseconds before each. */
    tell: (seconds: number, pause: number) =>
      Effect.gen(function* () {
        for (let told = 0; told < seconds; told++) {
          yield* Effect.sleep(pause)
          second++
          for (const client of clients) client.write(`event: point\ndata: ${JSON.stringify(pointOf(second))}\n\n`)
        }
        return second * 1000
      })
  }
})
