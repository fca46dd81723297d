/** The terminal that the program was started from, if it was one. */
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

/** Whether the terminal that was there when this module was loaded has been closed. */
export const isClosed = watch()
