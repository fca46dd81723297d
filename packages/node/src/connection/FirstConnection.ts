import * as Context from "effect/Context"

/** Is called once, before the first connection of a server is looked at; by default nobody is. */
export const FirstConnection = Context.Reference<(() => void) | undefined>("@pagi/node/FirstConnection", {
  defaultValue: () => undefined
})
