import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as EventStream from "../../src/http/EventStream.ts"
import { EventSourceParser } from "../support/EventSource.ts"

const encoder = new TextEncoder()

const parse = (text: string): EventSourceParser => new EventSourceParser().push(encoder.encode(text))

/** Text in which line ends and what could be taken for syntax are frequent. */
const pieces = [
  "",
  "a",
  " ",
  ":",
  "data: x",
  "id: 1",
  "event",
  "\u2028",
  "\u0085",
  "\ufeff",
  "\0",
  "ä",
  "😀",
  "\t"
] as const
const lineEnds = ["\n", "\r", "\r\n", "\n\n", "\r\r\n"] as const
const Line = Schema.Array(Schema.Literals(pieces))
const Text = Schema.Array(Schema.Literals([...pieces, ...lineEnds]))

const joined = (parts: ReadonlyArray<string>): string => parts.join("")
const normalized = (text: string): string => text.replaceAll(/\r\n|\r/g, "\n")

const Events = Schema.Array(
  Schema.Struct({
    data: Text,
    event: Schema.optionalKey(Line),
    id: Schema.optionalKey(Line),
    retry: Schema.optionalKey(Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))),
    comment: Schema.optionalKey(Text)
  })
)

describe("encodeEvent", () => {
  const cases: ReadonlyArray<readonly [event: EventStream.StreamEvent, text: string]> = [
    [{ data: "a" }, "data: a\n\n"],
    [{ data: "" }, "data: \n\n"],
    [{ data: " a " }, "data:  a \n\n"],
    [{ data: "a\nb" }, "data: a\ndata: b\n\n"],
    [{ data: "a\rb" }, "data: a\ndata: b\n\n"],
    [{ data: "a\r\nb" }, "data: a\ndata: b\n\n"],
    [{ data: "a\n\rb" }, "data: a\ndata: \ndata: b\n\n"],
    [{ data: "a\n" }, "data: a\ndata: \n\n"],
    [{ data: "\r\n" }, "data: \ndata: \n\n"],
    [{ data: "a\n\nid: 7\nevent: evil" }, "data: a\ndata: \ndata: id: 7\ndata: event: evil\n\n"],
    [{ data: "a", event: "e", id: "7", retry: 0 }, "event: e\nid: 7\nretry: 0\ndata: a\n\n"],
    [{ data: "a", event: "", id: "" }, "event: \nid: \ndata: a\n\n"],
    [{ data: "a", retry: Number.MAX_SAFE_INTEGER }, "retry: 9007199254740991\ndata: a\n\n"]
  ]

  it.each(cases)("%j", (event, text) => {
    assert.strictEqual(EventStream.encodeEvent(event), text)
  })

  it("an id that is empty resets the client's", () => {
    const parser = parse(
      EventStream.encodeEvent({ data: "a", id: "7" }) + EventStream.encodeEvent({ data: "b", id: "" })
    )
    assert.deepStrictEqual(
      parser.events.map((event) => event.lastEventId),
      ["7", ""]
    )
  })

  it.effect.prop(
    "a client gets back what was sent, however the bytes are cut, and nothing else",
    [Events, Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 30 })))],
    ([inputs, cuts]) =>
      Effect.sync(() => {
        const expected: Array<unknown> = []
        let text = ""
        let lastEventId = ""
        let retry: number | undefined = undefined
        for (const input of inputs) {
          if (input.comment !== undefined) text += EventStream.encodeComment(joined(input.comment))
          const id = input.id === undefined ? undefined : joined(input.id).replaceAll("\0", "")
          const event = input.event === undefined ? undefined : joined(input.event)
          const data = joined(input.data)
          text += EventStream.encodeEvent({
            data,
            ...(id === undefined ? {} : { id }),
            ...(event === undefined ? {} : { event }),
            ...(input.retry === undefined ? {} : { retry: input.retry })
          })
          lastEventId = id ?? lastEventId
          retry = input.retry ?? retry
          expected.push({ type: event || "message", data: normalized(data), lastEventId })
        }
        const bytes = encoder.encode(text)
        const parser = new EventSourceParser()
        let from = 0
        for (const cut of cuts) {
          parser.push(bytes.subarray(from, from + cut))
          from += cut
        }
        parser.push(bytes.subarray(from))
        assert.deepStrictEqual(parser.events, expected)
        assert.strictEqual(parser.retry, retry)
      })
  )
})

describe("encodeComment", () => {
  it.each([
    ["", ":\n\n"],
    [":", ":\n\n"],
    ["a", ":a\n\n"],
    [":a", ":a\n\n"],
    ["::a", "::a\n\n"],
    [" a", ": a\n\n"],
    ["a\nb", ":a\n:b\n\n"],
    [":a\r\n:b", ":a\n::b\n\n"],
    ["a\rdata: evil\n\nid: 7", ":a\n:data: evil\n:\n:id: 7\n\n"]
  ])("%j", (comment, text) => {
    assert.strictEqual(EventStream.encodeComment(comment), text)
  })

  it.effect.prop("a client sees no event in it", [Text], ([parts]) =>
    Effect.sync(() => {
      const comment = joined(parts)
      const parser = parse(EventStream.encodeComment(comment))
      assert.deepStrictEqual(parser.events, [])
      assert.strictEqual(parser.retry, undefined)
      assert.strictEqual(parser.lastEventId, "")
      assert.strictEqual(parser.comments.length, normalized(comment).split("\n").length)
    })
  )
})

describe("accepts", () => {
  it.each([
    "text/event-stream",
    "Text/Event-Stream",
    "TEXT/EVENT-STREAM",
    " text/event-stream ",
    "text/html, text/event-stream",
    "text/event-stream,*/*",
    "text/html;q=0.9,text/event-stream;q=0.001",
    "text/event-stream;q=1",
    "text/event-stream;charset=utf-8",
    "text/event-stream ; Q=0.5",
    "text/event-stream;q=0,text/event-stream"
  ])("%j: yes", (accept) => {
    assert.isTrue(EventStream.accepts(accept))
  })

  it.each([
    "",
    "*/*",
    "text/*",
    "text/html",
    "text/event-streams",
    "x-text/event-stream",
    "text/plain;a=text/event-stream",
    "text/event-stream;q=0",
    "text/event-stream; q=0.0",
    "text/event-stream;q=0.000",
    "text/event-stream;Q=0.",
    "text/html, text/event-stream;charset=utf-8;q=0"
  ])("%j: no", (accept) => {
    assert.isFalse(EventStream.accepts(accept))
  })
})
