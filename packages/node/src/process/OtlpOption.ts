/** Whether the option `otlp` is carried out: the command does that, around servers and supervisors. */
import type { Values } from "@pagi/core/options/ServerOptions"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"

/** Whether somebody exports what the server does; by default nobody. */
export const IsExported = Context.Reference<boolean>("@pagi/node/IsExported", { defaultValue: () => false })

/** Warns of an option that is set and that nobody carries out. */
export const warnIfIgnored = ({ otlp }: Pick<Values, "otlp">): Effect.Effect<void> =>
  Effect.flatMap(IsExported, (isExported) =>
    otlp === "off" || isExported
      ? Effect.void
      : Effect.logWarning("option otlp has no effect in a program; provide Effect's layer for OTLP (docs/otlp.md)")
  )
