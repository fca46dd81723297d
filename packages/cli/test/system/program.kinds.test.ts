/** Every kind of export, each served or refused by a process of its own. */
import { describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exports from "../support/Exports.ts"

/** Milliseconds; these tests start many programs. */
const timeout = 90_000

const together = { concurrency: 2, discard: true }

// What the command serves with is another copy of the packages than the one that the module imports.
describe("pagi-server, given an export of a module,", () => {
  it.live(
    "serves Layers and Effects, and says at debug what they are",
    () => Effect.forEach(Exports.programs, Exports.answers, together),
    timeout
  )

  it.live(
    "serves fetch handlers, and says at debug what they are",
    () => Effect.forEach(Exports.fetchHandlers, Exports.answers, together),
    timeout
  )

  it.live(
    "refuses what does not serve, or cannot be built",
    () => Effect.forEach(Exports.unusable, Exports.refuses, together),
    timeout
  )
})
