/** What is known of a value that a module has thrown. */
import * as Description from "../plan/Description.ts"
import type { Thrown } from "./AppLoadError.ts"

/**
 * The stack and the place of what was thrown.
 *
 * @param findPlace looks for a place when the error itself knows none
 */
export const of = (error: unknown, findPlace?: (error: Error) => Description.Place | undefined): Thrown => {
  if (!(error instanceof Error)) return {}
  const place = Description.placeOf(error) ?? findPlace?.(error)
  const stack = stackOf(error)
  return { ...(place === undefined ? {} : { place }), ...(stack === undefined ? {} : { stack }) }
}

/** Somebody may have put something else there. */
const stackOf = (error: Error): string | undefined => {
  try {
    const stack: unknown = error.stack
    return typeof stack === "string" ? stack : undefined
  } catch {
    return undefined
  }
}
