/** What people are shown of a version of the application that cannot be served. */
import type { ReloadProblem, SourcePlace } from "@pagi/node/process/ReloadState"
import * as Cause from "effect/Cause"
import { readFileSync } from "node:fs"
import { AppLoadError, type Thrown } from "../application/AppLoadError.ts"
import * as AppThrown from "../application/Thrown.ts"

/** Lines that are shown before the one that is meant, and after it. */
const margin = 6

/** Longer lines are those of programs, and code points of text that nobody reads. */
const longestLine = 1000

/** Nothing for a version that is loaded again at once, as somebody was writing it. */
export const problemOf = (cause: Cause.Cause<unknown>): ReloadProblem | undefined => {
  if (Cause.hasInterruptsOnly(cause)) return undefined
  const error = Cause.squash(cause)
  if (error instanceof AppLoadError && error.reason._tag === "ChangedMeanwhile") return undefined
  const thrown = thrownOf(error)
  const place = thrown.place && sourceAt(thrown.place)
  return {
    message: error instanceof Error ? error.message : String(error),
    ...(thrown.stack === undefined ? {} : { stack: thrown.stack }),
    ...(place === undefined ? {} : { place })
  }
}

const thrownOf = (error: unknown): Thrown => {
  if (!(error instanceof AppLoadError)) return AppThrown.of(error)
  return "thrown" in error.reason ? (error.reason.thrown ?? {}) : {}
}

const sourceAt = ({ column, file, line }: NonNullable<Thrown["place"]>): SourcePlace | undefined => {
  try {
    const lines = readFileSync(file, "utf8").split(/\r\n|\n|\r/)
    const first = Math.max(0, line - 1 - margin)
    return {
      file,
      line,
      ...(column === undefined ? {} : { column }),
      around: lines.slice(first, line + margin).map((text) => text.slice(0, longestLine)),
      firstLine: first + 1
    }
  } catch {
    // Nobody can be shown what is not there any more.
    return undefined
  }
}
