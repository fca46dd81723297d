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

/** What a predecessor says of its workers. */
export interface PredecessorNumbers {
  /** Those that there are, and the bounds, which somebody may have moved since it has begun. */
  readonly now: WorkerNumbers
  /** What its options ask for. */
  readonly asked: WorkerNumbers
}

const inOrder = ({ maximum, minimum, workers }: WorkerNumbers): ReadonlyArray<number> => [minimum, workers, maximum]

/** As `after` reads it. */
export const write = ({ asked, now }: PredecessorNumbers): string => `${inOrder(now)}/${inOrder(asked)}`

/** Nothing if it is not what `write` has written, as another version may write it in another way. */
const read = (text: string): PredecessorNumbers | undefined => {
  const number = "(\\d{1,5})"
  const three = `${number},${number},${number}`
  const [, ...numbers] = new RegExp(`^${three}/${three}$`).exec(text) ?? []
  const now = ordered(numbers.slice(0, 3))
  const asked = ordered(numbers.slice(3))
  return now && asked && { now, asked }
}

const ordered = (texts: ReadonlyArray<string>): WorkerNumbers | undefined => {
  const [minimum = 0, workers = 0, maximum = 0] = texts.map(Number)
  return 1 <= minimum && minimum <= workers && workers <= maximum ? { minimum, workers, maximum } : undefined
}

/**
 * Of a successor: those of its predecessor, with the bounds, if its options ask for the same. Otherwise what they ask for
 * holds, and it begins with as many as there are where that depends on the load.
 */
export const after = (asked: WorkerNumbers, predecessor: string | undefined): WorkerNumbers => {
  const said = read(predecessor ?? "")
  if (said === undefined) return asked
  if (String(inOrder(asked)) === String(inOrder(said.asked))) return said.now
  if (asked.minimum === asked.maximum) return asked
  return { ...asked, workers: Math.min(Math.max(said.now.workers, asked.minimum), asked.maximum) }
}
