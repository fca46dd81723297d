/** Mutants of the packages' sources, as Stryker makes them, and a sample of them. */
import { readFileSync, readdirSync } from "node:fs"
import { join, relative } from "node:path"
import { Instrumenter } from "@stryker-mutator/instrumenter"
import { root } from "../support/workspace.ts"

export interface Mutant {
  /** The folder below `packages`. */
  readonly package: string
  /** Below the root of the repository. */
  readonly file: string
  /** From 1. */
  readonly line: number
  readonly mutator: string
  readonly original: string
  readonly replacement: string
  /** In characters. */
  readonly start: number
  readonly end: number
}

/** What it makes of strings are other messages for people, or names that the compiler would refuse. */
const excludedMutations = ["StringLiteral"]

const silent = {
  isTraceEnabled: () => false,
  isDebugEnabled: () => false,
  isInfoEnabled: () => false,
  isWarnEnabled: () => false,
  isErrorEnabled: () => false,
  isFatalEnabled: () => false,
  trace: () => {},
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: () => {},
  fatal: () => {}
}

/** The position of each line's first character. */
const lineStarts = (text: string): ReadonlyArray<number> => {
  const starts = [0]
  for (let at = text.indexOf("\n"); at !== -1; at = text.indexOf("\n", at + 1)) starts.push(at + 1)
  return starts
}

/** Of all others the replacement binds as strongly as the original. */
const needsParentheses = (mutator: string, replacement: string): boolean =>
  mutator === "LogicalOperator" || (mutator === "BooleanLiteral" && !/^(?:true|false)$/.test(replacement))

const mutantsOf = async (packageName: string, path: string): Promise<ReadonlyArray<Mutant>> => {
  const content = readFileSync(path, "utf8")
  const options = { ignorers: [], excludedMutations, plugins: null }
  const { mutants } = await new Instrumenter(silent).instrument([{ name: path, content, mutate: true }], options)
  const starts = lineStarts(content)
  const positionOf = ({ column, line }: { readonly column: number; readonly line: number }): number =>
    (starts[line] ?? content.length) + column
  return mutants
    .filter(({ status }) => status !== "Ignored")
    .map(({ location, mutatorName: mutator, replacement = "" }) => {
      const start = positionOf(location.start)
      const end = positionOf(location.end)
      return {
        package: packageName,
        file: relative(root, path),
        line: location.start.line + 1,
        mutator,
        original: content.slice(start, end),
        replacement: needsParentheses(mutator, replacement) ? `(${replacement})` : replacement,
        start,
        end
      }
    })
}

const sourcesOf = (packageName: string): ReadonlyArray<string> => {
  const folder = join(root, "packages", packageName, "src")
  const names = readdirSync(folder, { recursive: true, encoding: "utf8" })
  return names
    .filter((name) => name.endsWith(".ts"))
    .toSorted()
    .map((name) => join(folder, name))
}

/** All mutants of these packages' files whose path contains the text. */
export const allMutants = async (packages: ReadonlyArray<string>, path: string): Promise<ReadonlyArray<Mutant>> => {
  const mutants: Array<Mutant> = []
  for (const name of packages) {
    const files = sourcesOf(name).filter((file) => relative(root, file).includes(path))
    for (const file of files) mutants.push(...(await mutantsOf(name, file)))
  }
  return mutants
}

/** The same numbers from 0 to 1 for the same seed (mulberry32). */
const randomFrom = (seed: number) => {
  let state = seed >>> 0
  return (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** So many of them, chosen by the seed, in the order of the sources. */
export const sampleOf = (mutants: ReadonlyArray<Mutant>, size: number, seed: number): ReadonlyArray<Mutant> => {
  const random = randomFrom(seed)
  return mutants
    .map((mutant, place) => ({ mutant, place, key: random() }))
    .toSorted((left, right) => left.key - right.key)
    .slice(0, size)
    .toSorted((left, right) => left.place - right.place)
    .map(({ mutant }) => mutant)
}
