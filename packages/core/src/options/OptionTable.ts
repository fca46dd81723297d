/** Tables of options, and how the values that somebody gives are checked against them. */
import type { Kind } from "./OptionKind.ts"

/** One row of a table of options. */
export interface Definition<Value, Input = Value> {
  readonly description: string
  readonly defaultValue: Value
  /** A one-letter flag. */
  readonly alias?: string
  readonly kind: Kind<Value, Input>
  /**
   * Whether the process above the workers has done what the option says at its start, or holds workers to it: then a
   * change in a file waits for a restart. Of others the next workers take up what is there.
   */
  readonly isAtStart?: boolean
}

/** The row of an option whose changes wait for a restart. */
export const atStart = <Value, Input>(row: Definition<Value, Input>): Definition<Value, Input> => ({
  ...row,
  isAtStart: true
})

export const define = <Value, Input>(
  kind: Kind<Value, Input>,
  defaultValue: Value,
  description: string,
  alias?: string
): Definition<Value, Input> => ({ kind, defaultValue, description, ...(alias === undefined ? {} : { alias }) })

export type ValueOf<Row> = Row extends Definition<infer Value, infer _> ? Value : never
export type InputOf<Row> = Row extends Definition<infer _, infer Input> ? Input : never

/** Rows of a table without their exact types, by the names of their options. */
export type Rows<Name extends string> = ReadonlyArray<readonly [Name, Definition<unknown, unknown>]>

/** A value that is not allowed, or the name of no option. */
export interface Problem {
  readonly option: string
  readonly value: unknown
  readonly expected: string
  /** Whether the value is not to be shown. */
  readonly isSecret?: boolean
}

/** What is allowed, and what is wrong with the input if that is not plain to see. */
export const expectedOf = <Value, Input>(
  { expected, explain }: Kind<Value, Input>,
  input: Input | undefined
): string => {
  const problem = input === undefined ? undefined : explain?.(input)
  return problem === undefined ? expected : `${expected}; ${problem}`
}

/** Puts an accepted value under the name of every row, its default where none is given, or says what is not allowed. */
export const fillIn = (
  rows: Rows<string>,
  input: Readonly<Record<string, unknown>>,
  values: Record<string, unknown>
): Problem | undefined => {
  const others = new Map(Object.entries(input))
  for (const [option, { defaultValue, kind }] of rows) {
    const value = others.get(option)
    others.delete(option)
    const accepted = value === undefined ? defaultValue : kind.accept(value)
    if (accepted === undefined && value !== undefined) {
      return { option, value, expected: expectedOf(kind, value), isSecret: kind.isSecret === true }
    }
    values[option] = accepted
  }
  for (const [option, value] of others) return { option, value, expected: "the name of an option" }
  return undefined
}
