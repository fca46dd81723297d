/** What messages call the values and errors of a program. */
import * as Cause from "effect/Cause"
import { relative } from "node:path"
import { fileURLToPath } from "node:url"
import * as Installation from "../program/Installation.ts"

const oneLine = (text: string): string =>
  text
    .split(/[\r\n]+/)
    .map((line) => line.trim())
    .filter((line) => line !== "")
    .join(" ")

/** By these Effect 3 knows its Effects and Layers. */
const earlierKeys = [Symbol.for("effect/Effect"), Symbol.for("effect/Layer")]

/** Whether a function can only be called by `new`. */
export const isClass = (value: Function): boolean => /^class\b/.test(Function.prototype.toString.call(value))

/** A value that is not what was expected, such as `a number` or `an object with http`. */
export const ofValue = (value: unknown): string => {
  if (value === null || value === undefined) return String(value)
  if (value instanceof Promise) return "a Promise (await it in the module, or export an Effect)"
  if (Array.isArray(value)) return "an array"
  switch (typeof value) {
    case "function":
      return isClass(value) ? "a class" : `a function of ${value.length} parameters`
    case "object": {
      if (earlierKeys.some((key) => key in value)) return "a value of Effect 3 (install effect@4 in its folder)"
      const keys = Object.keys(value)
      if ("http" in value || "lifespan" in value) return "an object of handlers (give it to PagiApp.make)"
      return keys.length === 0 ? "an object" : `an object with ${keys.slice(0, 5).join(", ")}`
    }
    default:
      return `a ${typeof value}`
  }
}

/** An error's message, or that of what has caused it: some have none of their own, such as those of a connection. */
const messageOf = (error: Error, depth = 5): string => {
  if (error.message !== "" || depth === 0) return error.message
  const cause: unknown = error instanceof AggregateError ? error.errors[0] : error.cause
  return cause instanceof Error ? messageOf(cause, depth - 1) : ""
}

/**
 * What was thrown, on one line: its kind unless it is a plain `Error`, its message, and where when that is known.
 *
 * @param findPlace looks for a place when the error itself knows none
 */
export const ofError = (error: unknown, findPlace?: (error: Error) => Place | undefined): string => {
  if (!(error instanceof Error)) return oneLine(typeof error === "string" ? error : `${ofValue(error)} was thrown`)
  const message = oneLine(messageOf(error)) || "an error without a message"
  const place = placeOf(error) ?? findPlace?.(error)
  return `${error.name === "Error" ? "" : `${error.name}: `}${message}${place === undefined ? "" : ` (${fromHere(place)})`}`
}

/** The error or defect that a cause came from, on one line. */
export const ofCause = (cause: Cause.Cause<unknown>): string => ofError(Cause.squash(cause))

/** A place in a file of the program. */
export interface Place {
  /** The absolute path. */
  readonly file: string
  /** From 1 on. */
  readonly line: number
  /** From 1 on. */
  readonly column?: number
}

/**
 * The line of the program itself that an error came from: the first that is neither this package's nor a dependency's. None
 * in a stack that somebody has written by hand.
 */
export const placeOf = (error: Error): Place | undefined => {
  try {
    return firstPlaceIn(error.stack ?? "")
  } catch {
    return undefined
  }
}

/** The same of a text that has the form of a stack. */
export const firstPlaceIn = (stack: string): Place | undefined => {
  const lines = stack.split("\n")
  for (const [index, line] of lines.entries()) {
    const place = line.includes("/node_modules/") ? undefined : placeIn(line)
    if (place !== undefined) return index === 0 ? { ...place, ...columnOf(lines) } : place
  }
  return undefined
}

/** The first line of a syntax error's stack, or one frame of a stack: `/path/app.ts:3` or `at f (file:///path/app.ts:3:9)`. */
const placePattern = /^(?:\s*at (?:.*\()?)?((?:file:\/\/)?\/.+?):(\d+)(?::(\d+))?\)?$/

const placeIn = (line: string): Place | undefined => {
  const [, location, lineNumber, column] = placePattern.exec(line) ?? []
  if (location === undefined) return undefined
  const file = location.startsWith("file:") ? fileURLToPath(location) : location
  if (file.startsWith(Installation.folder)) return undefined
  return { file, line: Number(lineNumber), ...(column === undefined ? {} : { column: Number(column) }) }
}

/** Below the place of a syntax error there are lines of code, with marks below the one that is meant. */
const columnOf = (lines: ReadonlyArray<string>): { readonly column?: number } => {
  const marks = lines.slice(0, 8).find((line) => /^\s*\^+\s*$/.test(line))
  return marks === undefined ? {} : { column: marks.indexOf("^") + 1 }
}

const fromHere = ({ file, line }: Place): string => {
  const path = relative(process.cwd(), file)
  return `${path.startsWith("..") ? file : path}:${line}`
}
