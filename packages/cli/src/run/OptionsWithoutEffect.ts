/** Options that were given and do nothing, since another one is not there. */
import { type Values, workersOnly } from "@pagi/core/options/ServerOptions"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type { ServerPlan } from "../plan/ServerPlan.ts"
import * as ServerValues from "../plan/ServerValues.ts"

interface Need {
  readonly names: ReadonlyArray<string>
  readonly what: string
  readonly isThere: (options: Values) => boolean
}

const needs: ReadonlyArray<Need> = [
  {
    names: ["staticMaxAge", "staticImmutable"],
    what: "--static",
    isThere: (options) => options.static !== undefined
  },
  {
    names: ["trustedFields"],
    what: "--trusted-proxies",
    isThere: ({ trustedProxies }) => trustedProxies !== undefined
  },
  {
    names: ["healthPaths"],
    what: "--max-concurrent-requests or --max-queue-time",
    isThere: ({ maxConcurrentRequests, maxQueueTime }) => maxConcurrentRequests !== 0 || !Duration.isZero(maxQueueTime)
  },
  {
    names: workersOnly,
    what: "--workers",
    isThere: ({ reload, workers }) => workers !== 0 || reload
  }
]

/** Warns of each, by what it was given by. */
export const warn = ({ served }: ServerPlan, options: Values): Effect.Effect<void> =>
  Effect.gen(function* () {
    for (const { isThere, names, what } of needs) {
      if (isThere(options)) continue
      const given = names.map((name) => served.texts.options[name]).filter(ServerValues.isGiven)
      for (const { source } of given) yield* Effect.logWarning(`${source} has no effect without ${what}`)
    }
  })
