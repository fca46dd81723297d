/** The calls that the stack of an error names, and which of them are the program's own. */
import { dirname, relative, sep } from "node:path"
import { fileURLToPath } from "node:url"

/** One place in a file: both numbers count from 1. */
export interface Place {
  /** Absolute. */
  readonly file: string
  readonly line: number
  readonly column: number
}

/** One call of a stack. */
export interface Frame {
  /** The function, as the stack calls it; empty for the module itself, and where there is no name. */
  readonly call: string
  /** Where that is: a path, seen from the current directory where that is shorter, or a module of Node. */
  readonly file: string
  readonly line: number
  readonly column: number
  /** Whether it is the program's, and not that of a package, of Node or of this server. */
  readonly isOwn: boolean
  /** In a file; absent for what is in none. */
  readonly place: Place | undefined
}

/** Longer lines are no calls, and what comes later nobody reads. */
const longestLine = 1000
const mostLines = 200
const mostFrames = 50

/** `at name (place:1:2)`, `at place:1:2`, `at async place:1:2`. */
const withName = /^\s*at (?:async )?(\S.*) \((\S.*):(\d+):(\d+)\)$/
const withoutName = /^\s*at (?:async )?(\S.*):(\d+):(\d+)$/

/** `/path/app.ts:3`, the first line of a stack that a syntax error has. */
const syntaxLine = /^((?:file:\/\/)?\/\S.*):(\d+)$/

/** The server's own files, where it is run from its sources; where it is installed it is a package like others. */
const ownFolder = import.meta.filename.endsWith(".ts") ? dirname(dirname(dirname(dirname(import.meta.dirname)))) : ""

const isOfServer = (file: string): boolean =>
  ownFolder !== "" && file.startsWith(`${ownFolder}${sep}packages${sep}`) && file.includes(`${sep}src${sep}`)

const pathOf = (location: string): string | undefined => {
  try {
    if (location.startsWith("file:")) return fileURLToPath(location.replace(/[?#].*$/, ""))
  } catch {
    return undefined
  }
  return /^(?:\/|[A-Za-z]:[\\/])/.test(location) ? location : undefined
}

/** A path as it is shown. */
export const shown = (file: string): string => {
  const fromHere = relative(process.cwd(), file)
  return fromHere === "" || fromHere.startsWith("..") ? file : fromHere
}

/** The frame of a call at a place. */
export const at = (call: string, place: Place): Frame => ({
  call,
  file: shown(place.file),
  line: place.line,
  column: place.column,
  isOwn: !place.file.includes(`${sep}node_modules${sep}`) && !isOfServer(place.file),
  place
})

const make = (call: string, location: string, line: string, column: string): Frame => {
  const file = pathOf(location)
  const numbers = { line: Number(line), column: Number(column) }
  return file === undefined
    ? { call, file: location, ...numbers, isOwn: false, place: undefined }
    : at(call, { file, ...numbers })
}

const parseLine = (text: string): Frame | undefined => {
  if (text.length > longestLine) return undefined
  const named = withName.exec(text)
  if (named !== null) return make(named[1] ?? "", named[2] ?? "", named[3] ?? "", named[4] ?? "")
  const unnamed = withoutName.exec(text)
  return unnamed === null ? undefined : make("", unnamed[1] ?? "", unnamed[2] ?? "", unnamed[3] ?? "")
}

/** Reads a stack as Node writes it; what is no call is left out. */
export const parse = (stack: string): ReadonlyArray<Frame> => {
  const frames: Array<Frame> = []
  for (const line of stack.split("\n", mostLines)) {
    const frame = parseLine(line)
    if (frame !== undefined) frames.push(frame)
    if (frames.length === mostFrames) break
  }
  return frames
}

/**
 * Where the stack of a syntax error says that the error is: Node writes the place, the line and a mark below it before
 * everything else.
 */
export const syntaxPlace = (stack: string): Place | undefined => {
  const [first = "", , mark = ""] = stack.split("\n", 3)
  if (first.length > longestLine) return undefined
  const [, location = "", line = ""] = syntaxLine.exec(first) ?? []
  const file = pathOf(location)
  const column = /^\s*\^/.exec(mark)?.[0].length ?? 1
  return file === undefined ? undefined : { file, line: Number(line), column }
}
