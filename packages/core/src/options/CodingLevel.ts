/** How hard content codings work: smaller content for more of the processor's time. */
import { type Kind, list } from "./OptionKind.ts"

/** A content coding by its registered name (RFC 9110 §8.4.1, RFC 7932, RFC 8878). */
export type CodingName = "br" | "zstd" | "gzip"

/** The level of a coding, or that it is not used. */
export interface CodingLevel {
  readonly coding: CodingName
  readonly level: number | "off"
}

/**
 * The levels that there are, from the fastest to the one for the smallest content. Of `zstd` those above 9 take 40 MiB and
 * more for each response.
 */
const ranges: Readonly<Record<CodingName, readonly [number, number]>> = { br: [0, 11], zstd: [1, 9], gzip: [1, 9] }

const isCoding = (name: unknown): name is CodingName => typeof name === "string" && Object.hasOwn(ranges, name)

const isLevel = (coding: CodingName, level: unknown): level is number => {
  const [least, most] = ranges[coding]
  return typeof level === "number" && Number.isInteger(level) && level >= least && level <= most
}

const parse = (text: string): { readonly coding: unknown; readonly level: unknown } | undefined => {
  const [, coding, level = ""] = /^([a-z]+)=(off|\d{1,2})$/.exec(text) ?? []
  return coding === undefined ? undefined : { coding, level: level === "off" ? level : Number(level) }
}

/** One of them; programs may give an object, too. */
const kind: Kind<CodingLevel, CodingLevel | string> = {
  expected: "br=0 to br=11, zstd=1 to zstd=9, gzip=1 to gzip=9, or off as the level",
  placeholder: "CODING=LEVEL",
  accept: (input) => {
    const given = typeof input === "string" ? parse(input) : input
    if (typeof given !== "object" || given === null || !isCoding(given.coding)) return undefined
    const { coding, level } = given
    return level === "off" || isLevel(coding, level) ? { coding, level } : undefined
  },
  fromText: (text) => text,
  toText: ({ coding, level }) => `${coding}=${level}`
}

/** Several of them, of which the last counts for a coding. */
export const levelsKind: Kind<ReadonlyArray<CodingLevel>, ReadonlyArray<CodingLevel | string>> = list(kind, 1)
