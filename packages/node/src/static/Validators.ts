/** What tells one state of a file from another (RFC 9110 §8.8). */
import type { BigIntStats } from "node:fs"

export interface Validators {
  /** An entity tag, with its quotes and, when it is weak, the `W/` before them. */
  readonly entityTag: string
  /** The time of the last modification in whole seconds, as milliseconds since 1970. */
  readonly lastModified: number
}

/** How long a file must have been left alone, in milliseconds, before its times can be trusted to tell changes apart. */
const SETTLED = 1000

/**
 * Reads the validators off a file's status. The tag is made of size, modification and status change time in nanoseconds;
 * the latter cannot be set by a program, so a file that was replaced by one of the same size and date has another tag.
 *
 * File systems keep times in steps that may be as long as a second, in which a file can change without a trace. So the
 * tag of a file that changed a moment ago is weak: it validates a cached copy, but two parts of the file must not be put
 * together on its word (RFC 9110 §8.8.1).
 *
 * @param now milliseconds since 1970
 */
export const make = (status: BigIntStats, now: number): Validators => {
  const tag = `"${[status.size, status.mtimeNs, status.ctimeNs].map((part) => part.toString(36)).join("-")}"`
  const changed = Number(status.ctimeMs > status.mtimeMs ? status.ctimeMs : status.mtimeMs)
  // A date in the future is not allowed (§8.8.2.1), whatever the file says.
  const modified = Math.max(Math.min(Number(status.mtimeMs), now), 0)
  return {
    entityTag: now - changed >= SETTLED ? tag : `W/${tag}`,
    lastModified: Math.floor(modified / 1000) * 1000
  }
}

/** Whether the tag promises that nothing at all has changed. */
export const isStrong = (entityTag: string): boolean => !entityTag.startsWith("W/")
