/** The access log as messages: each exchange that has ended goes through the program's Logger, with its facts as annotations. */
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as LogLevel from "effect/LogLevel"
import type * as EffectScope from "effect/Scope"
import { formatAddress } from "../../contract/Address.ts"
import type { ExchangeKind, ExchangeRecord, Observer } from "../Observer.ts"
import { withoutQuery } from "../../http/RequestPath.ts"

/** What messages say, which is all but the facts. */
const messages: Readonly<Record<ExchangeKind, string>> = {
  http: "request",
  sse: "event stream",
  websocket: "WebSocket"
}

/** The facts of an exchange by name; those that are not known are left out. */
export type Facts = Readonly<Record<string, string | number>>

/** Milliseconds to the microsecond. */
const rounded = (millis: number): number => Math.round(millis * 1000) / 1000

/** What is told of an exchange: not the query, which may have secrets. */
export const factsOf = ({
  bytes,
  client,
  duration,
  outcome,
  request,
  requestId,
  status,
  traceId
}: ExchangeRecord): Facts => ({
  ...(request === undefined
    ? {}
    : { method: request.method, path: withoutQuery(request.target), protocol: `HTTP/${request.httpVersion}` }),
  status,
  bytes,
  duration: rounded(duration),
  ...(client === undefined ? {} : { client: formatAddress(client) }),
  outcome,
  ...(requestId === undefined ? {} : { requestId }),
  ...(traceId === undefined ? {} : { traceId })
})

const log = (record: ExchangeRecord): Effect.Effect<void> =>
  Effect.annotateLogs(Effect.logInfo(messages[record.kind]), factsOf(record))

/**
 * Tells of each exchange at the level of information; nothing where that is not logged. What ends in a turn of the event
 * loop is told behind it, so that no response waits for a Logger. When the scope closes everything has been told.
 */
export const make: Effect.Effect<Observer | undefined, never, EffectScope.Scope> = Effect.gen(function* () {
  if (!(yield* LogLevel.isEnabled("Info"))) return undefined
  const run = Effect.runForkWith(yield* Effect.context<never>())
  let records: Array<ExchangeRecord> = []
  let telling: Fiber.Fiber<void> | undefined
  const tellAll = Effect.gen(function* () {
    while (records.length > 0) {
      const told = records
      records = []
      yield* Effect.forEach(told, log, { discard: true })
    }
  })
  const tellLater = Effect.andThen(Effect.yieldNow, tellAll)
  yield* Effect.addFinalizer(() => (telling === undefined ? Effect.void : Fiber.await(telling)))
  return {
    exchangeEnded: (record) => {
      records.push(record)
      if (telling !== undefined) return
      telling = run(tellLater)
      telling.addObserver(() => {
        telling = undefined
      })
    }
  }
})
