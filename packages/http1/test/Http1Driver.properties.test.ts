import { assert, describe, it } from "@effect/vitest"
import type { HttpHandler } from "@pagi/core/PagiApp"
import type { Input } from "@pagi/core/ServerOptions"
import type { MemoryTransport } from "@pagi/core/testing/MemoryTransport"
import * as Arbitrary from "effect/Arbitrary"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import { last, piece, readBody, recorded, respond, start } from "@pagi/core/test/drivers/support/Applications"
import { readResponse } from "./support/ClientConnection.ts"
import { assertNothingLeft, type Harness, makeHarness, turn } from "./support/DriverHarness.ts"
import { bytes, integer, mutate, mutation, oneOf, split, wireRequest } from "./support/Generators.ts"

/** Reads every body and answers with what it has seen, so that the answer tells how the input was understood. */
const faithful: HttpHandler<unknown> = (scope, receive, send) =>
  Effect.flatMap(readBody(receive), (body) =>
    respond(send, `${scope.httpVersion} ${JSON.stringify([scope.rawPath, scope.headers, body])}`, [
      ["x-request", scope.httpVersion + scope.method]
    ])
  )

/** Behaves in one of many ways, which the request and its place on the connection choose. */
const makeCapricious = (): HttpHandler<unknown> => {
  let count = 0
  return (scope, receive, send) =>
    Effect.gen(function* () {
      const whim = (count++ + scope.rawPath.length) % 9
      const headers = [["x-request", scope.httpVersion + scope.method]] as const
      if (whim === 0) return yield* Effect.fail("broken")
      if (whim === 1) return
      if (whim === 2) return yield* respond(send, "at once", headers)
      if (whim === 3) yield* Effect.yieldNow
      if (whim === 4) yield* receive
      if (whim === 5) yield* send({ type: "http.response.informational", status: 103 })
      if (whim > 5) yield* readBody(receive)
      yield* send(start(200, headers))
      yield* send(piece("one"))
      if (whim === 8) yield* Effect.yieldNow
      yield* send(last("two"))
      if (whim === 7) yield* Effect.yieldNow
    })
}

/** The request to which a response belongs, as the response itself names it. */
const requestOf = (text: string) => {
  const head = text.slice(0, text.indexOf("\r\n\r\n"))
  const match = /\r\nx-request: (1\.[01])([^\r]*)/.exec(head)
  return { httpVersion: match?.[1] === "1.0" ? "1.0" : "1.1", method: match?.[2] ?? "GET", keepAlive: true } as const
}

/** The statuses of the responses, every one of which must be well-formed; nothing may follow a close. */
const readResponses = (text: string): ReadonlyArray<number> => {
  const found: Array<number> = []
  let rest = text
  while (rest !== "") {
    const [response, left] = readResponse(
      rest,
      requestOf(rest.replace(/^(HTTP\/1\.1 1[0-9]{2} [^]*?\r\n\r\n)+/, "")),
      true
    )
    found.push(response.status)
    if (!response.persistent && response.headers.some(([name, value]) => name === "connection" && value === "close")) {
      assert.strictEqual(left, "", "a response behind the close")
    }
    rest = left
  }
  return found
}

const withoutContinue = (text: string): string => text.replaceAll("HTTP/1.1 100 Continue\r\n\r\n", "")

const send = (harness: Harness, pieces: ReadonlyArray<string>): MemoryTransport => {
  const transport = harness.connect()
  for (const text of pieces) transport.push(text)
  return transport
}

/** Sends the pieces, and then the end; gives what came back. */
const talk = (harness: Harness, pieces: ReadonlyArray<string>): string => {
  const transport = send(harness, pieces)
  transport.pushEnd()
  return transport.text
}

/**
 * Checks a set of inputs on one server: what a stream brings about does not depend on how it is split, everything that
 * is answered is well-formed, and nothing of any connection is left when the peer has ended, or has been silent for as
 * long as the time limits allow.
 */
const check = (
  inputs: Arbitrary.Arbitrary<readonly [text: string, cuts: ReadonlyArray<number>]>,
  runs: number,
  size: number
) =>
  Effect.gen(function* () {
    const options: Input = {
      maxHeaderSize: 512,
      maxBodySize: 10_000,
      timeout: "10 seconds",
      headersTimeout: "9 seconds",
      requestTimeout: "8 seconds"
    }
    const harness = yield* makeHarness(recorded(faithful).application, { options })
    const moody = yield* makeHarness(recorded(makeCapricious()).application, { options })
    // The limits of 20,000 connections are at stake while the clock stands still, which it would warn of.
    yield* TestClock.adjust(0)
    let answered = 0
    const result = yield* Arbitrary.checkEffect(
      inputs,
      ([text, cuts]) =>
        Effect.sync(() => {
          const whole = talk(harness, [text])
          answered += readResponses(whole).length
          assert.strictEqual(withoutContinue(talk(harness, split(text, cuts))), withoutContinue(whole))
          send(moody, split(text, cuts))
          return true
        }),
      { runs, size }
    )
    assert.isUndefined(Arbitrary.formatCheckFailure(result))
    assert.isAbove(answered, runs / 10, "the inputs must not all be refused silently")
    assert.deepStrictEqual(harness.errors, [])
    yield* turn
    assertNothingLeft(harness)
    yield* TestClock.adjust("20 seconds")
    assertNothingLeft(moody)
    assert.strictEqual(harness.server.deadlines.size, 0)
  })

const cuts = Arbitrary.array(integer(0, 100_000), { maxLength: 6 })

describe("Http1Driver properties", () => {
  it.effect(
    "10,000 random byte streams neither crash nor hang it, in any split",
    () => check(Arbitrary.all([bytes(60), cuts]), 10_000, 60),
    { timeout: 60_000 }
  )

  it.effect(
    "10,000 random mutations of valid requests neither crash nor hang it, in any split",
    () =>
      check(
        Arbitrary.map(
          Arbitrary.all([wireRequest, wireRequest, Arbitrary.array(mutation, { minLength: 1, maxLength: 3 }), cuts]),
          ([first, second, mutations, places]) => [mutations.reduce(mutate, first.wire + second.wire), places] as const
        ),
        10_000,
        500
      ),
    { timeout: 60_000 }
  )

  it.effect(
    "whatever the application does, every stream of valid requests gets well-formed responses",
    () =>
      Effect.gen(function* () {
        const harness = yield* makeHarness(recorded(makeCapricious()).application)
        yield* TestClock.adjust(0)
        const result = yield* Arbitrary.checkEffect(
          Arbitrary.all([Arbitrary.array(wireRequest, { minLength: 1, maxLength: 4 }), cuts, oneOf(true, false)]),
          ([requests, places, isPaced]) =>
            Effect.gen(function* () {
              const transport = harness.connect()
              for (const text of split(requests.map((request) => request.wire).join(""), places)) {
                transport.push(text)
                if (isPaced) yield* turn
              }
              for (let turns = 0; turns < 8; turns++) yield* turn
              const { text } = transport
              transport.pushEnd()
              const answers = readResponses(text)
              return answers.length > 0 && answers.length <= requests.length
            }),
          { runs: 500, size: 100 }
        )
        assert.isUndefined(Arbitrary.formatCheckFailure(result))
        yield* TestClock.adjust("6 seconds")
        assertNothingLeft(harness)
      }),
    { timeout: 60_000 }
  )
})
