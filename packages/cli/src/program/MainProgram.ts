/** How programs of this package end: with one line for a failure that can be foreseen, and a code of `ExitCode`. */
import { IncompleteDrain } from "@pagi/node/IncompleteDrain"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import { hasProperty } from "effect/Predicate"
import * as Runtime from "effect/Runtime"
import * as ExitCode from "./ExitCode.ts"

/** By its tag: the classes themselves come with the library that reads command lines, which is not always loaded. */
const isCliError = (error: unknown): boolean => hasProperty(error, "~effect/cli/CliError")

/** Mistakes on the command line, and requests that were cut off, have been told when they were found. */
const isTold = (error: unknown): boolean =>
  isCliError(error) || error instanceof IncompleteDrain || error instanceof ExitCode.Ended

/** The line for a failure that can be foreseen. */
const messageOf = (cause: Cause.Cause<unknown>): string | undefined => {
  const error = Cause.squash(cause)
  return !Cause.hasDies(cause) && error instanceof Error && ExitCode.ofFailure(error) !== undefined
    ? error.message
    : undefined
}

/** Logs what has not been told. */
export const report = (cause: Cause.Cause<unknown>): Effect.Effect<void> => {
  if (Cause.hasInterruptsOnly(cause) || isTold(Cause.squash(cause))) return Effect.void
  const message = messageOf(cause)
  return message === undefined ? Effect.logError("the server failed", cause) : Effect.logError(message)
}

/** Logs a fault of the program itself; everything else is told by somebody else. */
export const reportUnforeseen = (cause: Cause.Cause<unknown>): Effect.Effect<void> =>
  messageOf(cause) === undefined ? report(cause) : Effect.void

/**
 * Runs a program to its end, and exits. One that has succeeded without having been stopped may have left something to be
 * written.
 */
export const run = <E>(
  program: Effect.Effect<void, E>,
  isStopped: () => boolean = () => true,
  codeOf = ExitCode.ofExit
): void => {
  const runMain = Runtime.makeRunMain(({ fiber }) => {
    fiber.addObserver((exit) => {
      const code = codeOf(exit)
      // What was printed may still be on its way; whatever an application has left open is not waited for.
      if (code !== ExitCode.stopped || isStopped()) process.exit(code)
    })
  })
  runMain(program, { disableErrorReporting: true })
}
