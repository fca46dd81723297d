import { assert, describe, it } from "@effect/vitest"
import type { Input } from "@pagi/core/ServerOptions"
import * as Effect from "effect/Effect"
import { type ErrorReason, protocolError } from "../src/protocol/ProtocolError.ts"
import { binary, close, fragments, frame, hex, ping, text } from "./support/Frames.ts"
import { finishSessions, makePuppetHarness, openSession } from "./support/Puppets.ts"
import { logLines, problems } from "./support/SessionHarness.ts"

const options: Input = { maxWsFrameSize: 100, maxWsMessageSize: 150, maxWsFragments: 3 }

/** A frame that announces so many bytes, of which none has come. */
const announced = (length: string): string => hex(`82 ff ${length} 37 fa 21 3d`)

const violations: ReadonlyArray<readonly [what: string, bytes: string, reason: ErrorReason]> = [
  ["a frame without a mask", text("a", { key: undefined }), "unmasked-frame"],
  ["the second reserved bit", text("a", { reserved: 2 }), "reserved-bits"],
  ["the third reserved bit", text("a", { reserved: 1 }), "reserved-bits"],
  ["a compressed message that was not agreed on", text("a", { reserved: 4 }), "reserved-bits"],
  ["a reserved opcode", frame(3, ""), "reserved-opcode"],
  ["a reserved control opcode", frame(11, ""), "reserved-opcode"],
  ["a control frame in fragments", ping("a", { isFinal: false }), "fragmented-control-frame"],
  ["a control frame that is too long", ping("x".repeat(126)), "control-frame-too-long"],
  ["a continuation of nothing", frame(0, "a"), "unexpected-continuation"],
  ["a message inside another", text("a", { isFinal: false }) + text("b"), "unfinished-message"],
  ["a length that is not in its shortest form", hex("81 fe 00 01 37 fa 21 3d 56"), "malformed-length"],
  ["a negative length", announced("80 00 00 00 00 00 00 00"), "malformed-length"],
  ["a close frame with one byte", frame(8, "x"), "malformed-close"],
  ["a close code that nobody may send", close(1005), "invalid-close-code"],
  ["a close reason that is not UTF-8", close(1000, hex("ff")), "invalid-close-reason"],
  ["text that is not UTF-8", frame(1, hex("61 ff")), "invalid-text"],
  ["text that ends inside a character", frame(1, hex("e2 82")), "invalid-text"],
  ["half a character in the middle of a message", fragments(1, [hex("e2 28"), "a"])[0] ?? "", "invalid-text"],
  ["a frame over maxWsFrameSize", binary("x".repeat(101)), "frame-too-large"],
  ["a frame of an exabyte, before it comes", announced("10 00 00 00 00 00 00 00"), "frame-too-large"],
  ["a message over maxWsMessageSize", fragments(2, ["x".repeat(100), "x".repeat(51)]).join(""), "message-too-large"],
  ["more fragments than maxWsFragments", fragments(2, ["a", "b", "c", "d"]).join(""), "too-many-fragments"]
]

/** What observers are told of the rules that are about a limit. */
const limits: { readonly [Reason in ErrorReason]?: string } = {
  "frame-too-large": "maxWsFrameSize",
  "message-too-large": "maxWsMessageSize",
  "too-many-fragments": "maxWsFragments"
}

const outcomes = { 1002: "protocol_error", 1007: "protocol_error", 1009: "body_too_large" } as const

describe("a peer that breaks a rule is told which, and nothing that follows is read", () => {
  for (const [what, bytes, reason] of violations) {
    const { code, message } = protocolError(reason)
    it.effect(`${code}: ${what}`, () =>
      Effect.gen(function* () {
        for (const isByteByByte of [false, true]) {
          const harness = yield* makePuppetHarness(options)
          const session = yield* openSession(harness)
          const { app, peer, transport } = session
          yield* app.text("hello")
          const sent = text("fine") + bytes + text("late") + close(1000)
          for (const piece of isByteByByte ? sent : [sent]) peer.write(piece)
          yield* app.listen
          assert.deepStrictEqual(app.notes, ["text fine", `disconnect ${code} ${outcomes[code]}`])
          assert.deepStrictEqual(peer.read(), ["text hello", `close ${code} ${message}`])
          assert.strictEqual(transport.ending, "ended")
          assert.deepStrictEqual(logLines(harness), [`101 5 ${outcomes[code]}`])
          const limit = limits[reason]
          assert.deepStrictEqual(problems(harness), [limit === undefined ? `error ${reason}` : `limit ${limit}`])
          yield* app.text("into the void")
          yield* finishSessions(harness, session)
          assert.deepStrictEqual(harness.errors, [])
        }
      })
    )
  }

  it.effect("also when the server has begun to close", () =>
    Effect.gen(function* () {
      const harness = yield* makePuppetHarness(options)
      const session = yield* openSession(harness)
      const { app, peer, transport } = session
      yield* app.close(1000)
      peer.write(frame(3, ""))
      yield* app.listen
      assert.deepStrictEqual(app.notes, ["disconnect 1002 protocol_error"])
      assert.deepStrictEqual(peer.read(), ["close 1000"])
      assert.strictEqual(transport.ending, "ended")
      assert.deepStrictEqual(logLines(harness), ["101 0 protocol_error"])
      yield* finishSessions(harness, session)
    })
  )

  it.effect("and one that keeps to the limits is not", () =>
    Effect.gen(function* () {
      const harness = yield* makePuppetHarness(options)
      const session = yield* openSession(harness)
      const { app, peer } = session
      yield* app.listen
      peer.write(fragments(2, ["x".repeat(100), "", "y".repeat(50)]).join(""))
      peer.write(binary("z".repeat(100)) + ping("p".repeat(125)))
      assert.deepStrictEqual(app.notes, [`bytes ${"x".repeat(100)}${"y".repeat(50)}`, `bytes ${"z".repeat(100)}`])
      yield* finishSessions(harness, session)
    })
  )

  it.effect("and without limits everything may be as large as it likes", () =>
    Effect.gen(function* () {
      const harness = yield* makePuppetHarness({ maxWsFrameSize: 0, maxWsMessageSize: 0, maxWsFragments: 0 })
      const session = yield* openSession(harness)
      const { app, peer } = session
      const parts = Array.from({ length: 20_000 }, () => "x".repeat(100))
      peer.write(fragments(2, parts).join(""))
      assert.strictEqual((yield* app.receive).length, "bytes ".length + 2_000_000)
      yield* finishSessions(harness, session)
    })
  )
})
