/** What `effect/cli` itself has to say, in the manner of this command: one line for each mistake. */
import type * as CliError from "effect/cli/CliError"
import * as CliOutput from "effect/cli/CliOutput"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"

const listed = (values: ReadonlyArray<string>, conjunction: string): string => values.join(` ${conjunction} `)

/** Some kinds of flags say only what they expect, some also that they do. */
const expectation = (text: string): string =>
  /^(expected|omit)/i.test(text) ? text.replace(/^E/, "e") : `expected ${text}`

/** A mistake on the command line, on one line. */
export const describe = (error: CliError.NonShowHelpErrors): string => {
  switch (error._tag) {
    case "UnrecognizedOption": {
      // To one letter, every other letter is similar.
      const similar = error.option.startsWith("--") ? error.suggestions : []
      return `unknown flag ${error.option}; ${
        similar.length === 0 ? "--help lists all flags" : `did you mean ${listed(similar, "or")}?`
      }`
    }
    case "UnexpectedArgument":
      return `unexpected argument ${listed(
        error.arguments.map((text) => JSON.stringify(text)),
        "and"
      )}; one application is served`
    case "InvalidValue":
      return error.value === ""
        ? `flag --${error.option} needs a value`
        : `flag --${error.option}: got ${error.value}, ${expectation(error.expected)}`
    default:
      return error.message
  }
}

/** Prints help and version to standard output, and logs mistakes as errors without the help below them. */
export const layer: Layer.Layer<never> = CliOutput.layerPresenter({
  present: (event) => {
    switch (event._tag) {
      case "InvalidInvocation":
        return Effect.forEach(event.errors, (error) => Effect.logError(describe(error)), { discard: true })
      case "Help":
      case "Version":
        return CliOutput.defaultPresenter.present(event)
    }
  }
})
