/**
 * What can be set about a server. One table says for each option what it is for, its default and what is allowed;
 * programs, command-line flags, environment variables and the documentation are all read off it.
 */
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Formatter from "effect/Formatter"
import * as Layer from "effect/Layer"
import type { LogLevel } from "effect/LogLevel"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import type { Extensions } from "./Scope.ts"

/** An option has a value that is not allowed, or is not an option at all. */
export class InvalidOption extends Schema.TaggedError<InvalidOption>()("InvalidOption", {
  option: Schema.String,
  value: Schema.String,
  expected: Schema.String
}) {
  override get message(): string {
    return `option ${this.option}: ${this.value} is not allowed; expected ${this.expected}`
  }
}

/** How the value of an option is written and read. `Input` is what programs give, `Value` what the server uses. */
interface Kind<Value, Input> {
  /** What is allowed, as it completes "expected …". */
  readonly expected: string
  /** The unit or the like, for `--help` and the documentation. */
  readonly placeholder: string
  readonly accept: (input: Input) => Value | undefined
  readonly fromText: (text: string) => Input | undefined
  readonly toText: (value: Value) => string
}

/** One row of the table. */
export interface Definition<Value, Input = Value> {
  readonly description: string
  readonly defaultValue: Value
  /** A one-letter flag. */
  readonly alias?: string
  readonly kind: Kind<Value, Input>
}

const isInteger = Number.isSafeInteger

const integer = (minimum: number, maximum: number, unit: string): Kind<number, number> => ({
  expected:
    maximum === Number.MAX_SAFE_INTEGER
      ? `a whole number of at least ${minimum}`
      : `a whole number from ${minimum} to ${maximum}`,
  placeholder: unit,
  accept: (input) => (isInteger(input) && input >= minimum && input <= maximum ? input : undefined),
  fromText: (text) => (/^\d+$/.test(text) ? Number(text) : undefined),
  toText: String
})

const count = (minimum: number): Kind<number, number> => integer(minimum, Number.MAX_SAFE_INTEGER, "N")
const bytes = (minimum: number): Kind<number, number> => integer(minimum, Number.MAX_SAFE_INTEGER, "BYTES")

const seconds: Kind<Duration.Duration, Duration.Input> = {
  expected: "a duration of at least 0 seconds",
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

const text = (placeholder: string): Kind<string, string> => ({
  expected: "a text that is not empty",
  placeholder,
  accept: (input) => (typeof input === "string" && input !== "" && !input.includes("\0") ? input : undefined),
  fromText: (text) => text,
  toText: String
})

const toggle: Kind<boolean, boolean> = {
  expected: "true or false",
  placeholder: "BOOLEAN",
  accept: (input) => (typeof input === "boolean" ? input : undefined),
  fromText: (text) => (text === "true" || text === "1" ? true : text === "false" || text === "0" ? false : undefined),
  toText: String
}

const choice = <const Value extends string>(...values: ReadonlyArray<Value>): Kind<Value, Value> => ({
  expected: `one of ${values.join(", ")}`,
  placeholder: values.join("|"),
  accept: (input) => values.find((value) => value === input),
  fromText: (text) => values.find((value) => value === text),
  toText: String
})

const define = <Value, Input>(
  kind: Kind<Value, Input>,
  defaultValue: Value,
  description: string,
  alias?: string
): Definition<Value, Input> => ({ kind, defaultValue, description, ...(alias === undefined ? {} : { alias }) })

/** Every option with a flag and an environment variable. Sizes are in bytes; a limit or duration of 0 means none. */
export const table = {
  host: define(text("HOST"), "127.0.0.1", "Address or name to listen on", "o"),
  port: define(integer(0, 65535, "PORT"), 5000, "Port to listen on; 0 picks a free one", "p"),
  listenerBacklog: define(count(1), 2048, "Connections that the system queues before they are accepted", "b"),
  maxConnections: define(count(1), 1000, "Connections at the same time; further ones are answered with 503"),
  accessLog: define(text("FILE|stderr|off"), "stderr", "Where finished requests are logged: a file, stderr or off"),
  logLevel: define(choice("debug", "info", "warn", "error"), "info", "Least severe message that the server logs"),
  quiet: define(toggle, false, "Logs warnings and errors only, and no access log unless one is named", "q"),
  lifespan: define(
    choice("auto", "on", "off"),
    "auto",
    "Whether the application must (on), may (auto) or does not (off) handle lifespan events"
  ),
  lifespanStartupTimeout: define(seconds, Duration.seconds(30), "How long the application may take to start"),
  maxHeaderSize: define(bytes(64), 8192, "Size of a request line, and of a header or trailer section"),
  maxHeaderCount: define(count(1), 100, "Fields in a header or trailer section"),
  maxBodySize: define(bytes(0), 10_000_000, "Size of a request body"),
  timeout: define(seconds, Duration.seconds(60), "How long a connection may be idle between requests"),
  headersTimeout: define(seconds, Duration.seconds(30), "How long a request head may take to arrive"),
  requestTimeout: define(seconds, Duration.zero, "How long a request may go on without a byte in either direction"),
  writeTimeout: define(seconds, Duration.seconds(60), "How long a peer may leave sent data unread"),
  writeHighWatermark: define(bytes(1), 65_536, "Unsent bytes above which an application's sends are suspended"),
  writeLowWatermark: define(bytes(0), 16_384, "Unsent bytes at which they go on"),
  disconnectGrace: define(seconds, Duration.seconds(5), "How long an application may run on after its peer has left"),
  shutdownTimeout: define(
    seconds,
    Duration.seconds(30),
    "How long requests, and then the application, may take to finish when the server stops"
  )
}

type Table = typeof table
type OptionName = keyof Table
type ValueOf<Row> = Row extends Definition<infer Value, infer _> ? Value : never
type InputOf<Row> = Row extends Definition<infer _, infer Input> ? Input : never

/** All options with their values. */
export type Values = { readonly [Name in OptionName]: ValueOf<Table[Name]> } & {
  /** Extensions that scopes advertise; by default `fullflush`, which the server has itself. */
  readonly extensions: Extensions
}

/** What a program sets; the rest keeps its default. Durations are Effect's `Duration.Input`. */
export type Input = { readonly [Name in OptionName]?: InputOf<Table[Name]> } & {
  readonly extensions?: Extensions
}

/** The table's rows without their exact types, for code that treats all options alike. */
export const definitions = Object.entries(table) as unknown as ReadonlyArray<
  readonly [OptionName, Definition<unknown, unknown>]
>

/** `--max-body-size` of `maxBodySize`. */
export const flagName = (name: string): string => name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)

/** `PAGI_MAX_BODY_SIZE` of `maxBodySize`. */
export const environmentName = (name: string): string =>
  `PAGI_${name.replaceAll(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`

const show = (value: unknown): string => (Duration.isDuration(value) ? Duration.format(value) : Formatter.format(value))

/** Reads one option from a flag or an environment variable, which `source` names in the error. */
export const parse = (
  source: string,
  definition: Definition<unknown, unknown>,
  text: string
): Effect.Effect<unknown, InvalidOption> => {
  const input = definition.kind.fromText(text)
  const value = input === undefined ? undefined : definition.kind.accept(input)
  return value === undefined
    ? Effect.fail(new InvalidOption({ option: source, value: show(text), expected: definition.kind.expected }))
    : Effect.succeed(value)
}

const fail = (option: string, value: unknown, expected: string) =>
  Effect.fail(new InvalidOption({ option, value: show(value), expected }))

/** Fills in the defaults and checks every value. */
export const make = (input: Input = {}): Effect.Effect<Values, InvalidOption> =>
  Effect.gen(function* () {
    const given = new Map<string, unknown>(Object.entries(input))
    const { extensions = { fullflush: {} } } = input
    if (!Predicate.isObject(extensions))
      return yield* fail("extensions", extensions, "an object with a property for each extension")
    const values: Record<string, unknown> = { extensions }
    given.delete("extensions")
    for (const [name, definition] of definitions) {
      const set = given.get(name)
      given.delete(name)
      const value = set === undefined ? definition.defaultValue : definition.kind.accept(set)
      if (value === undefined) return yield* fail(name, set, definition.kind.expected)
      values[name] = value
    }
    for (const [name, value] of given) return yield* fail(name, value, "the name of an option")
    // The loop above has put an accepted value under every name of the table.
    const complete = values as Values
    if (complete.writeLowWatermark > complete.writeHighWatermark) {
      return yield* fail("writeLowWatermark", complete.writeLowWatermark, "at most the high watermark")
    }
    return complete.quiet && input.accessLog === undefined ? { ...complete, accessLog: "off" } : complete
  })

const logLevels: Readonly<Record<Values["logLevel"], LogLevel>> = {
  debug: "Debug",
  info: "Info",
  warn: "Warn",
  error: "Error"
}

/** The least severe message that is logged, with what `quiet` means for it. */
export const minimumLogLevel = ({ logLevel, quiet }: Pick<Values, "logLevel" | "quiet">): LogLevel =>
  quiet && logLevel !== "error" ? "Warn" : logLevels[logLevel]

/** The options of a server. */
export class ServerOptions extends Context.Service<ServerOptions, Values>()("@pagi/core/ServerOptions") {}

/** Provides options to a server; fails at once on a value that is not allowed. */
export const layer = (input: Input = {}): Layer.Layer<ServerOptions, InvalidOption> =>
  Layer.effect(ServerOptions, make(input))
