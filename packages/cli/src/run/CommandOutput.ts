/** What `effect/cli` itself has to say, in the manner of this command: one line for each mistake. */
import * as OptionKind from "@pagi/core/options/OptionKind"
import * as ServerOptions from "@pagi/core/options/ServerOptions"
import type * as CliError from "effect/cli/CliError"
import * as CliOutput from "effect/cli/CliOutput"
import * as Effect from "effect/Effect"
import * as Formatter from "effect/Formatter"
import * as Layer from "effect/Layer"
import { adviceFor } from "../plan/FlagSuggestions.ts"
import * as HelpText from "../plan/HelpText.ts"

const listed = (values: ReadonlyArray<string>, conjunction: string): string => values.join(` ${conjunction} `)

/** Some kinds of flags say only what they expect, some also that they do. */
const expectation = (text: string): string =>
  /^(expected|omit)/i.test(text) ? text.replace(/^E/, "e") : `expected ${text}`

const isFalse = (value: string): boolean => /^(?:false|no|off|0|n)$/i.test(value)

/** The flags of options that are on or off. The library reads their values itself, others come as texts. */
const toggles: ReadonlySet<string> = new Set(
  ServerOptions.definitions.flatMap(([name, { defaultValue }]) =>
    typeof defaultValue === "boolean" ? [ServerOptions.flagName(name)] : []
  )
)

/** How the library counts the values of a flag that was given too often. */
const severalTimes = /^\d+ occurrences$/

/** How the library says that a negation has been given a value. */
const negationWithValue = /^omit the value/

/**
 * A mistake on the command line, on one line.
 *
 * @param flags the names of all flags, without dashes
 */
export const describe = (error: CliError.NonShowHelpErrors, flags: ReadonlyArray<string>): string => {
  switch (error._tag) {
    case "UnrecognizedOption":
      return `unknown flag ${error.option}; ${adviceFor(error.option, flags)}`
    case "UnexpectedArgument":
      return `unexpected argument ${listed(
        error.arguments.map((text) => JSON.stringify(text)),
        "and"
      )}; one application is served`
    case "InvalidValue":
      if (negationWithValue.test(error.expected)) {
        const negation = `--no-${error.option}`
        const alone = isFalse(error.value) ? `--${error.option}` : negation
        return `flag ${negation} takes no value, but got ${error.value}; did you mean ${alone}?`
      }
      if (toggles.has(error.option) && !severalTimes.test(error.value)) {
        const { expected } = OptionKind.toggle
        const value = Formatter.format(error.value)
        return new ServerOptions.InvalidOption({ option: `--${error.option}`, value, expected }).message
      }
      return error.value === ""
        ? `flag --${error.option} needs a value`
        : `flag --${error.option}: got ${error.value}, ${expectation(error.expected)}`
    default:
      return error.message
  }
}

const presenter: CliOutput.Presenter = {
  present: (event) => {
    switch (event._tag) {
      case "InvalidInvocation": {
        const { flags, globalFlags = [] } = event.helpDoc
        const names = [...flags, ...globalFlags].map(({ name }) => name)
        return Effect.forEach(event.errors, (error) => Effect.logError(describe(error, names)), { discard: true })
      }
      case "Help":
      case "Version":
        return CliOutput.defaultPresenter.present(event)
    }
  }
}

/**
 * Prints help and version to standard output, and logs mistakes as errors without the help below them.
 *
 * @param topic what help was asked for, one of `HelpText.topics`
 */
export const layer = (topic?: string): Layer.Layer<never> =>
  Layer.merge(
    CliOutput.layer({ ...CliOutput.defaultFormatter(), formatHelpDoc: (doc) => HelpText.format(doc, topic) }),
    CliOutput.layerPresenter(presenter)
  )
