/** The exit codes of the command (`@pagi/node/pool/ExitCode` has their table), and the failures that they stand for. */
import { cannotListen, cannotLoad, incompleteDrain, internal, refused, stopped, usage } from "@pagi/node/pool/ExitCode"
import * as StartFailure from "@pagi/node/pool/StartFailure"
import * as Cause from "effect/Cause"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import { hasProperty } from "effect/Predicate"
import * as Schema from "effect/Schema"

export {
  cannotListen,
  cannotLoad,
  incompleteDrain,
  internal,
  ofSignal,
  refused,
  signalBase,
  stopped,
  usage
} from "@pagi/node/pool/ExitCode"

/** Of the command `status`; the code that init scripts use for it. */
export const notRunning = 3

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

/** Not every application that cannot be loaded stays so: what its module exports may need what is not there just now. */
const canPass = (error: unknown): boolean =>
  hasProperty(error, "_tag") && (passing.has(error._tag) || (hasProperty(error, "mayPass") && error.mayPass === true))

/** The code for how a worker ended, which tells its supervisor also whether another try may help. */
export const ofWorkerExit = (exit: Exit.Exit<unknown, unknown>): number => {
  const code = ofExit(exit)
  const error = Exit.isFailure(exit) ? Option.getOrUndefined(Cause.findErrorOption(exit.cause)) : undefined
  const mayPass = canPass(error) && ofFailure(error) === code
  return mayPass ? StartFailure.exitCodeOf({ code, mayPass }) : code
}

/** The code for how the whole program ended; to be interrupted is the regular way for a server. */
export const ofExit = (exit: Exit.Exit<unknown, unknown>): number => {
  if (Exit.isSuccess(exit) || Cause.hasInterruptsOnly(exit.cause)) return stopped
  if (Cause.hasDies(exit.cause)) return internal
  return ofFailure(Option.getOrUndefined(Cause.findErrorOption(exit.cause))) ?? internal
}
