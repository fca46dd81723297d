/** Content codings, and which of them a client wants (RFC 9110 §8.4, §12.5.3). */
import { listElements, valuesOf } from "@pagi/core/http/CommaList"
import type { HeaderBlock } from "@pagi/core/http/HeaderBlock"

/** A content coding by its registered name. */
export type Coding = "br" | "zstd" | "gzip"

/** All of them, those first that make content smaller. */
export const codings: ReadonlyArray<Coding> = ["br", "zstd", "gzip"]

/** A weight (RFC 9110 §12.4.2); `undefined` for what is none. */
const weightOf = (parameter: string | undefined): number | undefined => {
  if (parameter === undefined) return 1
  const [, weight] = /^[qQ]=(0(?:\.\d{0,3})?|1(?:\.0{0,3})?)$/.exec(parameter.trim()) ?? []
  return weight === undefined ? undefined : Number(weight)
}

/** The weights of a client by the names of codings, the first one where a name comes twice. */
const readWeights = (elements: ReadonlyArray<string>): ReadonlyMap<string, number> => {
  const weights = new Map<string, number>()
  for (const element of elements) {
    const [token = "", parameter, ...others] = element.split(";")
    const name = token
      .trim()
      .toLowerCase()
      .replace(/^x-gzip$/, "gzip")
    const weight = others.length === 0 ? weightOf(parameter) : undefined
    // What is malformed is not asked for.
    if (name !== "" && weight !== undefined && !weights.has(name)) weights.set(name, weight)
  }
  return weights
}

/**
 * The codings that a client takes at least as gladly as content without any, best first; of equal ones those that make
 * content smaller. None for a client that says nothing: it may know no coding.
 */
export const accepted = (headers: HeaderBlock): ReadonlyArray<Coding> => {
  const fields = valuesOf(headers, "accept-encoding")
  if (fields.length === 0) return []
  const weights = readWeights(fields.flatMap(listElements))
  const weight = (name: string): number => weights.get(name) ?? weights.get("*") ?? 0
  const plain = weights.get("identity") ?? 0
  return codings
    .filter((coding) => weight(coding) > 0 && weight(coding) >= plain)
    .toSorted((left, right) => weight(right) - weight(left))
}

/** Types of content that codings make smaller, beside all of text. */
const compressible =
  /^(?:text\/|(?:application|image|model)\/[\w.+-]*\+(?:json|xml)$|application\/(?:json|javascript|ecmascript|xml|wasm|manifest|x-ndjson|jsonl|graphql|sql|rtf|vnd\.ms-fontobject|x-javascript|ld)|font\/(?:ttf|otf|collection)$|image\/(?:bmp|vnd\.microsoft\.icon)$)/

/** Whether codings make content of this type smaller, whatever its parameters. */
export const isCompressible = (contentType: string): boolean => {
  const end = contentType.indexOf(";")
  return compressible.test((end === -1 ? contentType : contentType.slice(0, end)).trim().toLowerCase())
}
