/**
 * The options of a server from Effect's `Config`: the environment variables of the command, `PAGI_…`, with the same names,
 * kinds, units and messages. Loads much, so who may not need it imports it late.
 */
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as OptionTexts from "./OptionTexts.ts"
import { definitions, environmentName, type InvalidOption, ServerOptions, type Values } from "./ServerOptions.ts"

/** Reads all of them. A variable that is not there or empty leaves the option its default. */
const read: Effect.Effect<Values, InvalidOption | Config.ConfigError> = Effect.gen(function* () {
  const texts = new Map<string, OptionTexts.OptionText>()
  for (const [name] of definitions) {
    const source = environmentName(name)
    const text = Option.getOrElse(yield* Config.option(Config.String(source)), () => "")
    if (text !== "") texts.set(name, { source, text })
  }
  return yield* OptionTexts.resolve(texts, environmentName)
})

/**
 * Provides the options that the current `ConfigProvider` has, which by default are those of the environment. Fails with
 * `InvalidOption`, by the name of the variable, for a value that is not allowed, and with `ConfigError` when the provider
 * cannot be read.
 */
export const layer: Layer.Layer<ServerOptions, InvalidOption | Config.ConfigError> = Layer.effect(ServerOptions, read)
