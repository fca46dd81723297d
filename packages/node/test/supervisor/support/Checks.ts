/**
 * Assertions that cost nothing while they hold, for what is looked at after each of millions of steps: chai makes a proxy
 * for each of its own.
 */
import { assert } from "@effect/vitest"

export const isTrue = (holds: boolean, what: string): void => {
  if (!holds) assert.fail(what)
}

export const isEqual = <A extends string | number | boolean>(actual: A, expected: A, what: string): void => {
  if (actual !== expected) assert.strictEqual(actual, expected, what)
}

export const isAtLeast = (actual: number, least: number, what: string): void => {
  if (!(actual >= least)) assert.isAtLeast(actual, least, what)
}

export const isAtMost = (actual: number, most: number, what: string): void => {
  if (!(actual <= most)) assert.isAtMost(actual, most, what)
}

/** Of things that each collection has once. */
export const haveSameMembers = <A>(
  actual: { readonly size: number; keys(): Iterable<A> },
  expected: { readonly size: number; has(value: A): boolean; keys(): Iterable<A> },
  what: string
): void => {
  if (actual.size === expected.size && [...actual.keys()].every((value) => expected.has(value))) return
  assert.sameMembers([...actual.keys()], [...expected.keys()], what)
}
