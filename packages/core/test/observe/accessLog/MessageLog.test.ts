import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Logger from "effect/Logger"
import { CurrentLogAnnotations, MinimumLogLevel } from "effect/References"
import * as EffectScope from "effect/Scope"
import * as MessageLog from "../../../src/observe/accessLog/MessageLog.ts"
import { record, withoutRequest } from "./Record.ts"

/** What a logger is told, and a scope for the access log. */
const makeLog = Effect.gen(function* () {
  const told: Array<readonly [level: string, message: unknown, annotations: unknown]> = []
  const logger = Logger.make(({ fiber, logLevel, message }) => {
    told.push([logLevel, message, fiber.getRef(CurrentLogAnnotations)])
  })
  const scope = yield* EffectScope.make()
  const observer = yield* MessageLog.make.pipe(
    EffectScope.provide(scope),
    Effect.provideService(Logger.CurrentLoggers, new Set([logger]))
  )
  return { told, observer, close: EffectScope.close(scope, Exit.void) }
})

const facts = {
  method: "GET",
  path: "/a",
  protocol: "HTTP/1.1",
  status: 200,
  bytes: 1234,
  duration: 12_345.679,
  client: "192.0.2.7:50000",
  outcome: "complete",
  requestId: "k3v9x2-1",
  traceId: "0af7651916cd43dd8448eb211c80319c"
}

describe("the access log in messages", () => {
  it.effect("tells each exchange behind the turn in which it has ended", () =>
    Effect.gen(function* () {
      const { close, observer, told } = yield* makeLog
      observer?.exchangeEnded?.(record)
      observer?.exchangeEnded?.({ ...record, kind: "websocket", status: 101 })
      assert.deepStrictEqual(told, [])
      yield* Effect.yieldNow
      yield* Effect.yieldNow
      assert.deepStrictEqual(told, [
        ["Info", ["request"], facts],
        ["Info", ["WebSocket"], { ...facts, status: 101 }]
      ])
      observer?.exchangeEnded?.({ ...record, kind: "sse" })
      yield* close
      assert.deepStrictEqual(told.slice(2), [["Info", ["event stream"], facts]])
    })
  )

  it.effect("has told everything when its scope has closed", () =>
    Effect.gen(function* () {
      const { close, observer, told } = yield* makeLog
      // Enough for the fiber that tells them to give way to others.
      for (let count = 0; count < 5000; count++) observer?.exchangeEnded?.(record)
      yield* Effect.yieldNow
      observer?.exchangeEnded?.({ ...record, status: 201 })
      yield* close
      assert.lengthOf(told, 5001)
      assert.deepStrictEqual(told.at(-1), ["Info", ["request"], { ...facts, status: 201 }])
    })
  )

  it("leaves out what is not known", () => {
    assert.deepStrictEqual(MessageLog.factsOf({ ...withoutRequest, client: undefined }), {
      status: 400,
      bytes: 0,
      duration: 0,
      outcome: "protocol_error"
    })
  })

  it.effect("is none where information is not logged", () =>
    Effect.gen(function* () {
      const { observer } = yield* Effect.provideService(makeLog, MinimumLogLevel, "Warn")
      assert.isUndefined(observer)
    })
  )
})
