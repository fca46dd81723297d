import type { ByteString } from "@pagi/core/bytes/ByteString"
import * as Arbitrary from "effect/Arbitrary"
import * as Schema from "effect/Schema"
import { close, fragments, frame, hex, key, utf8 } from "./Frames.ts"

export const integer = (minimum: number, maximum: number): Arbitrary.Arbitrary<number> =>
  Arbitrary.schema(Schema.Int.check(Schema.isBetween({ minimum, maximum })))

export const boolean = Arbitrary.schema(Schema.Boolean)

/** Any byte string of up to `maxLength` bytes. */
export const bytes = (maxLength: number): Arbitrary.Arbitrary<ByteString> =>
  Arbitrary.array(integer(0, 255), { maxLength }).pipe(Arbitrary.map((codes) => String.fromCharCode(...codes)))

/** One of the values. */
export const oneOf = <A>(...values: ReadonlyArray<A>): Arbitrary.Arbitrary<A> =>
  // The index is always one of theirs.
  integer(0, values.length - 1).pipe(Arbitrary.map((index) => values[index] as A))

/** Code points at both sides of every border of UTF-8 (RFC 3629 §3), and U+FFFD, which decoders make of mistakes. */
const character = oneOf(
  ..."\0a\x7f\x80\u{e9}\u{7ff}\u{800}\u{d7ff}\u{e000}\u{feff}\u{fffd}\u{ffff}\u{10000}\u{1f600}\u{10ffff}"
)

/** Text of up to `maxLength` characters, of which most are not ASCII. */
export const unicode = (maxLength: number): Arbitrary.Arbitrary<string> =>
  Arbitrary.array(character, { maxLength }).pipe(Arbitrary.map((characters) => characters.join("")))

/** Cuts a text at the given places, taken modulo its length. */
export const split = (text: ByteString, cuts: ReadonlyArray<number>): Array<ByteString> => {
  const places = [0, ...cuts.map((cut) => cut % (text.length + 1)), text.length].toSorted((a, b) => a - b)
  return places.slice(1).map((end, index) => text.slice(places[index], end))
}

export const cuts = Arbitrary.array(integer(0, 100_000), { maxLength: 12 })

/** A message or control frame, how it is on the wire, and the event that it is. */
export interface WireMessage {
  readonly wire: ByteString
  readonly event: { readonly type: string; readonly [key: string]: unknown }
}

const keys = oneOf(key, hex("00 00 00 00"), hex("ff 80 01 7f"))

const payloadLength = oneOf(0, 1, 3, 15, 16, 17, 124, 125, 126, 127, 300, 1500, 65_535, 65_536)

interface MessageShape {
  readonly kind: "text" | "bytes" | "compressed"
  readonly text: string
  readonly bytes: ByteString
  readonly repetitions: number
  readonly places: ReadonlyArray<number>
  readonly interjection: ByteString
  readonly key: ByteString
}

const opcodeOf = { text: 1, bytes: 2, compressed: 2 } as const

/** A message in one frame, or in several with a ping between them. */
const writeMessage = (shape: MessageShape, isMasked: boolean): ReadonlyArray<WireMessage> => {
  const { kind, text, places, interjection } = shape
  const options = { key: isMasked ? shape.key : undefined, reserved: kind === "compressed" ? 4 : 0 }
  const whole = text.repeat(shape.repetitions)
  const content = kind === "text" ? utf8(whole) : shape.bytes.repeat(shape.repetitions)
  const parts = fragments(opcodeOf[kind], split(content, places), options)
  const message: WireMessage["event"] =
    kind === "text"
      ? { type: "text", text: whole }
      : { type: kind, ...(kind === "compressed" && { isText: false }), bytes: content }
  if (parts.length === 1) return [{ wire: parts.join(""), event: message }]
  const ping = frame(9, interjection, { key: options.key })
  return [
    { wire: (parts[0] ?? "") + ping, event: { type: "ping", bytes: interjection } },
    { wire: parts.slice(1).join(""), event: message }
  ]
}

const messageShape = Arbitrary.all({
  kind: oneOf<MessageShape["kind"]>("text", "text", "bytes", "compressed"),
  text: unicode(12),
  bytes: bytes(20),
  repetitions: oneOf(1, 1, 7, 40),
  places: Arbitrary.array(integer(0, 2000), { maxLength: 4 }),
  interjection: bytes(12),
  key: keys
})

const plainShape = Arbitrary.all({ isText: boolean, length: payloadLength, key: keys })

/** Valid messages and control frames, as a server gets them when `isMasked` says so, else as a client does. */
export const conversation = (isMasked: boolean): Arbitrary.Arbitrary<ReadonlyArray<WireMessage>> => {
  const fragmented = messageShape.pipe(Arbitrary.map((shape) => writeMessage(shape, isMasked)))
  const long = plainShape.pipe(
    Arbitrary.map(({ isText, length, key }): ReadonlyArray<WireMessage> => {
      const content = "payload ".repeat(length / 8 + 1).slice(0, length)
      const wire = frame(isText ? 1 : 2, content, { key: isMasked ? key : undefined })
      return [{ wire, event: isText ? { type: "text", text: content } : { type: "bytes", bytes: content } }]
    })
  )
  const control = Arbitrary.all({ isPing: boolean, payload: bytes(125), key: keys }).pipe(
    Arbitrary.map(({ isPing, payload, key }): ReadonlyArray<WireMessage> => [
      {
        wire: frame(isPing ? 9 : 10, payload, { key: isMasked ? key : undefined }),
        event: { type: isPing ? "ping" : "pong", bytes: payload }
      }
    ])
  )
  return Arbitrary.all({
    first: Arbitrary.array(fragmented, { maxLength: 3 }),
    second: Arbitrary.array(long, { maxLength: 2 }),
    third: Arbitrary.array(control, { maxLength: 2 }),
    fourth: Arbitrary.array(fragmented, { maxLength: 2 })
  }).pipe(Arbitrary.map(({ first, second, third, fourth }) => [...first, ...second, ...third, ...fourth].flat()))
}

/** A frame of any kind, right or wrong. */
export const anyFrame: Arbitrary.Arbitrary<ByteString> = Arbitrary.all({
  opcode: integer(0, 15),
  isFinal: boolean,
  reserved: oneOf(0, 0, 0, 4, 1),
  isMasked: oneOf(true, true, true, false),
  payload: oneOf(
    "",
    "a",
    utf8("\u{e9}"),
    hex("e2 82"),
    hex("ac"),
    hex("ff"),
    hex("03 e8"),
    hex("03 ee"),
    "x".repeat(126)
  )
}).pipe(
  Arbitrary.map(({ opcode, isFinal, reserved, isMasked, payload }) =>
    frame(opcode, payload, { isFinal, reserved, key: isMasked ? key : undefined })
  )
)

/** A frame of a kind that may come, in an order that may be wrong. */
export const likelyFrame: Arbitrary.Arbitrary<ByteString> = oneOf(
  frame(1, "a", { isFinal: false }),
  frame(1, hex("e2 82"), { isFinal: false }),
  frame(0, hex("ac"), { isFinal: false }),
  frame(0, hex("ac")),
  frame(0, "b"),
  frame(0, ""),
  frame(2, hex("ff"), { isFinal: false }),
  frame(2, "cd"),
  frame(1, utf8("\u{fffd}")),
  frame(2, "ef", { reserved: 4, isFinal: false }),
  frame(1, "gh", { reserved: 4 }),
  frame(9, "p"),
  frame(10, ""),
  frame(1, "z".repeat(130)),
  close(1000, "bye")
)

/** Changes a text in one place: a byte replaced, inserted or removed, or a slice repeated or cut out. */
export interface Mutation {
  readonly kind: "replace" | "insert" | "remove" | "repeat" | "cut"
  readonly at: number
  readonly byte: number
  readonly length: number
}

export const mutation: Arbitrary.Arbitrary<Mutation> = Arbitrary.all({
  kind: oneOf<Mutation["kind"]>("replace", "insert", "remove", "repeat", "cut"),
  at: integer(0, 400),
  byte: integer(0, 255),
  length: integer(1, 20)
})

export const mutate = (text: ByteString, { kind, at, byte, length }: Mutation): ByteString => {
  const place = at % (text.length + 1)
  const before = text.slice(0, place)
  switch (kind) {
    case "replace":
      return before + String.fromCharCode(byte) + text.slice(place + 1)
    case "insert":
      return before + String.fromCharCode(byte) + text.slice(place)
    case "remove":
      return before + text.slice(place + 1)
    case "repeat":
      return before + text.slice(place, place + length) + text.slice(place)
    case "cut":
      return before + text.slice(place + length)
  }
}
