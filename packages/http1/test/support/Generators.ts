import type { ByteString } from "@pagi/core/bytes/ByteString"
import * as Arbitrary from "effect/Arbitrary"
import * as Schema from "effect/Schema"
import { lines } from "./Machine.ts"

export const integer = (minimum: number, maximum: number): Arbitrary.Arbitrary<number> =>
  Arbitrary.schema(Schema.Int.check(Schema.isBetween({ minimum, maximum })))

/** Any byte string of up to `maxLength` bytes. */
export const bytes = (maxLength: number): Arbitrary.Arbitrary<ByteString> =>
  Arbitrary.array(integer(0, 255), { maxLength }).pipe(Arbitrary.map((codes) => String.fromCharCode(...codes)))

/** One of the values. */
export const oneOf = <A>(...values: ReadonlyArray<A>): Arbitrary.Arbitrary<A> =>
  integer(0, values.length - 1).pipe(
    Arbitrary.map((index) => {
      const value = values[index]
      if (value === undefined) throw new Error("oneOf needs values")
      return value
    })
  )

const boolean = Arbitrary.schema(Schema.Boolean)

/** A valid request in the form in which it is written. */
export interface WireRequest {
  readonly wire: ByteString
  readonly body: ByteString
  readonly trailers: ReadonlyArray<readonly [string, string]>
}

const fields = Arbitrary.array(
  oneOf("X-A: b", "accept: */*", "Cookie: a=b", "X-Empty:", "x-b: \xe9\t y", "Connection: keep-alive"),
  { maxLength: 4 }
)

const chunk = (data: ByteString, extension: string): ByteString =>
  `${data.length.toString(16)}${extension}\r\n${data}\r\n`

const writeRequest = (shape: {
  readonly target: string
  readonly fields: ReadonlyArray<string>
  readonly pieces: ReadonlyArray<ByteString>
  readonly extension: string
  readonly isChunked: boolean
  readonly hasTrailers: boolean
  readonly emptyLines: number
}): WireRequest => {
  const body = shape.pieces.join("")
  const start = "\r\n".repeat(shape.emptyLines)
  const common = [`POST ${shape.target} HTTP/1.1`, "Host: a.example", ...shape.fields]
  if (!shape.isChunked) {
    return { wire: start + lines(...common, `Content-Length: ${body.length}`) + body, body, trailers: [] }
  }
  const chunks = shape.pieces.filter((piece) => piece.length > 0).map((piece) => chunk(piece, shape.extension))
  const trailerLines = shape.hasTrailers ? lines("X-Sum: 1", "Y: ") : "\r\n"
  return {
    wire: `${start}${lines(...common, "Transfer-Encoding: chunked")}${chunks.join("")}0\r\n${trailerLines}`,
    body,
    trailers: shape.hasTrailers
      ? [
          ["x-sum", "1"],
          ["y", ""]
        ]
      : []
  }
}

/** A valid request with either kind of body. */
export const wireRequest: Arbitrary.Arbitrary<WireRequest> = Arbitrary.all({
  target: oneOf("/", "/a%20b?c=d", "/%C3%A9", "http://b.example/x"),
  fields,
  pieces: Arbitrary.array(bytes(20), { maxLength: 4 }),
  extension: oneOf("", ";a", ';a="b\tc"', " ", '\t; a = "\\"" ;b'),
  isChunked: boolean,
  hasTrailers: boolean,
  emptyLines: integer(0, 2)
}).pipe(Arbitrary.map(writeRequest))

/** Cuts a text at the given places, taken modulo its length. */
export const split = (text: ByteString, cuts: ReadonlyArray<number>): Array<ByteString> => {
  const places = [0, ...cuts.map((cut) => cut % (text.length + 1)), text.length].toSorted((a, b) => a - b)
  return places.slice(1).map((end, index) => text.slice(places[index], end))
}

/** A piece of the grammar, right or nearly right, out of which whole messages come about by chance. */
export const fragment: Arbitrary.Arbitrary<ByteString> = oneOf(
  "GET / HTTP/1.1\r\n",
  "POST /a HTTP/1.1\r\nHost: a\r\n",
  "POST /a HTTP/1.0\r\n",
  "OPTIONS * HTTP/1.1\r\n",
  "Host: a\r\n",
  "Content-Length: 3\r\n",
  "Transfer-Encoding: chunked\r\n",
  "Expect: 100-continue\r\n",
  "Connection: upgrade, keep-alive\r\n",
  "Cookie: a\r\n",
  "\r\n",
  "\r\n\r\n",
  "\r",
  "\n",
  "3\r\nabc\r\n",
  "3;a=b\r\nabc\r\n",
  "0\r\n\r\n",
  "0\r\n",
  "abc",
  " ",
  ":"
)

/** Changes a text in one place: a byte replaced, inserted or removed, or a slice repeated or cut out. */
export interface Mutation {
  readonly kind: "replace" | "insert" | "remove" | "repeat" | "cut"
  readonly at: number
  readonly text: ByteString
  readonly length: number
}

export const mutation: Arbitrary.Arbitrary<Mutation> = Arbitrary.all({
  kind: oneOf<Mutation["kind"]>("replace", "insert", "remove", "repeat", "cut"),
  at: integer(0, 400),
  text: oneOf(
    "\r",
    "\n",
    "\r\n",
    "\0",
    " ",
    "\t",
    ":",
    ";",
    ",",
    "0",
    "f",
    "-",
    "%",
    "#",
    "@",
    "\xff",
    "chunked",
    "Content-Length: 3\r\n"
  ),
  length: integer(1, 20)
})

export const mutate = (text: ByteString, { kind, at, text: inserted, length }: Mutation): ByteString => {
  const place = at % (text.length + 1)
  const before = text.slice(0, place)
  switch (kind) {
    case "replace":
      return before + inserted + text.slice(place + inserted.length)
    case "insert":
      return before + inserted + text.slice(place)
    case "remove":
      return before + text.slice(place + 1)
    case "repeat":
      return before + text.slice(place, place + length) + text.slice(place)
    case "cut":
      return before + text.slice(place + length)
  }
}
