import * as Effect from "effect/Effect"
import * as Deadlines from "../../src/server/Deadlines.ts"
import type { SseReceiveEvent, SseSendEvent } from "../../src/contract/Event.ts"
import type { SseExchange } from "../../src/exchange/Sse.ts"
import { FakeSseHost, type FakeHostOptions } from "./FakeHost.ts"

/** One event of each kind. */
export const events = {
  start: { type: "sse.start", headers: [["x-a", "1"]] },
  send: { type: "sse.send", data: "one", event: "e", id: "7" },
  comment: { type: "sse.comment", comment: "hm" },
  keepalive: { type: "sse.keepalive", interval: 5 },
  close: { type: "sse.close", reason: "enough" },
  responseStart: { type: "sse.http.response.start", status: 403, headers: [["x-b", "2"]] },
  body: { type: "sse.http.response.body", body: "piece", more: true },
  lastBody: { type: "sse.http.response.body", body: "end" }
} satisfies Readonly<Record<string, SseSendEvent>>

export type Step = keyof typeof events

export const sendAll = (exchange: SseExchange, path: ReadonlyArray<Step>) =>
  Effect.forEach(path, (step) => exchange.send(events[step]), { discard: true })

export const text = (event: SseReceiveEvent): string =>
  event.type === "sse.request" ? new TextDecoder().decode(event.body) : `${event.type} ${event.reason}`

/** Everything that was written to the body. */
export const written = ({ calls }: FakeSseHost): string =>
  calls.map(([name, data]) => (name === "body" ? String(data) : "")).join("")

/** A host whose wheel turns with the clock of the test. */
export const timed = (options: FakeHostOptions = {}) =>
  Effect.map(Deadlines.make, (deadlines) => ({ deadlines, host: new FakeSseHost({ ...options, deadlines }) }))
