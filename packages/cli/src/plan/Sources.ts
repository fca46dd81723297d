/**
 * Completes what flags and variables say by what files say: a flag wins over a variable, that over one of an `.env` file,
 * that over a secret, that over the configuration file, and that over what is found out about the process.
 */
import * as ServerOptions from "@pagi/core/options/ServerOptions"
import * as Effect from "effect/Effect"
import { existsSync } from "node:fs"
import * as CommandLine from "./CommandLine.ts"
import * as DetectedMode from "./DetectedMode.ts"
import * as LoadLimit from "./LoadLimit.ts"
import type { SourcePlan } from "./ProcessFlags.ts"
import type { ServerPlan } from "./ServerPlan.ts"
import { type Given, isGiven, UsageError } from "./ServerValues.ts"
import type { FileVariable, FileVariables } from "./VariableFiles.ts"

const none: FileVariables = new Map()

/** The configuration file: the one that is named, or the only one that is here. */
const configFile = (named: string | null): Effect.Effect<string | undefined, UsageError> => {
  if (named !== null) return Effect.succeed(named)
  const [found, other] = CommandLine.configFiles.filter((name) => existsSync(name))
  return other === undefined
    ? Effect.succeed(found)
    : Effect.fail(new UsageError({ message: `${found} and ${other} are both here; name one of them by --config` }))
}

/** Whether anything is read that may have changed when the server is told to load everything anew. */
export const areThere = ({ config, envFiles, secrets }: SourcePlan): boolean =>
  config !== null ||
  envFiles.length > 0 ||
  secrets.length > 0 ||
  CommandLine.configFiles.some((name) => existsSync(name))

/** The files and folders that are read, with configuration files that may be there later. */
export const paths = ({ config, envFiles, secrets }: SourcePlan): ReadonlyArray<string> => [
  ...(config === null ? CommandLine.configFiles : [config]),
  ...envFiles,
  ...secrets
]

/** Reads all files and puts what they say where nobody else has said anything. */
export const complete = Effect.fnUntraced(function* (
  plan: ServerPlan,
  sources: SourcePlan,
  environment: NodeJS.ProcessEnv = process.env
) {
  const path = yield* configFile(sources.config)
  const hasVariables = sources.envFiles.length > 0 || sources.secrets.length > 0
  const VariableFiles = hasVariables ? yield* Effect.promise(() => import("./VariableFiles.ts")) : undefined
  const envFiles = yield* VariableFiles?.ofEnvFiles(sources.envFiles) ?? Effect.succeed(none)
  const secrets = yield* VariableFiles?.ofFolders(sources.secrets) ?? Effect.succeed(none)
  const variable = variableIn(environment, envFiles, secrets)
  const file = path === undefined ? undefined : yield* readConfig(path, limitOf(plan, variable))
  const options: Record<string, Given> = { ...plan.served.texts.options }
  for (const [name] of ServerOptions.definitions) {
    if (isGiven(options[name])) continue
    const found = variable(ServerOptions.environmentName(name)) ?? file?.options[name]
    if (found !== undefined) options[name] = found
  }
  const port = hasPort(options) ? undefined : portOf(environment, envFiles)
  if (port !== undefined) options["port"] = port
  const other = (name: "pid" | "user" | "group" | "control"): string | null => {
    const text = plan.process[name] ?? variable(ServerOptions.environmentName(name))?.text
    return (typeof text === "string" && text !== "" ? text : file?.others[name]) ?? null
  }
  const { daemonize } = plan.process
  const forServer = [...envFiles.keys(), ...secrets.keys()].filter(isForServer)
  const completed: ServerPlan = {
    served: {
      app: plan.served.app ?? file?.others.app ?? null,
      texts: DetectedMode.complete({ ...plan.served.texts, options }, { daemonize }),
      ...(envFiles.size === 0 ? {} : { environment: forApplication(envFiles) }),
      ...(secrets.size === 0 ? {} : { secrets: forApplication(secrets) })
    },
    process: { daemonize, pid: other("pid"), user: other("user"), group: other("group"), control: other("control") },
    ...(forServer.length === 0 ? {} : { forServer })
  }
  return completed
})

const readConfig = (path: string, limit: number) =>
  Effect.flatMap(
    Effect.promise(() => import("./ConfigFile.ts")),
    ({ read }) => read(path, limit)
  )

/** How long a configuration file may take, by what is known before. */
const limitOf = ({ served }: ServerPlan, variable: (name: string) => Given | undefined): number => {
  const { bootTimeout } = served.texts.options
  const given = isGiven(bootTimeout) ? bootTimeout : undefined
  const { text } = given ?? variable(ServerOptions.environmentName("bootTimeout")) ?? {}
  return LoadLimit.ofText(typeof text === "string" ? text : undefined)
}

/** Looks for a variable in files, unless the environment has it: an empty one there says that there is none. */
const variableIn =
  (environment: NodeJS.ProcessEnv, envFiles: FileVariables, secrets: FileVariables) =>
  (name: string): Given | undefined => {
    if (Object.hasOwn(environment, name)) return undefined
    const inFile = envFiles.get(name)
    if (inFile !== undefined) return inFile.value === "" ? undefined : givenOf(name, inFile, "envFile")
    const secret = secrets.get(name)
    return secret === undefined || secret.value === "" ? undefined : givenOf(name, secret, "secrets")
  }

const givenOf = (name: string, { file, value }: FileVariable, origin: "envFile" | "secrets"): Given => ({
  source: `${file}: ${name}`,
  text: value,
  origin
})

/** Whether it is said anywhere where to listen, or on which port. */
const hasPort = (options: Readonly<Record<string, Given>>): boolean =>
  ["port", "socket", "listen"].some((name) => isGiven(options[name]))

/** The port that many platforms tell their programs. */
const portOf = (environment: NodeJS.ProcessEnv, envFiles: FileVariables): Given | undefined => {
  const { PORT } = environment
  const inFile = PORT === undefined ? envFiles.get("PORT") : undefined
  if (inFile !== undefined && inFile.value !== "") return givenOf("PORT", inFile, "envFile")
  return PORT === undefined || PORT === "" ? undefined : { source: "PORT", text: PORT, origin: "detected" }
}

const isForServer = (name: string): boolean => name.startsWith("PAGI_")

/** Without what is for the server, which workers are told otherwise, and of which not all is for them. */
const forApplication = (variables: FileVariables): Readonly<Record<string, string>> =>
  Object.fromEntries([...variables].flatMap(([name, { value }]) => (isForServer(name) ? [] : [[name, value]])))
