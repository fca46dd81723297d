/** How the command writes its log: plain lines for a person or a supervisor, nothing that a request could forge. */
import * as Cause from "effect/Cause"
import { format as formatValue } from "effect/Formatter"
import type * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import type { LogLevel } from "effect/LogLevel"
import { CurrentLogAnnotations } from "effect/References"
import { styleText } from "node:util"

const controls = /[\p{Cc}\u2028\u2029]/gu
const names: Readonly<Record<string, string>> = { "\n": "\\n", "\r": "\\r", "\t": "\\t" }

const escapeControl = (character: string): string =>
  names[character] ?? `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`

/** Text on one line: what could end the line or steer a terminal is spelled out. */
export const escape = (text: string): string => text.replace(controls, escapeControl)

/** The lines below a message are set in, so that none of them looks like a message of its own. */
const indent = (text: string): string =>
  text
    .split("\n")
    .map((line) => `\n  ${escape(line)}`)
    .join("")

const toText = (value: unknown): string => (typeof value === "string" ? value : formatValue(value))

/** What lines of a level begin with, in colour where the stream shows it. */
const prefixOf = (level: LogLevel): string => {
  switch (level) {
    case "Fatal":
    case "Error":
      return styleText("red", "error: ", { stream: process.stderr })
    case "Warn":
      return styleText("yellow", "warning: ", { stream: process.stderr })
    case "Debug":
      return styleText("dim", "debug: ", { stream: process.stdout })
    default:
      return ""
  }
}

/**
 * The text of a log message, on one line. A cause follows with its stack: it comes from the application or from a fault
 * of the server, and whoever wrote that needs it.
 */
export const format: Logger.Logger<unknown, string> = Logger.make(({ cause, fiber, logLevel, message }) => {
  const parts = Array.isArray(message) ? message : [message]
  const annotations = Object.entries(fiber.getRef(CurrentLogAnnotations)).map(
    ([name, value]) => `${name}=${toText(value)}`
  )
  const line = escape([...parts.map(toText), ...annotations].join(" "))
  return `${prefixOf(logLevel)}${line}${cause.reasons.length === 0 ? "" : indent(Cause.pretty(cause))}`
})

/** What is special about the log of a process among others. */
export interface Options {
  /** Stands before every line. */
  readonly prefix?: string
  /** Gets the lines too. */
  readonly copyTo?: ((line: string, stream: "stdout" | "stderr") => void) | undefined
}

const isForErrors = (level: LogLevel): boolean => level === "Fatal" || level === "Error" || level === "Warn"

/** Information goes to standard output, warnings and errors to standard error. */
export const layerWith = ({ copyTo, prefix = "" }: Options): Layer.Layer<never> => {
  const lines = Logger.map(format, (text) => `${prefix}${text}`)
  const console = Logger.withLeveledConsole(lines)
  if (copyTo === undefined) return Logger.layer([console])
  const copy = Logger.make<unknown, void>((options) =>
    copyTo(lines.log(options), isForErrors(options.logLevel) ? "stderr" : "stdout")
  )
  return Logger.layer([console, copy])
}

export const layer: Layer.Layer<never> = layerWith({})
