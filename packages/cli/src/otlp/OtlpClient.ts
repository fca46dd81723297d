/**
 * The HTTP client of one exporter. What Effect's exporters leave to their client is here: how long an answer may take, how
 * much may wait for one, and what the log says of it. It tries again by itself, so that they do not; when it has given up,
 * they are silent for a minute.
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Headers from "effect/http/Headers"
import * as HttpClient from "effect/http/HttpClient"
import type { HttpClientRequest } from "effect/http/HttpClientRequest"
import * as HttpClientResponse from "effect/http/HttpClientResponse"
import type * as Latch from "effect/Latch"
import * as Result from "effect/Result"
import * as Semaphore from "effect/Semaphore"
import type { OtlpReport, SignalName } from "./OtlpReport.ts"

export interface ClientSettings {
  readonly signal: SignalName
  readonly url: string
  /** Milliseconds for one attempt. */
  readonly timeout: number
  /** Open when the process is about to end: then there is one more attempt, and none after that. */
  readonly ending: Latch.Latch
}

/** Milliseconds during which an export is tried again. */
const patience = 30_000

/** Milliseconds before the second attempt; each further wait is twice as long. */
const firstDelay = 1000

/** Bytes that may be on their way or wait for that; one export may always. */
const maxPending = 8 * 1024 * 1024

/** Exports at the same time. */
const maxRequests = 4

/** A status that nobody sends, and that exporters do not try again. */
const givenUp = 599

/** Why an attempt has failed. */
interface Failure {
  readonly reason: string
  readonly mayPass: boolean
  /** Milliseconds that the collector wants to be left alone. */
  readonly retryAfter: number
}

type Attempt = Result.Result<HttpClientResponse.HttpClientResponse, Failure>

const monotonicMillis = Effect.map(Clock.monotonicTimeNanos, (nanoseconds) => Number(nanoseconds) / 1e6)

const answer = (request: HttpClientRequest, status: number): HttpClientResponse.HttpClientResponse =>
  HttpClientResponse.fromWeb(request, new Response(null, { status }))

const causeOf = (error: unknown): string => {
  // What `fetch` throws says little; the system's error is its cause.
  if (!(error instanceof Error)) return String(error)
  const code = "code" in error && typeof error.code === "string" ? error.code : undefined
  return error.cause === undefined
    ? error.message === ""
      ? (code ?? error.name)
      : error.message
    : causeOf(error.cause)
}

/** Makes the client of a signal's exporter of one that only sends. */
export const make = (
  client: HttpClient.HttpClient,
  { ending, signal, timeout, url }: ClientSettings,
  report: OtlpReport
): HttpClient.HttpClient => {
  const permits = Semaphore.makeUnsafe(maxRequests)
  let pending = 0
  /** When an export was given up last, by a clock that is never set back. */
  let gaveUpAt = Number.NEGATIVE_INFINITY

  const attempt = (request: HttpClientRequest): Effect.Effect<Attempt> =>
    client.execute(request).pipe(
      Effect.tap((response) => response.arrayBuffer),
      Effect.matchEffect({
        onFailure: (error) =>
          Effect.succeed<Attempt>(
            Result.fail({ reason: causeOf(error.reason.cause ?? error), mayPass: true, retryAfter: 0 })
          ),
        onSuccess: ofResponse
      }),
      Effect.timeoutOrElse({
        duration: timeout,
        orElse: () =>
          Effect.succeed<Attempt>(Result.fail({ reason: `no answer in ${timeout} ms`, mayPass: true, retryAfter: 0 }))
      })
    )

  const send = Effect.fnUntraced(function* (request: HttpClientRequest, since: number) {
    let delay = firstDelay
    while (true) {
      // Others have found out meanwhile.
      if (gaveUpAt > since) return answer(request, givenUp)
      const result = yield* attempt(request)
      if (Result.isSuccess(result)) {
        report.succeeded(signal, url)
        return result.success
      }
      const { mayPass, reason, retryAfter } = result.failure
      report.failed(signal, url, reason)
      const now = yield* monotonicMillis
      const wait = Math.max(delay, retryAfter)
      if (!mayPass || ending.isOpen() || now + wait > since + patience) {
        gaveUpAt = now
        return answer(request, givenUp)
      }
      yield* Effect.raceFirst(Effect.sleep(wait), ending.await)
      delay *= 2
    }
  })

  return HttpClient.make((request) =>
    Effect.flatMap(monotonicMillis, (now) => {
      const { body } = request
      const size = "contentLength" in body ? (body.contentLength ?? 0) : 0
      if (pending > 0 && pending + size > maxPending) {
        report.dropped(signal, url)
        return Effect.succeed(answer(request, 200))
      }
      pending += size
      return Effect.ensuring(
        permits.withPermits(1)(send(request, now)),
        Effect.sync(() => {
          pending -= size
        })
      )
    })
  )
}

const ofResponse = (response: HttpClientResponse.HttpClientResponse): Effect.Effect<Attempt> => {
  const { status } = response
  if (status >= 200 && status < 300) return Effect.succeed(Result.succeed(response))
  return Effect.map(Clock.currentTimeMillis, (now) =>
    Result.fail({
      reason: `its answer has the status ${status}`,
      mayPass: HttpClient.isTransientResponse(response),
      retryAfter: retryAfterOf(response.headers["retry-after"], now)
    })
  )
}

/** Milliseconds that a field says to wait; 0 without one that can be read. */
const retryAfterOf = (field: string | undefined, now: number): number => {
  const parsed = field === undefined ? undefined : Headers.parseRetryAfter(field)
  return parsed === undefined || Result.isFailure(parsed)
    ? 0
    : Duration.toMillis(Headers.retryAfterDelay(parsed.success, now))
}
