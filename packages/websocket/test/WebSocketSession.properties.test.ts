import { assert, describe, it } from "@effect/vitest"
import type { ByteString } from "@pagi/core/bytes/ByteString"
import type { Input } from "@pagi/core/ServerOptions"
import * as Arbitrary from "effect/Arbitrary"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import { close } from "./support/Frames.ts"
import { conversation, cuts, likelyFrame, mutate, mutation, oneOf, split } from "./support/Generators.ts"
import { makePuppetHarness, openSession } from "./support/Puppets.ts"
import { interleaving, play, readFrames } from "./support/Interleavings.ts"
import { assertNothingLeft, type ConnectOptions, logLines, offersCompression, turn } from "./support/SessionHarness.ts"

/** Everything that has come of the pieces: for the application, for the peer, for the access log, and how it ended. */
interface Result {
  readonly notes: ReadonlyArray<string>
  readonly answer: ByteString
  readonly log: ReadonlyArray<string>
  readonly ending: string
}

const limits: Input = { maxWsFrameSize: 70_000, maxWsMessageSize: 100_000, maxWsFragments: 6, perMessageDeflate: true }

/** Sends the pieces, each of which is a read of its own, to an application that receives everything. */
const exchange = (pieces: ReadonlyArray<ByteString>, isEarly: boolean): Effect.Effect<Result, unknown> =>
  Effect.gen(function* () {
    const harness = yield* makePuppetHarness(limits)
    harness.platform.isInstant = true
    const [first = "", ...others] = pieces
    const options: ConnectOptions = isEarly ? { ...offersCompression, behind: first } : offersCompression
    const { app, peer, transport } = yield* openSession(harness, options)
    yield* app.listen
    for (const piece of isEarly ? others : pieces) peer.write(piece)
    yield* turn
    peer.end()
    app.return()
    yield* turn
    assertNothingLeft(harness)
    assert.deepStrictEqual(harness.errors, [])
    return { notes: app.notes, answer: transport.read(), log: logLines(harness), ending: transport.ending }
  }).pipe(Effect.scoped)

const checkSplits = (
  inputs: Arbitrary.Arbitrary<readonly [text: ByteString, cuts: ReadonlyArray<number>]>,
  runs: number
) =>
  Effect.gen(function* () {
    let messages = 0
    const result = yield* Arbitrary.checkEffect(
      inputs,
      ([text, places]) =>
        Effect.gen(function* () {
          const whole = yield* exchange([text], false)
          messages += whole.notes.length
          for (const isEarly of [false, true]) {
            assert.deepStrictEqual(yield* exchange(split(text, places), isEarly), whole)
          }
          return true
        }).pipe(Effect.catchDefect(Effect.fail)),
      { runs, size: 100 }
    )
    assert.isUndefined(Arbitrary.formatCheckFailure(result))
    assert.isAbove(messages, runs, "the inputs must not all be empty")
  })

const join = (wires: ReadonlyArray<{ readonly wire: ByteString }>): ByteString => wires.map(({ wire }) => wire).join("")

const end = oneOf("", close(), close(1000, "bye"), close(1001) + "anything")

describe("what a peer's bytes bring about does not depend on how they are split", () => {
  it.effect(
    "when they are valid messages and control frames",
    () =>
      checkSplits(
        Arbitrary.all([conversation(true), end, cuts]).pipe(
          Arbitrary.map(([wires, end, places]) => [join(wires) + end, places] as const)
        ),
        250
      ),
    { timeout: 60_000 }
  )

  it.effect(
    "when something is wrong in them",
    () =>
      checkSplits(
        Arbitrary.all([conversation(true), Arbitrary.array(mutation, { minLength: 1, maxLength: 3 }), cuts]).pipe(
          Arbitrary.map(([wires, mutations, places]) => [mutations.reduce(mutate, join(wires)), places] as const)
        ),
        250
      ),
    { timeout: 60_000 }
  )

  it.effect(
    "when they are frames in an order that may be wrong",
    () =>
      checkSplits(
        Arbitrary.all([Arbitrary.array(likelyFrame, { maxLength: 12 }), cuts]).pipe(
          Arbitrary.map(([frames, places]) => [frames.join(""), places] as const)
        ),
        500
      ),
    { timeout: 60_000 }
  )
})

describe("everything that the application sends arrives", () => {
  const sizes = oneOf(0, 1, 100, 500, 1023, 1024, 2000, 5000)
  const sending = Arbitrary.all({
    // The first of the fibers is mostly the one that waits, the others keep something between the marks.
    fibers: Arbitrary.array(Arbitrary.array(Arbitrary.all([sizes, oneOf("a", "ab", "aaabbb")]), { maxLength: 6 }), {
      minLength: 1,
      maxLength: 3
    }),
    capacity: oneOf(50, 1000, Number.MAX_SAFE_INTEGER),
    highWaterMark: oneOf(100, 2000, 4000),
    lowWaterMark: oneOf(0, 100)
  })

  it.effect(
    "as long as the peer reads and messages are compressed, whatever the marks are",
    () =>
      Effect.gen(function* () {
        const result = yield* Arbitrary.checkEffect(
          sending,
          ({ capacity, fibers, highWaterMark, lowWaterMark }) =>
            Effect.gen(function* () {
              const options = { writeHighWatermark: highWaterMark, writeLowWatermark: lowWaterMark }
              const harness = yield* makePuppetHarness({ ...options, perMessageDeflate: true })
              const { app, peer } = yield* openSession(harness, { ...offersCompression, capacity })
              const running = yield* Effect.forEach(fibers, (contents) =>
                Effect.forkChild(
                  Effect.forEach(contents, ([size, unit]) => app.text(unit.repeat(size).slice(0, size))),
                  { startImmediately: true }
                )
              )
              let arrived = 0
              for (let unchanged = 0; unchanged < 3; unchanged++) {
                const found = peer.read().length
                arrived += found
                const wasCompressing = harness.platform.compressions.some((one) => one.finishCompressing())
                if (found > 0 || wasCompressing || app.scope.transport.bufferedAmount > 0) unchanged = 0
                yield* turn
              }
              assert.strictEqual(arrived, fibers.flat().length)
              assert.isTrue(running.every((fiber) => fiber.pollUnsafe() !== undefined))
              return true
            }).pipe(Effect.scoped, Effect.catchDefect(Effect.fail)),
          { runs: 300, size: 100 }
        )
        assert.isUndefined(Arbitrary.formatCheckFailure(result))
      }),
    { timeout: 60_000 }
  )
})

describe("whatever happens in whatever order", () => {
  it.effect(
    "both sides see what the other has sent up to some point, and nothing is left in the end",
    () =>
      Effect.gen(function* () {
        const endings = new Set<string>()
        const result = yield* Arbitrary.checkEffect(
          interleaving,
          (steps) =>
            Effect.gen(function* () {
              const { app, harness, output, received, sent } = yield* play(steps)
              // The server is told to stop, and everything has the time that its limits give it.
              harness.server.registry.drain()
              for (let count = 0; count < 4; count++) {
                for (const compression of harness.platform.compressions) {
                  while (compression.finishCompressing() || compression.finishDecompressing()) yield* turn
                }
                yield* TestClock.adjust("10 seconds")
              }
              yield* turn
              assertNothingLeft(harness)
              assert.strictEqual(harness.log.length, 1, "lines in the access log")
              for (const { outcome } of harness.log) endings.add(outcome)
              assert.isTrue(harness.errors.every((error) => error.includes("the application failed")))

              const disconnects = app.notes.filter((note) => note.startsWith("disconnect"))
              assert.isAtMost(disconnects.length, 1)
              assert.strictEqual(disconnects[0] ?? app.notes.at(-1), app.notes.at(-1), "the disconnect comes last")
              const messages = app.notes.filter((note) => !note.startsWith("disconnect"))
              assert.deepStrictEqual(messages, received.slice(0, messages.length))

              const frames = readFrames(output())
              assert.isTrue(
                frames.every(({ type }, index) => type !== "close" || index === frames.length - 1),
                "a frame behind the close frame"
              )
              const arrived = frames.filter(({ type }) => type === "message").map(({ payload }) => payload)
              assert.deepStrictEqual(arrived, sent.slice(0, arrived.length))
              return true
            }).pipe(Effect.scoped, Effect.catchDefect(Effect.fail)),
          { runs: 1000, size: 200 }
        )
        assert.isUndefined(Arbitrary.formatCheckFailure(result))
        // Rarer ones, such as write_timeout, have tests of their own.
        for (const outcome of ["complete", "server_shutdown", "client_closed", "protocol_error"]) {
          assert.isTrue(endings.has(outcome), `no session ended with ${outcome}: ${[...endings].join(", ")}`)
        }
      }),
    { timeout: 120_000 }
  )
})
