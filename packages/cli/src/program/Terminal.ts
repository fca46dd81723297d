/** The terminal that the program was started from, if it was one. */
import * as Context from "effect/Context"
import { isatty } from "node:tty"

const standardInput = 0

/**
 * Looks whether there is a terminal, and answers how to ask whether it has been closed since. The system makes a closed
 * one something else before it sends `SIGHUP` to the programs that run there, which so can tell that signal from one that
 * an administrator sends.
 */
export const watch = (isTerminal: () => boolean = () => isatty(standardInput)): (() => boolean) => {
  const wasTerminal = isTerminal()
  return () => wasTerminal && !isTerminal()
}

/** Whether the terminal that was there at the start has been closed, as the program provides it when it begins. */
export const IsClosed = Context.Reference<() => boolean>("@pagi/cli/Terminal/IsClosed", { defaultValue: () => watch() })
