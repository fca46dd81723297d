/** The span of an exchange, on a server that makes any. */
import type { ExchangeFollower } from "../observe/ExchangeRecorder.ts"
import type { RunObserver } from "../server/RequestRunner.ts"
import type { ServerContext } from "../server/ServerContext.ts"
import type { RequestTrace } from "../tracing/RequestTrace.ts"
import { HttpExchange } from "./Http.ts"
import type { HttpRequestHead, ScopeConnection } from "./RequestScope.ts"
import type { SseExchange } from "./Sse.ts"
import { WebSocketExchange } from "./WebSocket.ts"

/** Any exchange that begins with a request. */
export type BegunExchange = HttpExchange | SseExchange | WebSocketExchange

/** The type of the scope that an exchange has. */
const typeOf = (exchange: BegunExchange): "http" | "sse" | "websocket" =>
  exchange instanceof HttpExchange ? "http" : exchange instanceof WebSocketExchange ? "websocket" : "sse"

/** Begins the span, which follows the response. */
export const begin = (
  response: { follow(follower: ExchangeFollower): void },
  { tracer }: Pick<ServerContext, "tracer">,
  exchange: BegunExchange,
  connection: ScopeConnection,
  head: HttpRequestHead
): RequestTrace | undefined => {
  const trace = tracer?.begin(typeOf(exchange), head, connection)
  if (trace !== undefined) response.follow(trace)
  return trace
}

/** The span ends with the application, when that has been told to the other one. */
export const observe = (observer: RunObserver, trace: RequestTrace | undefined): RunObserver =>
  trace === undefined ? observer : trace.after(observer)
