/** What goes on in a server at a moment: what its stop waits for, or cuts off. */
import type { ServerContext } from "@pagi/core/server/ServerContext"
import { count } from "./Amounts.ts"

/** What goes on in a server, by number. */
export interface UnderWay {
  /** Connections that are open, or whose applications have not ended yet; without those that only linger. */
  readonly connections: number
  /** Requests, event streams and WebSockets that the application runs for. */
  readonly requests: number
  readonly eventStreams: number
  readonly webSockets: number
}

/** Counts what goes on. */
export const underWay = ({ registry, runner }: Pick<ServerContext, "registry" | "runner">): UnderWay => {
  const counts = { http: 0, sse: 0, websocket: 0, lifespan: 0 }
  for (const { type } of runner.running) counts[type]++
  const { http: requests, sse: eventStreams, websocket: webSockets } = counts
  return { connections: registry.unfinished, requests, eventStreams, webSockets }
}

/** What goes on, for people: `2 connections (1 request, 1 WebSocket)`. */
export const describe = ({ connections, eventStreams, requests, webSockets }: UnderWay): string => {
  const kinds = [
    ...(requests === 0 ? [] : [count(requests, "request")]),
    ...(webSockets === 0 ? [] : [count(webSockets, "WebSocket")]),
    ...(eventStreams === 0 ? [] : [count(eventStreams, "event stream")])
  ]
  const whole = count(connections, "connection")
  return kinds.length === 0 ? whole : `${whole} (${kinds.join(", ")})`
}
