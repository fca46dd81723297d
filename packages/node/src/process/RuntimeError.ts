import * as Runtime from "effect/Runtime"
import * as Schema from "effect/Schema"
import { usage } from "../pool/ExitCode.ts"

/** The server does not run on this version of Node, or on something else that runs programs for it. */
export class RuntimeError extends Schema.TaggedError<RuntimeError>()("RuntimeError", { message: Schema.String }) {
  /** Of programs that end with it; that of the command. */
  override readonly [Runtime.errorExitCode] = usage
}

/** The error for a problem; its stack would tell nothing. */
export const make = (problem: string): RuntimeError => {
  const error = new RuntimeError({ message: problem })
  error.stack = `${error.name}: ${problem}`
  return error
}
