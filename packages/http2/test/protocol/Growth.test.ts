import { assert, describe, it } from "@effect/vitest"
import { assertNotQuadratic } from "../../../../test/support/Growth.ts"
import { prepareFields } from "../../src/protocol/head/ResponseFields.ts"
import { makeOutput, stream, wide } from "./support/Outputs.ts"

/** Streams get pieces while their windows are shut, which are then opened. */
const sendLate = (streams: number, pieces: number, piece: string | Uint8Array) => {
  const { output, sent } = makeOutput()
  const all = Array.from({ length: streams }, (_, index) => stream(2 * index + 1, 0))
  for (const each of all) for (let count = 0; count < pieces; count++) output.data(each, piece, false)
  for (const each of all) output.queue.widenStream(each, wide)
  do output.flush()
  while (output.pump() === "transport")
  output.flush()
  assert.strictEqual(sent.bytes, streams * pieces * piece.length)
  return sent
}

describe("work that grows as its input does", () => {
  it("sends content that has waited in pieces", () => {
    for (const piece of ["x", new Uint8Array(1), new Uint8Array(5000)]) {
      assertNotQuadratic(() => void sendLate(1, 200_000, piece))
    }
  })

  it("sends content of many streams that have waited", () => {
    assertNotQuadratic(() => void sendLate(60_000, 3, "content"))
  })

  it("forgets streams that have waited", () => {
    assertNotQuadratic(() => {
      const streams = 150_000
      const { output } = makeOutput()
      output.queue.window = 0
      const all = Array.from({ length: streams }, (_, index) => stream(2 * index + 1, wide))
      for (const each of all) output.data(each, "content", false)
      for (const each of all) output.drop(each)
      assert.isTrue(output.queue.isEmpty)
      output.queue.window = wide
      assert.isUndefined(output.queue.take())
    })
  })

  it("takes blanks from the ends of values, wherever blanks are", () => {
    assertNotQuadratic(() => {
      const size = 200_000
      const blanks = " \t".repeat(size)
      const section = prepareFields([
        ["x-inside", `a${blanks}b `],
        ["x-around", `${blanks}a${blanks}`]
      ])
      if (typeof section === "string") assert.fail(section)
      assert.deepStrictEqual(section.fields, [
        ["x-inside", `a${blanks}b`],
        ["x-around", "a"]
      ])
    })
  })
})

describe("small pieces that have waited", () => {
  it("go out in few frames", () => {
    assert.isAtMost(sendLate(1, 60_000, "x").frames, 20)
  })
})
