/** Configuration files: options by the names that programs know them by; loaded where there is one. */
import * as ServerOptions from "@pagi/core/options/ServerOptions"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Formatter from "effect/Formatter"
import { isObject } from "effect/Predicate"
import { extname, resolve } from "node:path"
import { pathToFileURL } from "node:url"
import * as Description from "./Description.ts"
import * as JsonPlace from "./JsonPlace.ts"
import * as NearNames from "./NearNames.ts"
import { type Given, UsageError } from "./ServerValues.ts"
import * as SourceFile from "./SourceFile.ts"
import * as UnendingSource from "./UnendingSource.ts"

type Definition = ServerOptions.Definition<unknown, unknown>

/** What a configuration file says. */
export interface FileContent {
  /** By the names of options. */
  readonly options: Readonly<Record<string, Given>>
  /** By the names of the other flags. */
  readonly others: Readonly<Partial<Record<OtherName, string>>>
}

const otherNames = ["app", "pid", "user", "group", "control"] as const

type OtherName = (typeof otherNames)[number]

const definitions: ReadonlyMap<string, Definition> = new Map<string, Definition>(ServerOptions.definitions)

/** Not a promise or a `Map`: these have no options that could be read off them. */
const isPlain = (value: unknown): value is Readonly<Record<string, unknown>> =>
  isObject(value) && [Object.prototype, null].includes(Object.getPrototypeOf(value))

/**
 * Reads a file and what it says of each option. Values are checked later, together with those of flags.
 *
 * @param limit milliseconds that a module may take to be imported; infinitely many for no limit
 */
export const read = Effect.fnUntraced(function* (path: string, limit: number = Number.POSITIVE_INFINITY) {
  const content = yield* load(path, limit)
  if (!isPlain(content)) {
    const found =
      content instanceof Promise
        ? "a promise; write export default await …"
        : isObject(content)
          ? "one of a class"
          : Description.ofValue(content)
    return yield* new UsageError({ message: `${path}: expected an object with options, and got ${found}` })
  }
  const options: Record<string, Given> = {}
  const others: Partial<Record<OtherName, string>> = {}
  for (const [key, value] of entries(content)) {
    const other = otherNames.find((name) => name === key)
    const definition = definitions.get(key)
    const source = `${path}: ${key}`
    if (other !== undefined) others[other] = yield* textOf(source, value)
    else if (definition === undefined) return yield* unknown(path, key, value)
    else options[key] = givenOf(source, definition, value)
  }
  const result: FileContent = { options, others }
  return result
})

const load = (path: string, limit: number): Effect.Effect<unknown, UsageError> =>
  extname(path) === ".json"
    ? Effect.flatMap(SourceFile.text(path), (text) => parse(path, text))
    : importFile(path, limit)

/** The runtime's message is not told: it quotes what is around the place. */
const parse = (path: string, text: string): Effect.Effect<unknown, UsageError> =>
  Effect.try({
    try: (): unknown => JSON.parse(text),
    catch: () => {
      const { column, expected, line } = JsonPlace.find(text) ?? { line: 1, column: 1, expected: "less nesting" }
      return new UsageError({ message: `${path}:${line}:${column} is not JSON: expected ${expected}` })
    }
  })

const modules = new Set([".ts", ".mts", ".js", ".mjs"])

const importFile = Effect.fnUntraced(function* (path: string, limit: number) {
  if (!modules.has(extname(path))) {
    return yield* new UsageError({ message: `${path}: expected a name that ends in .json, .ts, .mts, .mjs or .js` })
  }
  yield* SourceFile.text(path)
  const exports = yield* Effect.timeoutOrElse(
    UnendingSource.read(
      (): Promise<Readonly<Record<string, unknown>>> => import(pathToFileURL(resolve(path)).href),
      (error) => new UsageError({ message: `cannot load ${path}: ${Description.ofError(error)}` })
    ),
    {
      duration: limit,
      orElse: () => {
        const problem = `its import has not completed within ${Duration.format(Duration.millis(limit))}`
        const advice = "does it await something that never comes? (--boot-timeout)"
        return new UsageError({ message: `cannot load ${path}: ${problem}; ${advice}` })
      }
    }
  )
  if (!("default" in exports)) {
    return yield* new UsageError({
      message: `${path}: there is no default export; write export default defineConfig({ … })`
    })
  }
  return exports["default"]
})

/** All that is set, with `tls.cert` for what is in the group `tls`; editors find the schema of a file by `$schema`. */
const entries = (content: Readonly<Record<string, unknown>>): ReadonlyArray<readonly [string, unknown]> =>
  Object.entries(content)
    .flatMap(([key, value]): ReadonlyArray<readonly [string, unknown]> =>
      key === "tls" && isObject(value)
        ? Object.entries(value).map(([name, one]) => [`tls.${name}`, one] as const)
        : [[key, value]]
    )
    .filter(([key, value]) => value !== undefined && key !== "$schema")

const textOf = (source: string, value: unknown): Effect.Effect<string, ServerOptions.InvalidOption> =>
  typeof value === "string" && value !== ""
    ? Effect.succeed(value)
    : new ServerOptions.InvalidOption({
        option: source,
        value: Formatter.format(value),
        expected: "a text that is not empty"
      })

/** The value is not told: it may be a secret, whose name is misspelt. */
const unknown = (
  path: string,
  key: string,
  value: unknown
): Effect.Effect<never, ServerOptions.InvalidOption | UsageError> => {
  if (key === "tls") {
    const expected = "an object with cert and key"
    return new ServerOptions.InvalidOption({ option: `${path}: tls`, value: Formatter.format(value), expected })
  }
  const near = NearNames.find(key, [...definitions.keys(), ...otherNames])
  const meant = near.length === 0 ? "" : `; did you mean ${near.join(" or ")}?`
  return new UsageError({ message: `${path}: there is no option ${key}${meant}` })
}

/** Texts are those of the command line, and numbers seconds where they are durations; the rest is as in programs. */
const givenOf = (source: string, { kind }: Definition, value: unknown): Given => {
  const ofFile = { source, origin: "file" } as const
  if (typeof value === "string") {
    const input = kind.fromText(value)
    const isText = input !== undefined && kind.accept(input) !== undefined
    const accepted = isText ? undefined : kind.accept(value)
    return { ...ofFile, text: accepted === undefined ? value : kind.toText(accepted) }
  }
  const isDuration = kind.placeholder === "SECONDS"
  if (isDuration && typeof value === "number") return { ...ofFile, text: String(value) }
  const accepted = isDuration && Duration.isDuration(value) ? kind.accept(value) : undefined
  return accepted === undefined ? { ...ofFile, text: "", value } : { ...ofFile, text: kind.toText(accepted) }
}
