import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import type { WebSocketReceiveEvent, WebSocketSendEvent } from "../../src/contract/Event.ts"
import type { WebSocketExchange } from "../../src/exchange/WebSocket.ts"
import type { FakeHostOptions } from "./FakeHost.ts"
import { FakeWebSocketHost } from "./FakeWebSocketHost.ts"

/** One event of each kind. */
export const events = {
  accept: { type: "websocket.accept", subprotocol: "chat", headers: [["x-a", "1"]] },
  message: { type: "websocket.send", text: "hello" },
  keepalive: { type: "websocket.keepalive", interval: 5, timeout: 2 },
  close: { type: "websocket.close", code: 3001, reason: "enough" },
  responseStart: { type: "websocket.http.response.start", status: 401, headers: [["x-b", "2"]] },
  body: { type: "websocket.http.response.body", body: "piece", more: true },
  lastBody: { type: "websocket.http.response.body", body: "end" }
} satisfies Readonly<Record<string, WebSocketSendEvent>>

export type Step = keyof typeof events

export const steps = Object.keys(events) as ReadonlyArray<Step>

/** What the client offers; `events.accept` chooses one of them. */
export const subprotocols = ["soap", "chat"]

export const makeHost = (options?: FakeHostOptions) => new FakeWebSocketHost(subprotocols, options)

/** A session that the application has accepted, and whose first event it has taken. */
export const opened = (options?: FakeHostOptions) =>
  Effect.gen(function* () {
    const host = makeHost(options)
    yield* host.exchange.receive
    yield* host.exchange.send(events.accept)
    host.calls.length = 0
    return host
  })

/** Every way in which a session ends, with what the application is told. */
export const endings: ReadonlyArray<readonly [name: string, end: (exchange: WebSocketExchange) => void, told: string]> =
  [
    ["the peer closes", (exchange) => exchange.finish(3000, "bye"), "disconnect 3000 bye"],
    ["the peer closes without a code", (exchange) => exchange.finish(1005, ""), "disconnect 1005"],
    ["the peer is gone", (exchange) => exchange.disconnect("client_closed"), "disconnect 1006 client_closed"],
    ["the server closes", (exchange) => exchange.disconnect("queue_overflow", 1008), "disconnect 1008 queue_overflow"]
  ]

/** Runs it on this stack until it waits. */
export const fork = <A, E>(effect: Effect.Effect<A, E>) => Effect.forkChild(effect, { startImmediately: true })

export const sendAll = (exchange: WebSocketExchange, path: ReadonlyArray<Step>) =>
  Effect.forEach(path, (step) => exchange.send(events[step]), { discard: true })

/** An event in a few words. */
export const words = (event: WebSocketReceiveEvent): string => {
  switch (event.type) {
    case "websocket.connect":
      return "connect"
    case "websocket.receive":
      return event.text ?? `bytes ${event.bytes.join(" ")}`
    case "websocket.disconnect":
      return `disconnect ${event.code} ${event.reason}`.trimEnd()
  }
}

/** The next events in a few words. */
export const take = (exchange: WebSocketExchange, count: number) =>
  Effect.replicateEffect(Effect.map(exchange.receive, words), count)

/** What the exchange has logged, each with its level. */
export const logged = ({ logged: lines }: FakeWebSocketHost) => {
  const messages: Array<string> = []
  const logger = Logger.make(({ logLevel, message }) => {
    messages.push(`${logLevel}: ${Array.isArray(message) ? message[0] : message}`)
  })
  return Effect.forEach(lines, (line) => line, { discard: true }).pipe(
    Effect.provide(Logger.layer([logger])),
    Effect.as(messages)
  )
}
