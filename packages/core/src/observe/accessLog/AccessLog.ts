/** The access log as an observer of a server: a line for each exchange, when it has ended. */
import type { Observer } from "../Observer.ts"
import type { CompiledFormat } from "./Format.ts"

/** Writes the lines of a format. */
export const make = (
  { usesFirstByte, usesResponseHeaders, write }: CompiledFormat,
  writeLine: (line: string) => void
): Observer => ({
  usesFirstByte,
  usesResponseHeaders,
  exchangeEnded: (record) => writeLine(write(record))
})
