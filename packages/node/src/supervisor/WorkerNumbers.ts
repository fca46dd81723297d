/** How many workers there are at first, at least and at most, as the options say it. */
import type { Values } from "@pagi/core/options/ServerOptions"
import type { PoolSettings } from "../pool/PoolEvent.ts"

export type WorkerNumbers = Pick<PoolSettings, "workers" | "minimum" | "maximum">

type Options = Pick<Values, "workers" | "minWorkers" | "maxWorkers">

/** Whether anything depends on how many processors there are. */
export const needsProcessors = ({ maxWorkers, workers }: Options): boolean =>
  workers === "auto" || maxWorkers === "auto"

/** A bound that is not given is the number at first; what auto stands for gives way to the other numbers. */
export const of = ({ maxWorkers, minWorkers, workers }: Options, processors: number): WorkerNumbers => {
  const wanted = workers === "auto" ? processors : Math.max(1, workers)
  const least = minWorkers === 0 ? wanted : minWorkers
  const maximum = mostOf(maxWorkers, Math.max(wanted, least), Math.max(processors, least))
  return { workers: Math.min(Math.max(wanted, least), maximum), minimum: Math.min(least, maximum), maximum }
}

const mostOf = (maxWorkers: number | "auto", otherwise: number, auto: number): number => {
  if (maxWorkers === 0) return otherwise
  return maxWorkers === "auto" ? Math.max(auto, otherwise) : maxWorkers
}
