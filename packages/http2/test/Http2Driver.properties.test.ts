import { assert, describe, it } from "@effect/vitest"
import type { ByteString } from "@pagi/core/bytes/ByteString"
import type { Input } from "@pagi/core/ServerOptions"
import * as Arbitrary from "effect/Arbitrary"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import { assertNothingLeft, type Harness, makeHarness, siteApplication, turn } from "./support/Http2Harness.ts"
import type { Peer } from "./support/Peer.ts"
import { type AnyStep, anySteps, change, changed, cuts, split, validSession } from "./support/Sessions.ts"
import { opening, settingsAck } from "./support/WireFrames.ts"

/** How often each property is tried; a long run sets it higher. */
const runs = Number(process.env["PAGI_PROPERTY_RUNS"] ?? 500)

const limits: Input = {
  timeout: "10 seconds",
  headersTimeout: "9 seconds",
  requestTimeout: "8 seconds",
  writeTimeout: "7 seconds",
  disconnectGrace: "1 second",
  h2MaxConcurrentStreams: 4
}

const start = opening + settingsAck

const send = (harness: Harness, pieces: ReadonlyArray<ByteString>): Peer => {
  const peer = harness.connect()
  for (const bytes of pieces) peer.push(bytes)
  return peer
}

/** What a session brings about, while nothing needs time. */
const talk = (harness: Harness, pieces: ReadonlyArray<ByteString>): Array<string> => {
  const peer = send(harness, pieces)
  const lines = peer.lines()
  peer.transport.fail()
  return lines
}

const checked = <A>(inputs: Arbitrary.Arbitrary<A>, property: (input: A) => void, size: number) =>
  Effect.gen(function* () {
    const result = yield* Arbitrary.checkEffect(
      inputs,
      (input) =>
        Effect.sync(() => {
          property(input)
          return true
        }),
      { runs, size }
    )
    assert.isUndefined(Arbitrary.formatCheckFailure(result))
  })

/** All transports have closed; applications that did not notice may run on for a second. */
const nothingLeft = (harness: Harness) =>
  Effect.gen(function* () {
    yield* turn
    yield* TestClock.adjust("2 seconds")
    assertNothingLeft(harness)
  })

/** Nothing beyond the windows that the client has opened. */
const checkWindows = (steps: ReadonlyArray<AnyStep>, { content }: Peer): void => {
  const initial = Math.max(65_535, ...steps.map((step) => step.initialWindow ?? 0))
  const opened = (streamId: number) =>
    steps.reduce((sum, { increment }) => sum + (increment?.[0] === streamId ? increment[1] : 0), 0)
  let total = 0
  for (const [streamId, length] of content) {
    assert.isAtMost(length, initial + opened(streamId), `content of stream ${streamId}`)
    total += length
  }
  assert.isAtMost(total, 65_535 + opened(0), "content of all streams")
}

const property = (title: string, body: (harness: Harness) => Effect.Effect<unknown>) =>
  it.effect(
    title,
    () =>
      Effect.gen(function* () {
        const harness = yield* makeHarness(siteApplication, { options: limits })
        // The limits of thousands of connections are at stake while the clock stands still, which it would warn of.
        yield* TestClock.adjust(0)
        yield* body(harness)
        yield* nothingLeft(harness)
      }),
    { timeout: 60_000 + runs * 30 }
  )

const mutated = Arbitrary.all([validSession, Arbitrary.array(change, { minLength: 1, maxLength: 4 })]).pipe(
  Arbitrary.map(([frames, changes]) => changes.reduce(changed, frames))
)

describe("Http2Driver properties", () => {
  property("a session in which everything is right ends with no error", (harness) =>
    checked(
      validSession,
      (frames) => {
        const lines = talk(harness, [start + frames.join("")])
        assert.isEmpty(
          lines.filter(
            (line) => line.startsWith("GOAWAY") || (line.startsWith("RST") && !line.endsWith("REFUSED_STREAM"))
          )
        )
      },
      60
    )
  )

  property("it makes no difference how a session is split", (harness) =>
    checked(
      Arbitrary.all([validSession, cuts]),
      ([frames, places]) => {
        const bytes = start + frames.join("")
        assert.deepStrictEqual(talk(harness, split(bytes, places)), talk(harness, [bytes]))
      },
      60
    )
  )

  property("nor if something is wrong with it", (harness) =>
    checked(
      Arbitrary.all([mutated, cuts]),
      ([frames, places]) => {
        const bytes = start + frames.join("")
        assert.deepStrictEqual(talk(harness, split(bytes, places)), talk(harness, [bytes]))
      },
      60
    )
  )

  property("a byte at a time", (harness) =>
    checked(
      mutated,
      (frames) => {
        const bytes = start + frames.slice(0, 8).join("").slice(0, 600)
        assert.deepStrictEqual(talk(harness, [...bytes]), talk(harness, [bytes]))
      },
      30
    )
  )

  property("random frames neither crash nor hang it, and get no more than windows allow", (harness) =>
    checked(
      Arbitrary.all([anySteps, cuts]),
      ([steps, places]) => {
        const peer = send(harness, split(start + steps.map(({ bytes }) => bytes).join(""), places))
        peer.lines()
        checkWindows(steps, peer)
        peer.transport.fail()
      },
      60
    )
  )

  property("nor do they while applications run between them", (harness) =>
    Effect.gen(function* () {
      const result = yield* Arbitrary.checkEffect(
        anySteps,
        (steps) =>
          Effect.gen(function* () {
            const peer = send(harness, [start])
            for (const { bytes } of steps) {
              peer.push(bytes)
              yield* Effect.yieldNow
              peer.lines()
            }
            checkWindows(steps, peer)
            peer.transport.fail()
            return true
          }),
        { runs, size: 40 }
      )
      assert.isUndefined(Arbitrary.formatCheckFailure(result))
    })
  )

  property("random bytes neither crash nor hang it", (harness) =>
    checked(Arbitrary.all([mutated, cuts]), ([frames, places]) => talk(harness, split(frames.join(""), places)), 30)
  )

  property("whoever falls silent is dropped in the end, whatever came before", (harness) =>
    Effect.gen(function* () {
      const peers: Array<Peer> = []
      yield* checked(
        Arbitrary.all([anySteps, mutated]),
        ([steps, frames]) => {
          peers.push(
            send(harness, [start, ...steps.map(({ bytes }) => bytes)]),
            send(harness, [start + frames.join("")])
          )
        },
        40
      )
      yield* TestClock.adjust("1 minute")
      const left = peers.filter(({ transport }) => transport.ending === "open").length
      for (const { transport } of peers) transport.fail()
      assert.strictEqual(left, 0, "connections that were kept")
    })
  )

  property("whoever leaves is forgotten in the end, whatever came before", (harness) =>
    Effect.gen(function* () {
      yield* checked(
        Arbitrary.all([anySteps, mutated]),
        ([steps, frames]) => {
          send(harness, [start, ...steps.map(({ bytes }) => bytes)]).transport.pushEnd()
          send(harness, [start + frames.join("")]).transport.pushEnd()
        },
        40
      )
      yield* TestClock.adjust("1 minute")
    })
  )
})
