import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { EventBlocks } from "../../src/adminClient/EventBlocks.ts"

const read = (pieces: ReadonlyArray<string>): ReadonlyArray<readonly [string, string]> => {
  const events: Array<readonly [string, string]> = []
  const blocks = new EventBlocks((event, data) => events.push([event, data]))
  for (const piece of pieces) blocks.push(piece)
  return events
}

const stream =
  ': hello\n\nevent: point\nretry: 1000\ndata: {"a":1}\n\ndata: one\r\ndata:two\r\n\r\nevent: empty\n\ndata: x'

const expected: ReadonlyArray<readonly [string, string]> = [
  ["point", '{"a":1}'],
  ["", "one\ntwo"]
]

describe("EventBlocks", () => {
  it("has the events that are complete, and no others", () => {
    assert.deepStrictEqual(read([stream]), expected)
  })

  const cut = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: stream.length }))

  it.prop("has the same wherever the text is cut", [cut, cut], ([one, other]) => {
    const [first, last] = [Math.min(one, other), Math.max(one, other)]
    assert.deepStrictEqual(read([stream.slice(0, first), stream.slice(first, last), stream.slice(last)]), expected)
  })
})
