import * as Context from "effect/Context"

/** Is called once, before a server admits its first client; by default nobody is. */
export const FirstConnection = Context.Reference<(() => void) | undefined>("@pagi/node/FirstConnection", {
  defaultValue: () => undefined
})
