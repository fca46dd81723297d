/** The kinds of values that options have: what is allowed, and how it is written on the command line. */
import * as Duration from "effect/Duration"
import * as Option from "effect/Option"
import { names, problemOf } from "./AccessLog/Format.ts"

/** How the value of an option is written and read. `Input` is what programs give, `Value` what the server uses. */
export interface Kind<Value, Input> {
  /** What is allowed, as it completes "expected …". */
  readonly expected: string
  /** The unit or the like, for `--help` and the documentation. */
  readonly placeholder: string
  readonly accept: (input: Input) => Value | undefined
  readonly fromText: (text: string) => Input | undefined
  readonly toText: (value: Value) => string
  /** For an option that may be given several times: reads all the texts of its flags. */
  readonly fromTexts?: (texts: ReadonlyArray<string>) => Input | undefined
  /** What in particular is wrong with an input that is not accepted, when there is more to say than `expected`. */
  readonly explain?: (input: Input) => string | undefined
}

const isInteger = Number.isSafeInteger

export const integer = (minimum: number, maximum: number, unit: string): Kind<number, number> => ({
  expected:
    maximum === Number.MAX_SAFE_INTEGER
      ? `a whole number of at least ${minimum}`
      : `a whole number from ${minimum} to ${maximum}`,
  placeholder: unit,
  accept: (input) => (isInteger(input) && input >= minimum && input <= maximum ? input : undefined),
  fromText: (text) => (/^\d+$/.test(text) ? Number(text) : undefined),
  toText: String
})

export const count = (minimum: number): Kind<number, number> => integer(minimum, Number.MAX_SAFE_INTEGER, "N")
export const bytes = (minimum: number, maximum: number = Number.MAX_SAFE_INTEGER): Kind<number, number> =>
  integer(minimum, maximum, "BYTES")

export const seconds: Kind<Duration.Duration, Duration.Input> = {
  expected: "seconds, at least 0, such as 2.5 (in programs a duration)",
  placeholder: "SECONDS",
  accept: (input) =>
    Option.getOrUndefined(
      Option.filter(
        // Not a number would become a duration of 0, which means no limit.
        Number.isNaN(input) ? Option.none() : Duration.fromInput(input),
        (duration) => Duration.isFinite(duration) && !Duration.isNegative(duration)
      )
    ),
  fromText: (text) => (/^\d+(\.\d+)?$/.test(text) ? Duration.seconds(Number(text)) : undefined),
  toText: (duration) => String(Duration.toSeconds(duration))
}

export const text = (placeholder: string): Kind<string, string> => ({
  expected: "a text that is not empty",
  placeholder,
  accept: (input) => (typeof input === "string" && input !== "" && !input.includes("\0") ? input : undefined),
  fromText: (text) => text,
  toText: String
})

export const toggle: Kind<boolean, boolean> = {
  expected: "true or false",
  placeholder: "BOOLEAN",
  accept: (input) => (typeof input === "boolean" ? input : undefined),
  fromText: (text) => (text === "true" || text === "1" ? true : text === "false" || text === "0" ? false : undefined),
  toText: String
}

export const choice = <const Value extends string>(...values: ReadonlyArray<Value>): Kind<Value, Value> => ({
  expected: `one of ${values.join(", ")}`,
  placeholder: values.join("|"),
  accept: (input) => values.find((value) => value === input),
  fromText: (text) => values.find((value) => value === text),
  toText: String
})

/** The format of an access log. */
export const logFormat: Kind<string, string> = {
  expected: `one of ${names.join(", ")}, or a text with atoms such as %h and %{Referer}i`,
  placeholder: [...names, "FORMAT"].join("|"),
  accept: (input) => (typeof input === "string" && problemOf(input) === undefined ? input : undefined),
  fromText: (text) => text,
  toText: String,
  explain: (input) => (typeof input === "string" ? problemOf(input) : undefined)
}

/** Permissions of a file, written in octal as for chmod. */
export const permissions: Kind<number, number> = {
  expected: "permissions from 0 to 0777 (in octal; in programs a number such as 0o660)",
  placeholder: "MODE",
  accept: (input) => (isInteger(input) && input >= 0 && input <= 0o777 ? input : undefined),
  fromText: (text) => (/^0?[0-7]{1,3}$/.test(text) ? Number.parseInt(text, 8) : undefined),
  toText: (mode) => `0${mode.toString(8)}`
}

/** Something without a default. */
export const optional = <Value, Input>(kind: Kind<Value, Input>): Kind<Value | undefined, Input> => ({
  ...kind,
  toText: (value) => (value === undefined ? "" : kind.toText(value))
})

/**
 * At least `minimum` of something: an array in programs, a flag that is given several times, and in an environment
 * variable texts with commas between them.
 */
export const list = <Value, Input>(
  item: Kind<Value, Input>,
  minimum = 0
): Kind<ReadonlyArray<Value>, ReadonlyArray<Input>> => {
  const fromTexts = (texts: ReadonlyArray<string>): ReadonlyArray<Input> | undefined => allOf(texts, item.fromText)
  return {
    expected: `a list of ${item.expected}`,
    placeholder: item.placeholder,
    accept: (input) =>
      Array.isArray(input) && input.length >= minimum ? allOf<Input, Value>(input, item.accept) : undefined,
    fromText: (text) => fromTexts(text.split(",").map((part) => part.trim())),
    fromTexts,
    toText: (values) => values.map(item.toText).join(",")
  }
}

const allOf = <From, To>(from: ReadonlyArray<From>, read: (one: From) => To | undefined) => {
  const values: Array<To> = []
  for (const one of from) {
    const value = read(one)
    if (value === undefined) return undefined
    values.push(value)
  }
  return values
}
