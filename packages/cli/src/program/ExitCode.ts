/**
 * What the process says by its exit code, for supervisors that decide whether to start it again:
 *
 * | code | meaning | worth a restart? |
 * | --- | --- | --- |
 * | 0 | stopped as asked, or printed what was asked for | |
 * | 1 | a fault of the server itself, printed with its stack | yes |
 * | 2 | an unknown flag or argument, a value that is not allowed, or a runtime other than Node 22.19 or later | no |
 * | 3 | cannot listen, as the address is in use or not available; or the pid file names a server that runs | later |
 * | 4 | the application cannot be loaded or built, or is none | no |
 * | 5 | the application refused to start: its lifespan startup failed | perhaps |
 * | 6 | stopped as asked, but some requests, or the application, did not finish in time and were cut off | |
 * | 128 + n | a second signal, number n, cut the graceful stop short | |
 */
import * as StartFailure from "@pagi/node/pool/StartFailure"
import * as Cause from "effect/Cause"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import { hasProperty } from "effect/Predicate"
import * as Schema from "effect/Schema"

export const stopped = 0
export const internal = 1
export const usage = 2
export const cannotListen = 3
/** Of the command `status`; the code that init scripts use for it. */
export const notRunning = 3
export const cannotLoad = 4
export const refused = 5
export const incompleteDrain = 6

/** The process has nothing more to do, and everything has been told. */
export class Ended extends Schema.TaggedError<Ended>()("Ended", { code: Schema.Int }) {}

const codeOfTag = new Map([
  ["ShowHelp", usage],
  ["InvalidOption", usage],
  ["UsageError", usage],
  ["NotAWorker", usage],
  ["AccessLogError", usage],
  ["PidFileError", usage],
  ["PrivilegeError", usage],
  ["TlsError", usage],
  ["RuntimeError", usage],
  ["ListenError", cannotListen],
  ["PidFileInUse", cannotListen],
  ["NotRunning", notRunning],
  ["AppLoadError", cannotLoad],
  ["RootError", cannotLoad],
  ["NotAnEffect", cannotLoad],
  ["LifespanError", refused],
  ["IncompleteDrain", incompleteDrain]
])

/** The code of a failure that the program foresees; `undefined` for a fault of its own. */
export const ofFailure = (error: unknown): number | undefined => {
  if (error instanceof Ended) return error.code
  return hasProperty(error, "_tag") && typeof error._tag === "string" ? codeOfTag.get(error._tag) : undefined
}

/** What may become right by itself: files that are being replaced, a port, what an application needs for its start. */
const passing: ReadonlySet<unknown> = new Set([
  "AccessLogError",
  "TlsError",
  "ListenError",
  "RootError",
  "LifespanError"
])

/** The code for how a worker ended, which tells its supervisor also whether another try may help. */
export const ofWorkerExit = (exit: Exit.Exit<unknown, unknown>): number => {
  const code = ofExit(exit)
  const error = Exit.isFailure(exit) ? Option.getOrUndefined(Cause.findErrorOption(exit.cause)) : undefined
  const mayPass = hasProperty(error, "_tag") && passing.has(error._tag) && ofFailure(error) === code
  return mayPass ? StartFailure.exitCodeOf({ code, mayPass }) : code
}

/** The code for how the whole program ended; to be interrupted is the regular way for a server. */
export const ofExit = (exit: Exit.Exit<unknown, unknown>): number => {
  if (Exit.isSuccess(exit) || Cause.hasInterruptsOnly(exit.cause)) return stopped
  if (Cause.hasDies(exit.cause)) return internal
  return ofFailure(Option.getOrUndefined(Cause.findErrorOption(exit.cause))) ?? internal
}
