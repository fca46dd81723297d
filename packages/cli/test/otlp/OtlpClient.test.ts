import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientError from "effect/http/HttpClientError"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Latch from "effect/Latch"
import * as Logger from "effect/Logger"
import * as TestClock from "effect/testing/TestClock"
import * as OtlpClient from "../../src/otlp/OtlpClient.ts"
import { OtlpReport, type SignalName } from "../../src/otlp/OtlpReport.ts"

/** How a collector answers: by a status, with how many seconds it wants to be left alone, not at all, or it is away. */
type Answer = number | readonly [status: number, retryAfter: string] | "never" | "away"

const url = "http://collector:4318/v1/traces"

const sendFor = (answer: Answer, request: HttpClientRequest.HttpClientRequest) => {
  if (answer === "never") return Effect.never
  if (answer === "away") {
    const cause = new TypeError("fetch failed", { cause: new Error("connect ECONNREFUSED 127.0.0.1:4318") })
    const reason = new HttpClientError.TransportError({ request, cause })
    return Effect.fail(new HttpClientError.HttpClientError({ reason }))
  }
  const [status, retryAfter] = typeof answer === "number" ? [answer] : answer
  const headers = retryAfter === undefined ? {} : { "retry-after": retryAfter }
  return Effect.succeed(HttpClientResponse.fromWeb(request, new Response("{}", { status, headers })))
}

/** Exporters of a process, all of whose collectors answer alike, and what they log. */
const make = Effect.sync(() => {
  const state = { answer: 200 as Answer, sent: 0 }
  const lines: Array<string> = []
  const logger = Logger.make(({ logLevel, message }) => void lines.push(`${logLevel} ${String(message)}`))
  const report = new OtlpReport((line) => Effect.runSync(Effect.provide(line, Logger.layer([logger]))))
  const sending = HttpClient.make((request) => {
    state.sent++
    return sendFor(state.answer, request)
  })
  const ending = Latch.makeUnsafe(false)
  const client = (signal: SignalName = "traces") =>
    OtlpClient.make(sending, { signal, url, timeout: 10_000, ending }, report)
  return { state, lines, client, ending }
})

const post = (client: HttpClient.HttpClient, size = 10) =>
  client.execute(HttpClientRequest.post(url).pipe(HttpClientRequest.bodyText("x".repeat(size))))

const begin = (client: HttpClient.HttpClient, size?: number) =>
  Effect.forkChild(
    Effect.map(post(client, size), ({ status }) => status),
    { startImmediately: true }
  )

const refusedLine = `Warn traces are not exported to ${url}: connect ECONNREFUSED 127.0.0.1:4318; the server goes on without that`

describe("OtlpClient", () => {
  it.effect("hands on what the collector answers", () =>
    Effect.gen(function* () {
      const { client, lines, state } = yield* make
      assert.strictEqual((yield* post(client())).status, 200)
      assert.deepStrictEqual([state.sent, lines], [1, []])
    })
  )

  it.effect("tries again when the collector is away, and says so once, and when it is there again", () =>
    Effect.gen(function* () {
      const { client, lines, state } = yield* make
      state.answer = "away"
      const exports = [yield* begin(client()), yield* begin(client("logs"))]
      assert.deepStrictEqual([state.sent, lines], [2, [refusedLine]])
      yield* TestClock.adjust("1 second")
      assert.strictEqual(state.sent, 4)
      yield* TestClock.adjust("1999 millis")
      assert.strictEqual(state.sent, 4)
      state.answer = 202
      yield* TestClock.adjust("1 millis")
      assert.deepStrictEqual(yield* Effect.forEach(exports, Fiber.join), [202, 202])
      assert.strictEqual(lines.length, 2)
      assert.match(lines[1] ?? "", /^Info (?:traces|logs) are exported again to /)
    })
  )

  it.effect("gives up after half a minute, and what has waited with it", () =>
    Effect.gen(function* () {
      const { client, lines, state } = yield* make
      const one = client()
      state.answer = "never"
      // Four at a time.
      const exports = yield* Effect.replicateEffect(begin(one), 6)
      assert.strictEqual(state.sent, 4)
      yield* TestClock.adjust("40 seconds")
      // Such a status is not tried again by Effect's exporters, which are silent for a minute then.
      assert.deepStrictEqual(yield* Effect.forEach(exports, Fiber.join), [599, 599, 599, 599, 599, 599])
      // After 0, 11 and 23 seconds; the two that have waited are not sent.
      assert.strictEqual(state.sent, 12)
      assert.deepStrictEqual(lines, [
        `Warn traces are not exported to ${url}: no answer in 10000 ms; the server goes on without that`
      ])
      const later = yield* begin(one)
      assert.strictEqual(state.sent, 13)
      yield* Fiber.interrupt(later)
    })
  )

  it.effect("goes on exporting when the clock of the machine is set back after an export was given up", () =>
    Effect.gen(function* () {
      const { client, state } = yield* make
      const one = client()
      yield* TestClock.setTime(7_200_000)
      state.answer = 404
      assert.strictEqual((yield* post(one)).status, 599)
      yield* TestClock.setTime(3_600_000)
      state.answer = 200
      assert.strictEqual((yield* post(one)).status, 200)
    })
  )

  it.effect("says for each reason that exports fail, also while another signal never succeeds", () =>
    Effect.gen(function* () {
      const { client, lines, state } = yield* make
      const [traces, logs, metrics] = [client("traces"), client("logs"), client("metrics")]
      state.answer = 404
      yield* post(metrics)
      state.answer = 401
      yield* post(traces)
      yield* post(logs)
      const warning = (signal: SignalName, status: number): string =>
        `Warn ${signal} are not exported to ${url}: its answer has the status ${status}; the server goes on without that`
      assert.deepStrictEqual(lines, [warning("metrics", 404), warning("traces", 401)])
      state.answer = 200
      yield* post(traces)
      assert.strictEqual(lines.length, 2)
      yield* post(logs)
      assert.strictEqual(lines[2], `Info logs are exported again to ${url}`)
      state.answer = 404
      yield* post(metrics)
      assert.strictEqual(lines.length, 3)
    })
  )

  it.effect("leaves the collector alone as long as it wants, unless that is too long", () =>
    Effect.gen(function* () {
      const { client, lines, state } = yield* make
      const one = client()
      state.answer = [503, "20"]
      const exported = yield* begin(one)
      yield* TestClock.adjust("19999 millis")
      assert.strictEqual(state.sent, 1)
      state.answer = [429, "20"]
      yield* TestClock.adjust("1 millis")
      assert.deepStrictEqual([state.sent, yield* Fiber.join(exported)], [2, 599])
      assert.include(lines[0], "its answer has the status 503")
      state.answer = [503, "Thu, 01 Jan 1970 00:00:25 GMT"]
      const other = yield* begin(one)
      yield* TestClock.adjust("4999 millis")
      assert.strictEqual(state.sent, 3)
      state.answer = 200
      yield* TestClock.adjust("1 millis")
      assert.strictEqual(yield* Fiber.join(other), 200)
    })
  )

  it.effect("tries once more, and at once, when the process is about to end", () =>
    Effect.gen(function* () {
      const { client, ending, state } = yield* make
      state.answer = "away"
      const waiting = yield* begin(client())
      yield* ending.open
      assert.deepStrictEqual([yield* Fiber.join(waiting), state.sent], [599, 2])
      assert.strictEqual((yield* post(client("logs"))).status, 599)
      assert.strictEqual(state.sent, 3)
    })
  )

  it.effect("does not repeat what the collector refuses", () =>
    Effect.gen(function* () {
      const { client, lines, state } = yield* make
      state.answer = 404
      assert.strictEqual((yield* post(client())).status, 599)
      assert.deepStrictEqual([state.sent, lines.length], [1, 1])
      assert.include(lines[0], "its answer has the status 404")
    })
  )

  it.effect("lets so much wait and no more, which it says once", () =>
    Effect.gen(function* () {
      const { client, lines, state } = yield* make
      const one = client()
      state.answer = "never"
      const first = yield* begin(one, 9 * 1024 * 1024)
      assert.strictEqual(state.sent, 1)
      for (let count = 0; count < 3; count++) assert.strictEqual((yield* post(one)).status, 200)
      assert.strictEqual(state.sent, 1)
      assert.deepStrictEqual(lines, [`Warn some traces are lost, as ${url} takes them more slowly than they come`])
      yield* Fiber.interrupt(first)
      state.answer = 200
      assert.strictEqual((yield* post(one)).status, 200)
      assert.strictEqual(state.sent, 2)
    })
  )
})
