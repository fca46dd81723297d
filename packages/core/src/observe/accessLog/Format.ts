/** The formats of access logs: presets, and texts with atoms, which are compiled once to a function. */
import { isToken } from "../../http/FieldSyntax.ts"
import { atomOf, makeAtoms, type Piece, writeMethodAndTarget } from "./Atoms.ts"
import { makeJson } from "./Json.ts"

/** The presets that are short for a text with atoms. */
export const presets: ReadonlyMap<string, string> = new Map([
  ["clf", '%h - - [%t] "%m %U%q" %s %ds'],
  ["combined", '%h - - [%t] "%r" %s %b "%{Referer}i" "%{User-Agent}i"'],
  ["common", '%h - - [%t] "%r" %s %b'],
  ["tiny", "%m %U%q %s %{ms}Tms"]
])

/** All names that a format can have. */
export const names: ReadonlyArray<string> = [...presets.keys(), "json"]

/** What compiling a format comes to. */
export interface CompiledFormat {
  /** The line of a record, in ASCII and with its line feed. */
  readonly write: Piece
  /** Whether lines tell of the response's header fields. */
  readonly usesResponseHeaders: boolean
  /** Whether lines tell when the response began. */
  readonly usesFirstByte: boolean
}

/** A format's own texts, and the pieces between them: one less. */
interface Parts {
  readonly texts: Array<string>
  readonly pieces: Array<Piece>
  usesResponseHeaders: boolean
}

/** The usual beginning of a request line, which is written at once; or `%{argument}letter`; or "%" and what follows it. */
const atom = /%m %U%q|%\{([^}]*)\}(.?)|%(>?.?)/g

/** Anything in a format's own text that would not stay on its line, or not be ASCII. */
const unprintable = /[^\t\x20-\x7e]/

/** Splits a format into its parts; a text that is answered says what is wrong with the format. */
const parse = (format: string, processId: number): Parts | string => {
  if (unprintable.test(format)) return "it may have printable ASCII characters and tabs only"
  const atoms = makeAtoms()
  const parts: Parts = { texts: [""], pieces: [], usesResponseHeaders: false }
  let end = 0
  for (const match of format.matchAll(atom)) {
    addText(parts, format.slice(end, match.index))
    end = match.index + match[0].length
    const problem = addAtom(parts, match, atoms, processId)
    if (problem !== undefined) return problem
  }
  if (end === 0) return "it is not the name of a format, and has no atom"
  addText(parts, `${format.slice(end)}\n`)
  return parts
}

const addText = ({ texts }: Parts, text: string): void => {
  texts.push(`${texts.pop() ?? ""}${text}`)
}

const addPiece = ({ pieces, texts }: Parts, piece: Piece): undefined => {
  pieces.push(piece)
  texts.push("")
}

const addAtom = (
  parts: Parts,
  [text, argument, letter = "", simple]: RegExpExecArray,
  atoms: ReadonlyMap<string, Piece>,
  processId: number
): string | undefined => {
  if (argument !== undefined) return addAtomWithArgument(parts, text, argument, letter)
  switch (simple) {
    case undefined:
      return addPiece(parts, writeMethodAndTarget)
    case "%":
      addText(parts, "%")
      return undefined
    case "P":
      addText(parts, String(processId))
      return undefined
    case "":
      return "it ends with a single %; a percent sign is written %%"
    case "{":
      return "a %{ has no } behind it"
  }
  const piece = atoms.get(simple)
  return piece === undefined ? `${text} is not an atom` : addPiece(parts, piece)
}

const addAtomWithArgument = (parts: Parts, text: string, argument: string, letter: string): string | undefined => {
  const piece = atomOf(argument, letter)
  if (piece === undefined) return `${text} is not an atom`
  if (letter !== "T" && !isToken(argument)) return `${text} does not name a header field`
  if (letter === "o") parts.usesResponseHeaders = true
  return addPiece(parts, piece)
}

/** What is wrong with a format, or `undefined` when it is fine. */
export const problemOf = (format: string): string | undefined => {
  if (format === "json") return undefined
  const parts = parse(presets.get(format) ?? format, 0)
  return typeof parts === "string" ? parts : undefined
}

/**
 * Makes the function that writes the lines of a format; throws on one that `problemOf` objects to. `processId` is what
 * %P writes.
 */
export const compile = (format: string, processId: number): CompiledFormat => {
  if (format === "json") return { write: makeJson(), usesResponseHeaders: false, usesFirstByte: true }
  const parts = parse(presets.get(format) ?? format, processId)
  if (typeof parts === "string") throw new TypeError(`${format} is not an access log format: ${parts}`)
  return { write: writer(parts), usesResponseHeaders: parts.usesResponseHeaders, usesFirstByte: false }
}

const writer = ({ pieces, texts }: Parts): Piece => {
  const [first = "", ...others] = texts
  const steps = pieces.map((write, index) => ({ write, text: others[index] ?? "" }))
  return (record) => {
    let line = first
    for (const step of steps) line += step.write(record) + step.text
    return line
  }
}
