/** Sessions of a client at random: frames that are right, nearly right, or changed in places. */
import type { ByteString } from "@pagi/core/bytes/ByteString"
import * as Arbitrary from "effect/Arbitrary"
import * as Schema from "effect/Schema"
import { END_HEADERS, END_STREAM, PADDED, PRIORITY } from "../../src/protocol/frame/Flag.ts"
import { OutputBuffer, OutputPool } from "../../src/protocol/wire/OutputBuffer.ts"
import { Encoder } from "../../src/protocol/hpack/Encoder.ts"
import {
  block,
  continuation,
  data,
  frame,
  getFields,
  goAway,
  headers,
  ping,
  priority,
  reset,
  settings,
  settingsAck,
  trailers,
  uint,
  windowUpdate
} from "./WireFrames.ts"
import { fromBytes } from "@pagi/core/bytes/ByteString"

export const integer = (minimum: number, maximum: number): Arbitrary.Arbitrary<number> =>
  Arbitrary.schema(Schema.Int.check(Schema.isBetween({ minimum, maximum })))

/** One of the values, by a number that stands for it. */
const pick = <A>(values: ReadonlyArray<A>, number: number): A => {
  const value = values[number % values.length]
  if (value === undefined) throw new Error("there is nothing to pick from")
  return value
}

const bytes = (maxLength: number): Arbitrary.Arbitrary<ByteString> =>
  Arbitrary.array(integer(0, 255), { maxLength }).pipe(Arbitrary.map((codes) => String.fromCharCode(...codes)))

const paths = [
  "/",
  "/echo",
  "/echo",
  "/wait",
  "/begin",
  "/empty",
  "/trailers",
  "/large/3000",
  "/head",
  "/stall",
  "/large/90000"
]

const extras = [
  "x-a: b",
  "cookie: a=b",
  "content-length: 4",
  "te: trailers",
  "expect: 100-continue",
  "X-Bad: 1",
  "connection: close",
  "x-long: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
]

// valid sessions ---------------------------------------------------------------------------------------------------------

/** What a client with an encoder of its own sends for some requests; each list of frames is that of one stream. */
interface RequestShape {
  readonly path: number
  readonly pieces: ReadonlyArray<ByteString>
  readonly fields: ReadonlyArray<number>
  readonly hasTrailers: boolean
  readonly hasPriority: boolean
  readonly padding: number
  readonly cut: number
}

const boolean = Arbitrary.schema(Schema.Boolean)

const requestShape: Arbitrary.Arbitrary<RequestShape> = Arbitrary.all({
  path: integer(0, 8),
  pieces: Arbitrary.array(bytes(30), { maxLength: 3 }),
  fields: Arbitrary.array(integer(0, 1), { maxLength: 3 }),
  hasTrailers: boolean,
  hasPriority: boolean,
  padding: integer(0, 5),
  cut: integer(0, 200)
})

const encode = (encoder: Encoder, fields: ReadonlyArray<string>): ByteString => {
  const out = new OutputBuffer(new OutputPool())
  encoder.begin(out)
  for (const field of fields) {
    const colon = field.indexOf(":", 1)
    encoder.field(out, field.slice(0, colon), field.slice(colon + 2))
  }
  const taken = out.take()
  return typeof taken === "string" ? taken : fromBytes(taken, 0, taken.length)
}

const padded = (payload: ByteString, padding: number): readonly [ByteString, number] =>
  padding === 0 ? [payload, 0] : [uint(8, padding) + payload + "\0".repeat(padding), PADDED]

const requestFrames = (shape: RequestShape, streamId: number, encoder: Encoder): Array<ByteString> => {
  const { cut, fields, hasPriority, hasTrailers, padding, path, pieces } = shape
  const isEnd = pieces.length === 0 && !hasTrailers
  const lines = [...getFields(pick(paths, path), isEnd ? "GET" : "POST"), ...fields.map((at) => pick(extras, at))]
  const section = encode(encoder, lines)
  const isSplit = cut < section.length
  const first = (hasPriority ? `${uint(32, 0)}\x10` : "") + (isSplit ? section.slice(0, cut) : section)
  const [payload, padFlag] = padded(first, padding)
  const flags = padFlag | (hasPriority ? PRIORITY : 0) | (isEnd ? END_STREAM : 0) | (isSplit ? 0 : END_HEADERS)
  // Nothing may come between the frames of a section.
  const frames = [headers(streamId, payload, flags) + (isSplit ? continuation(streamId, section.slice(cut)) : "")]
  pieces.forEach((piece, at) => {
    const [content, flag] = padded(piece, padding)
    frames.push(data(streamId, content, flag | (at === pieces.length - 1 && !hasTrailers ? END_STREAM : 0)))
  })
  if (hasTrailers) frames.push(trailers(streamId, "x-sum: 1"))
  return frames
}

const controls = [
  ping(),
  settings([4, 70_000]),
  settings([1, 100]),
  settings([1, 4096]),
  windowUpdate(0, 100_000),
  priority(99),
  frame(0xaa, 1, 0, "x"),
  settingsAck
]

/** Frames of some requests that alternate, and of the connection between them; `order` says whose turn it is. */
const weave = (shapes: ReadonlyArray<RequestShape>, order: ReadonlyArray<number>): Array<ByteString> => {
  const encoder = new Encoder()
  const frames: Array<ByteString> = []
  const open: Array<Array<ByteString>> = []
  let started = 0
  const start = (): boolean => {
    const shape = shapes[started]
    if (shape === undefined) return false
    // Encoded when it is sent, as the table wants it.
    const [first = "", ...rest] = requestFrames(shape, 2 * started++ + 1, encoder)
    frames.push(first)
    if (rest.length > 0) open.push(rest)
    return true
  }
  for (const number of order) {
    if (number < 8) frames.push(pick(controls, number))
    else if (number % 2 === 0 && start()) continue
    const rest = open[number % Math.max(1, open.length)]
    const next = rest?.shift()
    if (next !== undefined) frames.push(next)
    if (rest?.length === 0) open.splice(open.indexOf(rest), 1)
  }
  while (start());
  return [...frames, ...open.flat()]
}

/** The frames of a session in which everything is right. */
export const validSession: Arbitrary.Arbitrary<Array<ByteString>> = Arbitrary.all({
  shapes: Arbitrary.array(requestShape, { minLength: 1, maxLength: 5 }),
  order: Arbitrary.array(integer(0, 40), { maxLength: 15 })
}).pipe(Arbitrary.map(({ order, shapes }) => weave(shapes, order)))

// any frames -------------------------------------------------------------------------------------------------------------

/** A frame, and what windows the client opens by it. */
export interface AnyStep {
  readonly bytes: ByteString
  readonly initialWindow?: number
  readonly increment?: readonly [streamId: number, size: number]
}

interface StepShape {
  readonly kind: number
  readonly id: number
  readonly number: number
  readonly text: ByteString
}

const request = ({ id, number, text }: StepShape): ByteString =>
  headers(
    id,
    block(
      ...getFields(pick(paths, number), number % 3 === 0 ? "POST" : "GET"),
      ...(text.length > 5 ? [pick(extras, text.length)] : [])
    ),
    END_HEADERS | (number % 3 === 0 ? 0 : END_STREAM)
  )

const sizes = [0, 1, 10, 1000, 65_535, 100_000, 2 ** 31 - 1, 2 ** 31]

const makeStep = (shape: StepShape): AnyStep => {
  const { id, kind, number, text } = shape
  switch (kind) {
    case 0:
    case 1:
    case 2:
    case 3:
      return { bytes: request(shape) }
    case 4:
    case 5:
      return { bytes: data(id, text, number % 2) }
    case 6:
      return { bytes: data(id, "x".repeat(number % 16_385), number % 2) }
    case 7:
      return { bytes: trailers(id, "x-a: b") }
    case 8:
      return { bytes: reset(id, number % 16) }
    case 9: {
      const size = pick(sizes, number)
      return {
        bytes: windowUpdate(number % 5 === 0 ? 0 : id, size),
        increment: [number % 5 === 0 ? 0 : id, size % 2 ** 31]
      }
    }
    case 10: {
      const size = pick(sizes, number)
      return { bytes: settings([4, size]), initialWindow: size }
    }
    case 11:
      return { bytes: settings([number % 9, pick([0, 1, 100, 4096, 16_384], number)]), initialWindow: 16_384 }
    case 12:
      return { bytes: ping(text.slice(0, 8).padEnd(8, "p"), number % 2) }
    case 13:
      return { bytes: priority(id, number % 8) }
    case 14:
      return { bytes: goAway(0, number % 16) }
    case 15:
      return { bytes: headers(id, text, number % 256) }
    case 16:
      return { bytes: continuation(id, text, number % 5) }
    case 17:
      return {
        bytes: headers(id, block(...getFields()), END_STREAM) + continuation(id, "", number % 7 === 0 ? 0 : END_HEADERS)
      }
    case 18:
      return { bytes: frame(number % 256, (number >> 3) % 256, id, text) }
    default:
      return { bytes: frame(10 + (number % 100), number % 256, id, text) }
  }
}

/** Frames at random, most of them such that the connection goes on. */
export const anySteps: Arbitrary.Arbitrary<Array<AnyStep>> = Arbitrary.array(
  Arbitrary.all({ kind: integer(0, 22), id: integer(0, 12), number: integer(0, 100_000), text: bytes(12) }),
  { minLength: 1, maxLength: 25 }
).pipe(
  Arbitrary.map((shapes) => {
    let next = 1
    return shapes.map((shape) => {
      // New requests mostly have a number of their own, and what belongs to a stream one that has been used.
      const isRequest = shape.kind <= 3 || shape.kind > 19
      const isGood = shape.number % 10 !== 9
      const id = !isGood ? shape.id : isRequest ? next : Math.max(1, next - 2 - 2 * (shape.id % 3))
      if (isRequest && isGood) next += 2
      return makeStep({ ...shape, kind: shape.kind > 19 ? 0 : shape.kind, id })
    })
  })
)

// changes ----------------------------------------------------------------------------------------------------------------

/** Changes a session in one place: a frame lost, repeated or moved, or bytes replaced, inserted, removed or repeated. */
export interface Change {
  readonly kind: number
  readonly at: number
  readonly to: number
  readonly text: ByteString
}

export const change: Arbitrary.Arbitrary<Change> = Arbitrary.all({
  kind: integer(0, 7),
  at: integer(0, 10_000),
  to: integer(0, 10_000),
  text: bytes(4)
})

export const changed = (frames: ReadonlyArray<ByteString>, { at, kind, text, to }: Change): Array<ByteString> => {
  const index = at % frames.length
  const chosen = frames[index] ?? ""
  const place = to % (chosen.length + 1)
  const replaceBy = (other: ByteString): Array<ByteString> => frames.toSpliced(index, 1, other)
  switch (kind) {
    case 0:
      return frames.length === 1 ? [...frames] : frames.toSpliced(index, 1)
    case 1:
      return frames.toSpliced(index, 0, chosen)
    case 2:
      return frames.toSpliced(index, 1).toSpliced(to % frames.length, 0, chosen)
    case 3:
      // In the header of the frame.
      return replaceBy(chosen.slice(0, to % 9) + text.slice(0, 1) + chosen.slice((to % 9) + text.slice(0, 1).length))
    case 4:
      return replaceBy(chosen.slice(0, place) + text + chosen.slice(place + text.length))
    case 5:
      return replaceBy(chosen.slice(0, place) + text + chosen.slice(place))
    case 6:
      return replaceBy(chosen.slice(0, place) + chosen.slice(place + 1))
    default:
      return replaceBy(chosen.slice(0, place) + chosen.slice(Math.max(0, place - 5)))
  }
}

/** Cuts a text at the given places, taken modulo its length. */
export const split = (text: ByteString, cuts: ReadonlyArray<number>): Array<ByteString> => {
  const places = [0, ...cuts.map((cut) => cut % (text.length + 1)), text.length].toSorted((a, b) => a - b)
  return places.slice(1).map((end, index) => text.slice(places[index], end))
}

export const cuts: Arbitrary.Arbitrary<Array<number>> = Arbitrary.array(integer(0, 100_000), { maxLength: 8 })
