/** How single options are written and read as text, and what is said of a value that is not allowed. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Formatter from "effect/Formatter"
import * as Schema from "effect/Schema"
import { type Definition, expectedOf } from "./OptionTable.ts"

/** An option has a value that is not allowed, is missing where there must be one, or is not an option at all. */
export class InvalidOption extends Schema.TaggedError<InvalidOption>()("InvalidOption", {
  option: Schema.String,
  /** As it is written; nothing when the option is missing. */
  value: Schema.UndefinedOr(Schema.String),
  expected: Schema.String
}) {
  override get message(): string {
    const { expected, option, value } = this
    // A file is named before its option, as in all messages about files.
    const subject = option.includes(": ") ? option : `option ${option}`
    return `${subject}${value === undefined ? " is missing" : `: ${value} is not allowed`}; expected ${expected}`
  }
}

/** What is shown of a value that nobody is to see. */
export const hidden = "(not shown)"

/** How a message shows a value. */
export const show = (value: unknown): string =>
  Duration.isDuration(value) ? Duration.format(value) : Formatter.format(value)

/** How a default is written; nothing for an option that has none. */
export const defaultText = ({ defaultValue, kind }: Definition<unknown, unknown>): string | undefined =>
  kind.toText(defaultValue) || undefined

/**
 * Reads one option from an environment variable or a flag, which `source` names in the error. A flag that may be given
 * several times comes with all its texts.
 */
export const parse = (
  source: string,
  { kind }: Definition<unknown, unknown>,
  text: string | ReadonlyArray<string>
): Effect.Effect<unknown, InvalidOption> => {
  const read = (from: string | ReadonlyArray<string>): unknown => {
    const input = typeof from === "string" ? kind.fromText(from) : kind.fromTexts?.(from)
    return input === undefined ? undefined : kind.accept(input)
  }
  const value = read(text)
  if (value !== undefined) return Effect.succeed(value)
  const wrong = typeof text === "string" ? text : (text.find((one) => read([one]) === undefined) ?? text)
  const expected = expectedOf(kind, typeof wrong === "string" ? kind.fromText(wrong) : undefined)
  return Effect.fail(
    new InvalidOption({ option: source, value: kind.isSecret === true ? hidden : show(wrong), expected })
  )
}

/** Refuses a value, which is not shown when it is secret. */
export const fail = (
  option: string,
  value: unknown,
  expected: string,
  isSecret = false
): Effect.Effect<never, InvalidOption> => {
  const shown = isSecret ? hidden : show(value)
  return Effect.fail(new InvalidOption({ option, value: value === undefined ? undefined : shown, expected }))
}

/** Accepts a value that a configuration file has for an option, which `source` names in the error. */
export const accept = (
  source: string,
  { kind }: Definition<unknown, unknown>,
  input: unknown
): Effect.Effect<unknown, InvalidOption> => {
  const value = kind.accept(input)
  return value === undefined
    ? fail(source, input, expectedOf(kind, input), kind.isSecret === true)
    : Effect.succeed(value)
}
