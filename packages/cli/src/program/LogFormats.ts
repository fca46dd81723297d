/** The formats of the command's log: what a message becomes, such that no request could forge a line of it. */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import { format as formatValue, formatJson } from "effect/Formatter"
import * as Logger from "effect/Logger"
import type { LogLevel } from "effect/LogLevel"
import { CurrentLogAnnotations, CurrentLogSpans } from "effect/References"
import { ParentSpan } from "effect/Tracer"
import { styleText } from "node:util"

/** The process whose messages they are. */
export interface LogSource {
  readonly pid: number
  /** Which worker it is, if it is one. */
  readonly worker: number | undefined
}

/** Where a line is written to, as far as its colours depend on it. */
export type LogStream = NodeJS.WriteStream

/** Writes a message, without the end of its last line. */
export type WriteMessage = (options: Logger.Options<unknown>, source: LogSource, stream: LogStream) => string

/** What ends lines, steers terminals, or changes the direction of what is read. */
const controls = /[\p{Cc}\p{Bidi_Control}\u2028\u2029]/gu
const names: Readonly<Record<string, string>> = { "\n": "\\n", "\r": "\\r", "\t": "\\t" }

const unicodeEscape = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`

const escapeControl = (character: string): string => names[character] ?? unicodeEscape(character)

/** Text on one line: what could end the line or steer a terminal is spelled out. */
export const escape = (text: string): string => text.replace(controls, escapeControl)

/** The lines below a message are set in, so that none of them looks like a message of its own. */
const indent = (text: string): string =>
  text
    .split("\n")
    .map((line) => `\n  ${escape(line)}`)
    .join("")

const toText = (value: unknown): string => (typeof value === "string" ? value : formatValue(value))

const messageOf = (message: unknown): string => (Array.isArray(message) ? message : [message]).map(toText).join(" ")

/** A cause comes from the application or from a fault of the server, and whoever wrote that needs its stack. */
const below = (cause: Cause.Cause<unknown>): string => (cause.reasons.length === 0 ? "" : indent(Cause.pretty(cause)))

/** What lines of a level begin with, in colour where the stream shows it. */
const prefixOf = (level: LogLevel, stream: LogStream): string => {
  switch (level) {
    case "Fatal":
    case "Error":
      return styleText("red", "error: ", { stream })
    case "Warn":
      return styleText("yellow", "warning: ", { stream })
    case "Debug":
      return styleText("dim", "debug: ", { stream })
    default:
      return ""
  }
}

/** What would make a value several words or another field, or be taken for what escapes it. */
const special = /[\s"=\\\p{Cc}\p{Bidi_Control}]/u
const specials = new RegExp(special, "gu")

/** A value of which nothing can be taken for another annotation: in quotes, as JSON, unless it is one plain word. */
const quoted = (value: unknown): string => {
  const text = toText(value)
  return text === "" || special.test(text) ? escape(JSON.stringify(text)) : text
}

/** The name of an annotation as one word, as Effect's formats have it. */
const label = (name: string): string => (name === "" ? "_" : name.replace(specials, "_"))

/** The message and no more than is needed to understand it, for whoever adds the time and the rest: a service manager. */
export const plain: WriteMessage = ({ cause, fiber, logLevel, message }, { worker }, stream) => {
  const annotations = Object.entries(fiber.getRef(CurrentLogAnnotations)).map(
    ([name, value]) => `${label(name)}=${quoted(value)}`
  )
  const line = [escape(messageOf(message)), ...annotations].join(" ")
  const who = worker === undefined ? "" : `worker ${worker}: `
  return `${who}${prefixOf(logLevel, stream)}${line}${below(cause)}`
}

/** Where a message comes from in the program: its trace and its span, if there is one. */
const placeOf = ({ fiber }: Logger.Options<unknown>): { readonly traceId?: string; readonly spanId?: string } => {
  const span = Context.getOrUndefined(fiber.context, ParentSpan)
  return span === undefined ? {} : { traceId: span.traceId, spanId: span.spanId }
}

/** What a message says besides; the server's own messages name a span that is not that of their fiber. */
const detailsOf = (options: Logger.Options<unknown>): Readonly<Record<string, unknown>> => ({
  ...placeOf(options),
  ...options.fiber.getRef(CurrentLogAnnotations)
})

const two = (value: number): string => String(value).padStart(2, "0")

const timeOfDay = (date: Date): string =>
  `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}.${String(date.getMilliseconds()).padStart(3, "0")}`

/** What a person reads in a terminal: the time of day, the level, who it is, the message, and what it says besides. */
export const pretty: WriteMessage = (options, { pid, worker }, stream) => {
  const { cause, date, logLevel, message } = options
  const level = styleText(colourOf(logLevel), logLevel.toUpperCase().padEnd(5), { stream })
  const who = worker === undefined ? `[${pid}]` : `[${pid} worker ${worker}]`
  const details = Object.entries(detailsOf(options))
    .filter(([name, value]) => name !== "worker" || value !== worker)
    .map(([name, value]) => ` ${styleText("dim", `${label(name)}=`, { stream })}${quoted(value)}`)
  const head = `${styleText("dim", timeOfDay(date), { stream })} ${level} ${styleText("dim", who, { stream })}`
  return `${head} ${escape(messageOf(message))}${details.join("")}${below(cause)}`
}

const colourOf = (level: LogLevel): "red" | "yellow" | "green" | "dim" => {
  switch (level) {
    case "Fatal":
    case "Error":
      return "red"
    case "Warn":
      return "yellow"
    case "Info":
      return "green"
    default:
      return "dim"
  }
}

/** Effect's logfmt, and the process, the worker and the span behind it. */
export const logfmt: WriteMessage = (options, source) => {
  const annotations = options.fiber.getRef(CurrentLogAnnotations)
  const others = Object.entries({ ...source, ...placeOf(options) })
    .filter(([name, value]) => value !== undefined && !(name in annotations))
    .map(([name, value]) => ` ${name}=${value}`)
  return escape(`${Logger.formatLogFmt.log(options)}${others.join("")}`)
}

/** What else than annotations is on the first level of the `json` format, if a message has it. */
const ofFirstLevel: ReadonlySet<string> = new Set(["requestId", "traceId", "spanId", "worker"])

interface Parts {
  readonly annotations: Readonly<Record<string, unknown>>
  readonly spans: Readonly<Record<string, number>>
  readonly cause: string | undefined
}

const isSimple = (value: unknown): boolean =>
  typeof value === "string" || typeof value === "number" || typeof value === "boolean"

/** As Effect's Logger has them, without its work where there is nothing to be done. */
const partsOf = (options: Logger.Options<unknown>): Parts => {
  const { cause, fiber } = options
  const annotations = fiber.getRef(CurrentLogAnnotations)
  const isBare = cause.reasons.length === 0 && fiber.getRef(CurrentLogSpans).length === 0
  return isBare && Object.values(annotations).every(isSimple)
    ? { annotations, spans: {}, cause: undefined }
    : Logger.formatStructured.log(options)
}

/**
 * One object for each message. `time`, `level`, `message` and `pid` are always there; `worker`, `requestId`, `traceId`,
 * `spanId`, `annotations`, `spans` (milliseconds) and `cause` where the message has them.
 */
export const json: WriteMessage = (options, source) => {
  let line: string
  try {
    line = jsonOf(options, source, partsOf(options))
  } catch {
    // A value throws when it is read, and no request is to fail because of what is logged about it.
    line = jsonOf(options, source, textsOf(options))
  }
  // JSON itself escapes fewer of them.
  return line.replace(controls, unicodeEscape)
}

/** The annotations as text, which can be had of every value. */
const textsOf = ({ cause, fiber }: Logger.Options<unknown>): Parts => ({
  annotations: Object.fromEntries(
    Object.entries(fiber.getRef(CurrentLogAnnotations)).map(([name, value]) => [name, toText(value)])
  ),
  spans: {},
  cause: cause.reasons.length === 0 ? undefined : Cause.pretty(cause)
})

const jsonOf = (options: Logger.Options<unknown>, source: LogSource, parts: Parts): string => {
  const { pid, worker } = source
  const { annotations, cause, spans } = parts
  const {
    requestId,
    spanId,
    traceId,
    worker: ofMessage
  } = { ...placeOf(options), ...annotations } as {
    readonly [Name in string]?: unknown
  }
  const others = Object.entries(annotations).filter(([name]) => !ofFirstLevel.has(name))
  return formatJson({
    time: options.date.toISOString(),
    level: options.logLevel.toLowerCase(),
    message: messageOf(options.message),
    pid,
    worker: worker ?? ofMessage,
    requestId,
    traceId,
    spanId,
    annotations: others.length === 0 ? undefined : Object.fromEntries(others),
    spans: Object.keys(spans).length === 0 ? undefined : spans,
    cause
  })
}
