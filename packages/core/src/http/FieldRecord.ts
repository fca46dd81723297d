/** Header fields with one value for each name, as programs and tracers look at them. */
import type { HeaderBlock } from "./HeaderBlock.ts"

/** What becomes of a line whose name has come before; by default its value is joined to the one before it. */
export interface JoinRules {
  /** Whether lines of this name are wanted; all by default. */
  readonly isWanted?: (name: string) => boolean
  /** Whether only the first line of this name counts; none by default. */
  readonly isSingular?: (name: string) => boolean
}

const noRules: JoinRules = {}

/**
 * The values of a block by their names, which are in lower case; those of several lines are a list (RFC 9110 §5.3), but for
 * cookies (RFC 9113 §8.2.3). The record has no prototype, so that `__proto__` is a name like the others.
 */
export const joinFields = (
  block: HeaderBlock,
  { isSingular, isWanted }: JoinRules = noRules
): Record<string, string> => {
  const record: Record<string, string> = Object.create(null)
  for (const [name, value] of block) {
    if (isWanted?.(name) === false) continue
    const earlier = record[name]
    if (earlier === undefined) record[name] = value
    else if (isSingular?.(name) !== true) record[name] = `${earlier}${name === "cookie" ? "; " : ", "}${value}`
  }
  return record
}
