import type { ByteString } from "@pagi/core/bytes/ByteString"
import * as Arbitrary from "effect/Arbitrary"
import { DecodedFields } from "../../../src/protocol/hpack/DecodedFields.ts"
import type { Decoder } from "../../../src/protocol/hpack/Decoder.ts"
import type { Encoder } from "../../../src/protocol/hpack/Encoder.ts"
import { hex, smallIntegers, written } from "../../support/FrameBytes.ts"

export type Pair = readonly [name: ByteString, value: ByteString]

/** Digits without blanks between them, as the RFC has them in its examples. */
export const digits = (text: string): Uint8Array => hex(text.replaceAll(" ", "").replaceAll(/../g, "$& "))

/** The fields of a block; `undefined` when it is refused. */
export const decodeBlock = (decoder: Decoder, block: Uint8Array): ReadonlyArray<Pair> | undefined => {
  const list = new DecodedFields(Infinity, Infinity)
  // Not at the beginning of its memory, and not to the end.
  const bytes = new Uint8Array(block.length + 3).fill(0x82)
  bytes.set(block, 1)
  return decoder.decode(bytes, 1, 1 + block.length, list) ? list.fields.map((field) => field.pair) : undefined
}

/** What the dynamic table has, the newest first: what the indices from 62 on give until there is an error. */
export const tableOf = (decoder: Decoder): ReadonlyArray<Pair> => {
  const table: Array<Pair> = []
  for (let index = 62; ; index++) {
    const block = index < 127 ? [0x80 | index] : [0xff, 0x80 | ((index - 127) & 0x7f), (index - 127) >> 7]
    const [field] = decodeBlock(decoder, Uint8Array.from(block)) ?? []
    if (field === undefined) return table
    table.push(field)
  }
}

/** As tables count it (RFC 7541 §4.1). */
export const sizeOf = (fields: ReadonlyArray<Pair>): number =>
  fields.reduce((size, [name, value]) => size + name.length + value.length + 32, 0)

export const encodeBlock = (encoder: Encoder, fields: ReadonlyArray<Pair>): Uint8Array =>
  written((out) => {
    encoder.begin(out)
    for (const [name, value] of fields) encoder.field(out, name, value)
  })

export const oneOf = <A>(...values: ReadonlyArray<A>): Arbitrary.Arbitrary<A> =>
  // The index is always one of theirs.
  smallIntegers(values.length - 1).pipe(Arbitrary.map((index) => values[index] as A))
