/** What of files that were read again can be taken up by a supervisor that runs. */
import * as ServerOptions from "@pagi/core/options/ServerOptions"
import type { ServedPlan } from "./ServerPlan.ts"
import type { Given } from "./ServerValues.ts"

/** What the supervisor has done by these when it started, or holds workers to. */
const ofSupervisor: ReadonlySet<string> = new Set([
  ...["host", "port", "socket", "socketMode", "listen", "listenerBacklog", "disableTls"],
  ...[
    "workers",
    "minWorkers",
    "maxWorkers",
    "bootTimeout",
    "admin",
    "adminToken",
    "otlp",
    "mode",
    "reload",
    "reloadInclude"
  ],
  ...["drainDelay", "shutdownTimeout", "disconnectGrace"],
  ...ServerOptions.workersOnly
])

const isOfSupervisor = (name: string): boolean => ofSupervisor.has(name) || name.startsWith("tls.")

const textOf = (given: Given | undefined): string => JSON.stringify([given?.text, given?.value])

/** The new plan with the old values of what stays until a restart, and the names of those options that would differ. */
export const merge = (
  old: ServedPlan,
  fresh: ServedPlan
): { readonly plan: ServedPlan; readonly kept: ReadonlyArray<string> } => {
  const options: Record<string, Given> = { ...fresh.texts.options }
  const kept: Array<string> = []
  for (const [name] of ServerOptions.definitions) {
    if (!isOfSupervisor(name)) continue
    const [before, after] = [old.texts.options[name], options[name]]
    if (textOf(before) !== textOf(after)) kept.push(name)
    if (before === undefined) delete options[name]
    else options[name] = before
  }
  return { plan: { ...fresh, texts: { ...fresh.texts, options } }, kept }
}
