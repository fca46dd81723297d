/** The kinds of values that options have: what is allowed, and how it is written on the command line. */
import * as Duration from "effect/Duration"
import * as Option from "effect/Option"
import * as PathPrefix from "../http/PathPrefix.ts"
import { names, problemOf } from "../observe/accessLog/Format.ts"

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
  /** Whether nobody is to see the value: neither messages nor a status show it. */
  readonly isSecret?: boolean
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

export const count = (minimum: number, maximum: number = Number.MAX_SAFE_INTEGER): Kind<number, number> =>
  integer(minimum, maximum, "N")

/** A number of processes, or as many as the machine gives this one processors for. */
export const processes = (minimum: number): Kind<number | "auto", number | "auto"> => {
  const plain = integer(minimum, 1024, "N|auto")
  return {
    placeholder: plain.placeholder,
    expected: `${plain.expected}, or auto`,
    accept: (input) => (input === "auto" ? input : plain.accept(input)),
    fromText: (text) => (text === "auto" ? text : plain.fromText(text)),
    toText: String
  }
}

/** Bytes for each unit of size; a bare letter would leave open whether it counts in thousands. */
const bytesPerUnit: Readonly<Record<string, number>> = {
  "": 1,
  b: 1,
  kb: 1000,
  mb: 1000 ** 2,
  gb: 1000 ** 3,
  kib: 1024,
  mib: 1024 ** 2,
  gib: 1024 ** 3
}

/** A size in bytes; on the command line it may have a unit. */
export const bytes = (minimum: number, maximum: number = Number.MAX_SAFE_INTEGER): Kind<number, number> => {
  const plain = integer(minimum, maximum, "BYTES")
  return {
    ...plain,
    expected: `${plain.expected} (on the command line also with a unit, such as 64KiB or 10MB)`,
    fromText: (text) => fromUnits(text, bytesPerUnit)
  }
}

/** Reads a number and a unit, in any case: how many of the smallest units they are. */
const fromUnits = (text: string, units: Readonly<Record<string, number>>): number | undefined => {
  const [, digits = "", unit = ""] = /^(\d+(?:\.\d+)?)([a-z]*)$/i.exec(text) ?? []
  const factor = Object.hasOwn(units, unit.toLowerCase()) ? units[unit.toLowerCase()] : undefined
  if (digits === "" || factor === undefined) return undefined
  const product = Number(digits) * factor
  const whole = Math.round(product)
  // What is a whole number on paper is one here too, as 1.1 times a million is not in binary.
  return Math.abs(product - whole) < 1e-6 ? whole : product
}

/** Milliseconds for each unit of time. */
const millisPerUnit: Readonly<Record<string, number>> = { "": 1000, ms: 1, s: 1000, m: 60_000, h: 3_600_000 }

/** The most milliseconds that a timer of the runtime holds. One for more would fire at once. */
export const longestTimer = 2 ** 31 - 1

const units = new Set(["weeks", "days", "hours", "minutes", "seconds", "milliseconds", "microseconds", "nanoseconds"])

/** Whether it is an object with something else than units; Effect would pass over that, and 0 would mean no limit. */
const isMisspelt = (input: Duration.Input): boolean =>
  typeof input === "object" &&
  input !== null &&
  !Duration.isDuration(input) &&
  !Array.isArray(input) &&
  Object.keys(input).some((key) => !units.has(key))

/** A duration; on the command line it is in seconds unless it has another unit. */
export const seconds: Kind<Duration.Duration, Duration.Input> = {
  expected: "seconds from 0 to 2147483, such as 2.5, or 500ms, 5s, 2m, 1h (in programs a duration)",
  placeholder: "SECONDS",
  accept: (input) =>
    Option.getOrUndefined(
      Option.filter(
        // Not a number would become a duration of 0, which means no limit.
        Number.isNaN(input) || isMisspelt(input) ? Option.none() : Duration.fromInput(input),
        (duration) => !Duration.isNegative(duration) && Duration.toMillis(duration) <= longestTimer
      )
    ),
  fromText: (text) => {
    const millis = fromUnits(text, millisPerUnit)
    return millis === undefined ? undefined : Duration.millis(millis)
  },
  toText: (duration) => String(Duration.toSeconds(duration))
}

export const text = (placeholder: string): Kind<string, string> => ({
  expected: "a text that is not empty",
  placeholder,
  accept: (input) => (typeof input === "string" && input !== "" && !input.includes("\0") ? input : undefined),
  fromText: (text) => text,
  toText: String
})

/** The path of a request, as applications see it. */
export const requestPath: Kind<string, string> = {
  expected: "a path that begins with / and has no query, such as /health",
  placeholder: "/PATH",
  accept: (input) => (typeof input === "string" && /^\/[^?#\0]*$/.test(input) ? input : undefined),
  fromText: (text) => text,
  toText: String
}

/** The prefix of a path, without a slash at its end. */
export const prefix: Kind<string, string> = {
  expected: "a path such as /shop, of letters, digits and other characters that need no percent-encoding, or nothing",
  placeholder: "/PATH",
  accept: (input) => (typeof input === "string" ? PathPrefix.read(input) : undefined),
  fromText: (text) => text,
  toText: String
}

/** Something that only those know who may do what it is for; it is sent in a field of requests. */
export const token: Kind<string, string> = {
  expected: "at least 16 visible characters of ASCII",
  placeholder: "TOKEN",
  accept: (input) => (typeof input === "string" && /^[!-~]{16,}$/.test(input) ? input : undefined),
  fromText: (text) => text,
  toText: String,
  isSecret: true
}

/** How flags may be switched on and off by a text, and so everything else. */
const switches: ReadonlyMap<string, boolean> = new Map([
  ...["true", "1", "y", "yes", "on"].map((text) => [text, true] as const),
  ...["false", "0", "n", "no", "off"].map((text) => [text, false] as const)
])

export const toggle: Kind<boolean, boolean> = {
  expected: "true or false",
  placeholder: "BOOLEAN",
  accept: (input) => (typeof input === "boolean" ? input : undefined),
  fromText: (text) => switches.get(text),
  toText: String
}

export const choice = <const Value extends string>(...values: ReadonlyArray<Value>): Kind<Value, Value> => ({
  expected: `one of ${values.join(", ")}`,
  placeholder: values.join("|"),
  accept: (input) => values.find((value) => value === input),
  fromText: (text) => values.find((value) => value === text),
  toText: String
})

/** Where telemetry is sent: `on` leaves it to the environment where to, `off` sends none. */
export const collector: Kind<string, string> = {
  expected: "on, off, or a URL of http or https, without user, query and fragment, such as http://localhost:4318",
  placeholder: "URL|on|off",
  accept: (input) => {
    if (input === "on" || input === "off") return input
    const url = typeof input === "string" ? URL.parse(input) : null
    const isAccepted =
      url !== null && /^https?:$/.test(url.protocol) && `${url.username}${url.password}${url.search}${url.hash}` === ""
    return isAccepted ? url.href : undefined
  },
  fromText: (text) => (text === "true" || text === "1" ? "on" : text === "false" || text === "0" ? "off" : text),
  toText: String
}

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
    toText: (values) => values.map(item.toText).join(","),
    explain: (input) => {
      const { explain } = item
      if (explain === undefined || !Array.isArray(input)) return undefined
      const refused = input.find((one: Input) => item.accept(one) === undefined)
      return refused === undefined ? undefined : explain(refused)
    }
  }
}

/** The same, with commas between them on the command line, too, or by several flags. */
export const commaList = <Value, Input>(
  item: Kind<Value, Input>,
  minimum = 0
): Kind<ReadonlyArray<Value>, ReadonlyArray<Input>> => {
  const plain = list(item, minimum)
  return { ...plain, fromTexts: (texts) => plain.fromText(texts.join(",")) }
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
