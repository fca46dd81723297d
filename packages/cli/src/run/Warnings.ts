/** Warnings of what is no mistake, and will hardly do what was meant. */
import type { Values } from "@pagi/core/options/ServerOptions"
import * as Effect from "effect/Effect"
import type { ServerPlan } from "../plan/ServerPlan.ts"
import * as OptionsWithoutEffect from "./OptionsWithoutEffect.ts"
import * as UnknownVariables from "./UnknownVariables.ts"

/** Warns of all of it. */
export const warn = (plan: ServerPlan, options: Values): Effect.Effect<void> =>
  Effect.andThen(UnknownVariables.warn(plan), OptionsWithoutEffect.warn(plan, options))
