/** What of files that were read again can be taken up by a supervisor that runs. */
import * as ServerOptions from "@pagi/core/options/ServerOptions"
import type { ServedPlan } from "./ServerPlan.ts"
import type { Given } from "./ServerValues.ts"

const textOf = (given: Given | undefined): string => JSON.stringify([given?.text, given?.value])

/** Whether nobody has said anything: what the process finds out about itself is no change that anybody has made. */
const isDetected = (given: Given | undefined): boolean => given === undefined || given.origin === "detected"

/** The new plan with the old values of what stays until a restart, and the names of those options that would differ. */
export const merge = (
  old: ServedPlan,
  fresh: ServedPlan
): { readonly plan: ServedPlan; readonly kept: ReadonlyArray<string> } => {
  const options: Record<string, Given> = { ...fresh.texts.options }
  const kept: Array<string> = []
  for (const [name, { isAtStart = false }] of ServerOptions.definitions) {
    if (!isAtStart) continue
    const [before, after] = [old.texts.options[name], options[name]]
    if (textOf(before) !== textOf(after) && !(isDetected(before) && isDetected(after))) kept.push(name)
    if (before === undefined) delete options[name]
    else options[name] = before
  }
  return { plan: { ...fresh, texts: { ...fresh.texts, options } }, kept }
}
