/** The values of a server's options, from the texts of flags or environment variables. */
import * as Effect from "effect/Effect"
import * as Formatter from "effect/Formatter"
import * as Endpoint from "./Endpoint.ts"
import { hidden } from "./OptionText.ts"
import {
  accept,
  type Definition,
  definitions,
  type Input,
  InvalidOption,
  make,
  parse,
  type Values
} from "./ServerOptions.ts"

/** What somebody gave for an option. */
export interface OptionText {
  /** The flag or environment variable, as messages name it. */
  readonly source: string
  /** Several for a flag that was given several times. */
  readonly text: string | ReadonlyArray<string>
  /** In place of a text, what a configuration file has: numbers, lists and the like, as programs give them. */
  readonly value?: unknown
}

/**
 * Checks all texts, by the names of their options, and fills in the defaults of the others. Fails at the first that is
 * not allowed, by the name of its flag or variable.
 *
 * @param sourceOf how messages name an option whose value is fine by itself, but not together with another
 */
export const resolve = Effect.fnUntraced(function* (
  texts: ReadonlyMap<string, OptionText>,
  sourceOf: (option: string) => string
): Effect.fn.Return<Values, InvalidOption> {
  const excluded = Endpoint.exclusion((name) => texts.has(name))
  if (excluded !== undefined) {
    const given = (name: string): OptionText => texts.get(name) ?? { source: sourceOf(name), text: "" }
    const [name, otherName] = excluded
    const { source, text } = given(name)
    const other = given(otherName).source
    const expected = `no ${other} beside it: ${source} and ${other} exclude each other`
    return yield* new InvalidOption({ option: source, value: Formatter.format(text), expected })
  }
  const values: Record<string, unknown> = {}
  for (const [name, definition] of definitions) {
    const given = texts.get(name)
    if (given !== undefined) assign(values, name, yield* read(given, definition))
  }
  // Each value has been accepted by the definition of the option whose name it has.
  return yield* Effect.mapError(make(values as Input), ({ expected, option, value }) => {
    const given = Array.isArray(values[option]) && value !== hidden ? texts.get(option) : undefined
    const shown = given === undefined ? value : asWritten(given)
    return new InvalidOption({ option: sourceOf(option), value: shown, expected })
  })
})

/** A list is read into objects that nobody has written. */
const asWritten = ({ text, value }: OptionText): string => {
  const isOne = typeof text !== "string" && text.length === 1
  return Formatter.format(value ?? (isOne ? text[0] : text))
}

const read = (given: OptionText, definition: Definition<unknown, unknown>): Effect.Effect<unknown, InvalidOption> =>
  given.value === undefined
    ? parse(given.source, definition, given.text)
    : accept(given.source, definition, given.value)

/** Puts the value of `group.option` into the object `group`. */
const assign = (values: Record<string, unknown>, name: string, value: unknown): void => {
  const [group = "", option] = name.split(".")
  values[group] = option === undefined ? value : { ...(values[group] as object | undefined), [option]: value } // Made here.
}
