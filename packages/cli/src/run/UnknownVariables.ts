/** Environment variables that look as if they were for the server, and are not. */
import * as ServerOptions from "@pagi/core/options/ServerOptions"
import { variables as inheritanceVariables } from "@pagi/node/listen/InheritedSockets"
import * as Effect from "effect/Effect"
import { variable as launcherVariable } from "../service/Daemon.ts"
import * as CommandLine from "../plan/CommandLine.ts"
import * as NearNames from "../plan/NearNames.ts"
import { ProcessPlan, type ServerPlan } from "../plan/ServerPlan.ts"

/** The variables that somebody may set. */
const names: ReadonlyArray<string> = [
  ...ServerOptions.definitions.map(([name]) => ServerOptions.environmentName(name)),
  ...Object.keys(ProcessPlan.fields).flatMap((name) =>
    name === "daemonize" ? [] : ServerOptions.environmentName(name)
  ),
  ...CommandLine.sourceVariables
]

/** Those that processes of a server set for each other. */
const internal: ReadonlySet<string> = new Set([launcherVariable, ...inheritanceVariables])

/** The variables of an environment that are set at all. */
const setIn = (environment: NodeJS.ProcessEnv): ReadonlyArray<string> =>
  Object.keys(environment).filter((name) => environment[name] !== "")

/** One line for each variable of these names that is no option's. */
export const problems = (given: ReadonlyArray<string>): ReadonlyArray<string> =>
  given.flatMap((name) => {
    if (!name.startsWith("PAGI_") || names.includes(name) || internal.has(name)) return []
    const similar = NearNames.find(
      name.slice("PAGI_".length),
      names.map((one) => one.slice("PAGI_".length))
    )
    const meant = similar.length === 0 ? "" : `; did you mean ${similar.map((one) => `PAGI_${one}`).join(" or ")}?`
    return `the variable ${name} is no option of the server${meant}`
  })

/** Warns of all of them, in the environment and in files; an empty one of the environment counts as none. */
export const warn = ({ forServer = [] }: ServerPlan): Effect.Effect<void> =>
  Effect.suspend(() => {
    const given = new Set([...setIn(process.env), ...forServer])
    return Effect.forEach(problems([...given]), (problem) => Effect.logWarning(problem), { discard: true })
  })
