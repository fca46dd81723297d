/** What is said of an application that is none, such as an async function, a generator, or a handler of `node:http`. */
import * as Effect from "effect/Effect"
import { hasProperty } from "effect/Predicate"
import * as Schema from "effect/Schema"

/** The application, or one of its handlers, is not a function that returns an Effect. The message says what to do. */
export class NotAnEffect extends Schema.TaggedError<NotAnEffect>()("NotAnEffect", { message: Schema.String }) {}

/** What was found in place of an Effect, and what to do about it. */
interface Finding {
  readonly found: string
  readonly advice: string
}

const asGenerator = "write Effect.fnUntraced(function*(scope, receive, send) { ... }), with yield* before every Effect"

const promise: Finding = {
  found: "a Promise",
  advice: `in place of an async function ${asGenerator}, and give promises to Effect.promise`
}

const generator: Finding = { found: "a generator", advice: asGenerator }

const nodeHandler =
  "takes a request and a response, as handlers of node:http and Express do; an application takes a scope, receive and " +
  `send: ${asGenerator}`

/** By these Effect knows its values since version 2, and up to version 3. */
const earlierEffect = Symbol.for("effect/Effect")

const describe = (value: unknown): Finding => {
  if (value === undefined) return { found: "undefined", advice: "return the Effect that the function makes" }
  if (hasProperty(value, earlierEffect)) {
    return { found: "an Effect of version 3", advice: "use version 4 in its folder (npm install effect@4)" }
  }
  if (hasProperty(value, "then")) return promise
  if (typeof Response === "function" && value instanceof Response) {
    return { found: "a Response", advice: "send http.response.start and http.response.body instead" }
  }
  if (hasProperty(value, "next") && hasProperty(value, Symbol.iterator)) return generator
  const found = value === null ? "null" : typeof value === "object" ? "an object" : `a ${typeof value}`
  return { found, advice: asGenerator }
}

/** For a value that an application returned although it is no Effect. */
export const notAnEffect = (value: unknown): NotAnEffect => {
  const { advice, found } = describe(value)
  return new NotAnEffect({ message: `the application returned ${found}, not an Effect; ${advice}` })
}

/** For what an application threw, if the application is one of another kind of server; otherwise `undefined`. */
export const ofThrown = (application: unknown, thrown: unknown): NotAnEffect | undefined =>
  isNodeHandler(application)
    ? new NotAnEffect({ message: `the application ${nodeHandler} (it threw: ${String(thrown)})` })
    : undefined

/** What can be seen of a handler before it is called; `undefined` when nothing is wrong. */
export const ofHandler = (name: string, handler: unknown): NotAnEffect | undefined => {
  const problem = problemOf(handler)
  return problem === undefined
    ? undefined
    : new NotAnEffect({ message: `the application's handler for ${name} ${problem}` })
}

const problemOf = (handler: unknown): string | undefined => {
  if (typeof handler !== "function") return "is not a function; it has to be one that returns an Effect"
  if (isNodeHandler(handler)) return nodeHandler
  const finding = findings.get(Object.prototype.toString.call(handler))
  return finding && `returns ${finding.found}, not an Effect; ${finding.advice}`
}

/**
 * What is wrong with all that `PagiApp.make` was given, as far as its types could have told.
 *
 * @param known the names that handlers have
 */
export const ofHandlers = (handlers: unknown, known: ReadonlyArray<string>): NotAnEffect | undefined => {
  const needed = `PagiApp.make takes an object of handlers, whose names are ${known.join(", ")}`
  const wrong = (found: string) => new NotAnEffect({ message: `${needed}; it was given ${found}` })
  if (handlers === null || typeof handlers !== "object") return wrong(describe(handlers).found)
  const isLacking = known.every((name) => !hasProperty(handlers, name) || handlers[name] === undefined)
  for (const [name, value] of Object.entries(handlers)) {
    // Beside handlers an object may have methods of its own.
    const isMeant = !known.includes(name) && (isLacking || known.includes(name.toLowerCase()))
    if (typeof value === "function" && isMeant) return wrong(`one for "${name}"`)
  }
  return isLacking ? wrong("none") : undefined
}

const findings = new Map<string, Finding>([
  ["[object AsyncFunction]", promise],
  ["[object GeneratorFunction]", generator],
  ["[object AsyncGeneratorFunction]", generator]
])

/** Whether it is a handler of `node:http`: its parameters have names that nobody gives to a scope and `receive`. */
export const isNodeHandler = (value: unknown): boolean =>
  typeof value === "function" &&
  /^(?:async\s)?\s*(?:function\b[^(]*)?\(?\s*_?req(?:uest)?\s*,\s*_?res(?:ponse)?\b/.test(
    Function.prototype.toString.call(value)
  )

/** The failure of an application that is none, also when it comes from another copy of this package. */
export const find = (error: unknown): NotAnEffect | undefined =>
  hasProperty(error, "_tag") && error._tag === "NotAnEffect" && error instanceof Error
    ? new NotAnEffect({ message: error.message })
    : undefined

/** Failures whose messages say it all: where in the server or the library they were made helps nobody. */
const plainFailures: ReadonlySet<unknown> = new Set(["UnsupportedScope", "NotAnEffect", "FetchProblem"])

/** The line for a failure that says all there is to say. */
export const messageOf = (error: unknown): string | undefined =>
  hasProperty(error, "_tag") && plainFailures.has(error._tag) && error instanceof Error ? error.message : undefined

/** Why an application that succeeded may not have done its work: what it returned had to be done first. */
export const hintOf = (value: unknown): string => {
  if (Effect.isEffect(value)) return "; its value is an Effect that was not run, so a yield* may be missing"
  if (value === undefined) return "; a yield* may be missing before a send"
  return hasProperty(value, "then") || value instanceof Response
    ? `; its value is ${describe(value).found}, which is ignored`
    : ""
}
