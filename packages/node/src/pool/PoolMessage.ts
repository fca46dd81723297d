/** Words for the log lines of the pool. */
import type { PoolEvent } from "./PoolEvent.ts"

type Exit = Pick<Extract<PoolEvent, { readonly type: "exited" }>, "code" | "signal">

export const count = (number: number, noun: string): string => `${number} ${noun}${number === 1 ? "" : "s"}`

export const seconds = (milliseconds: number): string => count(milliseconds / 1000, "second")

export const inTime = (milliseconds: number): string => (milliseconds === 0 ? "at once" : `in ${seconds(milliseconds)}`)

/** Neither code nor signal means that there was no process. */
export const howItEnded = ({ code, signal }: Exit): string => {
  if (signal !== null) return `was killed by ${signal}`
  return code === null ? "could not be run" : `ended with exit code ${code}`
}
