/** What there is to see of an error: its message, the code around it, and the calls that led there. */
import * as Cause from "effect/Cause"
import { basename, extname } from "node:path"
import type { ReloadProblem } from "../process/ReloadState.ts"
import { isScript, SourceMaps, textOf } from "./SourceMaps.ts"
import * as StackFrames from "./StackFrames.ts"

/** A line of a file. */
export interface SourceLine {
  readonly number: number
  readonly text: string
}

/** One of the errors that a report is about. */
export interface ReportedError {
  /** Empty where only the message is known. */
  readonly name: string
  readonly message: string
  /** As it is shown; absent where no file of the program is known to be the place. */
  readonly place?: { readonly file: string; readonly line: number; readonly column: number | undefined } | undefined
  /** The line of the place and those around it; empty where the file cannot be read. */
  readonly source: ReadonlyArray<SourceLine>
  /** Where it was thrown first. */
  readonly frames: ReadonlyArray<StackFrames.Frame>
}

/** What the server tells of an error to who develops the application: the error, and what it came from. */
export type ErrorReport = readonly [ReportedError, ...ReadonlyArray<ReportedError>]

/** How many lines are shown before and behind the one of the error. */
const linesAround = 6

/** Characters of a line, and of a message, that are shown at most. */
const longestLine = 400
const longestMessage = 4000

/** Bytes of a file beyond which it is not shown. */
const largestSource = 4 * 2 ** 20

/** How many errors are shown of those that one came from. */
const mostCauses = 5

const cut = (text: string, length: number): string => (text.length > length ? `${text.slice(0, length)}…` : text)

/** The lines of a file around one of them. */
export const linesOf = (text: string, line: number): ReadonlyArray<SourceLine> => {
  const lines = text.split(/\r\n|[\n\r\u2028\u2029]/)
  if (line < 1 || line > lines.length) return []
  const first = Math.max(1, line - linesAround)
  return lines
    .slice(first - 1, line + linesAround)
    .map((content, index) => ({ number: first + index, text: cut(content, longestLine) }))
}

/** Reads the code around a place. */
const sourceAt = ({ file, line }: StackFrames.Place, content?: string): ReadonlyArray<SourceLine> => {
  if (!isScript(file)) return []
  const text = textOf(file, largestSource) ?? content
  return text === undefined ? [] : linesOf(text, line)
}

/** With the text of the file, where only the source map has it. */
type MappedFrame = StackFrames.Frame & { readonly content?: string }

/** A frame where a person has written it. */
const mapped = (maps: SourceMaps, frame: StackFrames.Frame): MappedFrame => {
  const original = frame.isOwn && frame.place !== undefined ? maps.original(frame.place) : undefined
  if (original === undefined) return frame
  const own = StackFrames.at(frame.call, original.place)
  return original.content === undefined ? own : { ...own, content: original.content }
}

/** The text of a file is no part of a report. */
const withoutContent = ({ call, column, file, isOwn, line, place }: MappedFrame): StackFrames.Frame => ({
  call,
  file,
  line,
  column,
  isOwn,
  place
})

/** Something of an error that a program may have replaced by anything. */
const textIn = (error: Error, key: "name" | "message" | "stack"): string => {
  try {
    const value: unknown = error[key]
    return typeof value === "string" ? value : ""
  } catch {
    return ""
  }
}

/** What of a stack is behind the message, which could itself have lines like calls. */
const callsOf = (stack: string, message: string): string => {
  const start = message === "" ? -1 : stack.indexOf(message)
  return start === -1 ? stack : stack.slice(start + message.length)
}

const describe = (error: Error, maps: SourceMaps): ReportedError => {
  const message = textIn(error, "message")
  const stack = textIn(error, "stack")
  const frames = StackFrames.parse(callsOf(stack, message)).map((frame) => mapped(maps, frame))
  const syntax = error instanceof SyntaxError ? StackFrames.syntaxPlace(stack) : undefined
  const found: MappedFrame | undefined =
    syntax === undefined ? frames.find(({ isOwn }) => isOwn) : StackFrames.at("", syntax)
  const place = found && { file: found.file, line: found.line, column: found.column }
  return {
    name: textIn(error, "name") || "Error",
    message: cut(message === "" ? "an error without a message" : message, longestMessage),
    place,
    source: found?.place === undefined ? [] : sourceAt(found.place, found.content),
    frames: frames.map(withoutContent)
  }
}

const causesOf = (error: Error): ReadonlyArray<Error> => {
  const causes: Array<Error> = []
  for (let cause: unknown = error.cause; cause instanceof Error && causes.length < mostCauses; cause = cause.cause) {
    if (causes.includes(cause)) break
    causes.push(cause)
  }
  return causes
}

/** An error as it is shown, behind it what caused it. */
export const ofError = (error: Error): ErrorReport => {
  const maps = new SourceMaps()
  return [describe(error, maps), ...causesOf(error).map((cause) => describe(cause, maps))]
}

/** What an application has failed with. */
export const ofCause = (cause: Cause.Cause<unknown>): ErrorReport => {
  const thrown = Cause.squash(cause)
  // An error as it is says more than Effect's copy of it; something else becomes an error there.
  const [shown] = thrown instanceof Error ? [thrown] : Cause.prettyErrors(cause)
  return ofError(shown ?? new Error("the application failed"))
}

/** The line of a module that names what it imports and what is not there. */
const importPlace = (message: string): StackFrames.Place | undefined => {
  const [, wanted = "", file = ""] =
    /^[^]*Cannot find (?:module|package) '([^']+)' imported from (\/.+)$/.exec(message) ?? []
  const text = isScript(file) ? textOf(file, largestSource) : undefined
  const name = basename(wanted, extname(wanted))
  if (text === undefined || name === "") return undefined
  const lines = text.split("\n")
  const index = lines.findIndex((line) => /\b(?:from|import|require)\b/.test(line) && line.includes(name))
  return index === -1 ? undefined : { file, line: index + 1, column: (lines[index] ?? "").indexOf(name) + 1 }
}

/** Where the problem is, with the lines around, as far as whoever had it knows; nothing for other files than modules. */
const toldPlace = (
  place: NonNullable<ReloadProblem["place"]>,
  maps: SourceMaps
): Pick<ReportedError, "place" | "source"> => {
  const { around, column, file, firstLine, line } = place
  const found = mapped(maps, StackFrames.at("", { file, line, column: column ?? 1 }))
  const isSame = found.place?.file === file
  return {
    place: { file: found.file, line: found.line, column: isSame ? column : found.column },
    source:
      isSame || found.place === undefined
        ? around.map((text, index) => ({ number: firstLine + index, text: cut(text, longestLine) }))
        : sourceAt(found.place, found.content)
  }
}

/** Why a version of the application does not serve, as the process tells it that has tried. */
export const ofProblem = ({ message, place, stack = "" }: ReloadProblem): ErrorReport => {
  const maps = new SourceMaps()
  const frames = StackFrames.parse(stack).map((frame) => withoutContent(mapped(maps, frame)))
  const imported = place === undefined ? importPlace(message) : undefined
  const told = place && toldPlace(place, maps)
  const found = imported && {
    place: { ...imported, file: StackFrames.shown(imported.file) },
    source: sourceAt(imported)
  }
  return [{ name: "", message: cut(message, longestMessage), source: [], ...(told ?? found), frames }]
}
