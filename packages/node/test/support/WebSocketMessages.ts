import * as Arbitrary from "effect/Arbitrary"
import * as Schema from "effect/Schema"
import { hash } from "node:crypto"
import { pattern } from "./Traffic.ts"
import { deflate, frame } from "./RawFrames.ts"

export const integer = (minimum: number, maximum: number): Arbitrary.Arbitrary<number> =>
  Arbitrary.schema(Schema.Int.check(Schema.isBetween({ minimum, maximum })))

const boolean = Arbitrary.schema(Schema.Boolean)

export const oneOf = <A>(first: A, ...others: ReadonlyArray<A>): Arbitrary.Arbitrary<A> =>
  integer(0, others.length).pipe(Arbitrary.map((index) => (index === 0 ? first : (others[index - 1] ?? first))))

/** A message in one frame or in several, which may end anywhere, with pings in between. */
export interface TestMessage {
  readonly isText: boolean
  readonly size: number
  /** What it is made of. */
  readonly seed: number
  /** Where fragments end, modulo the length. */
  readonly cuts: ReadonlyArray<number>
  readonly isCompressed: boolean
  /** Bytes in a ping behind each fragment; there is none for a negative number. */
  readonly pingLength: number
}

const texts = ["a", "plain ASCII text ", "grüße, 世界 \u{1f600} ", "\u{10ffff}\u{800}\0"] as const

/** Text that has characters of all lengths in UTF-8 at its cuts, or bytes of all values. */
export const contentOf = ({ isText, seed, size }: TestMessage): Buffer => {
  if (!isText) return Buffer.from(pattern(size, seed))
  const unit = texts[seed % texts.length] ?? "a"
  const characters = [...unit.repeat(Math.ceil(size / unit.length))]
  return Buffer.from(characters.slice(0, size).join(""))
}

const message: Arbitrary.Arbitrary<TestMessage> = Arbitrary.all({
  isText: boolean,
  size: oneOf(0, 1, 2, 60, 125, 126, 1000, 1024, 5000, 65_535, 65_536, 100_000),
  seed: integer(0, 1000),
  cuts: Arbitrary.array(integer(0, 200_000), { maxLength: 4 }),
  isCompressed: boolean,
  pingLength: oneOf(-1, -1, 0, 5, 125)
})

export const messages = Arbitrary.array(message, { maxLength: 5 })

/** Cuts bytes at these places, modulo their length. */
export const split = (bytes: Buffer, cuts: ReadonlyArray<number>): ReadonlyArray<Buffer> => {
  const places = [0, ...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length].toSorted((a, b) => a - b)
  return places.slice(1).map((end, index) => bytes.subarray(places[index], end))
}

/** The message as a client sends it. */
export const toWire = (message: TestMessage, mayCompress: boolean): Buffer => {
  const isCompressed = mayCompress && message.isCompressed
  const content = contentOf(message)
  const parts = split(isCompressed ? deflate(content) : content, message.cuts)
  const ping = frame(9, Buffer.from(pattern(Math.max(0, message.pingLength), message.seed)))
  return Buffer.concat(
    parts.flatMap((part, index) => {
      const opcode = index > 0 ? 0 : message.isText ? 1 : 2
      const options = { isFinal: index === parts.length - 1, isCompressed: isCompressed && index === 0 }
      return message.pingLength < 0 ? [frame(opcode, part, options)] : [frame(opcode, part, options), ping]
    })
  )
}

/** What an application is told of a message, short enough to be compared by the thousand. */
export const summarize = (isText: boolean, content: Uint8Array): string =>
  `${isText ? "text" : "bytes"} ${content.length} ${hash("sha1", content, "base64")}`

/** What it is told of this one. */
export const summaryOf = (message: TestMessage): string => summarize(message.isText, contentOf(message))
