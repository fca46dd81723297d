/** The mode of a server that nobody has named one for. */
import { isatty } from "node:tty"
import { isGiven, type Texts } from "./ServerValues.ts"

/** Input and output: a server whose input or output is a file or another program has nobody who looks at it. */
const descriptors = [0, 1]

/** What is known of the process. */
export interface Situation {
  /** Whether it is to serve in the background, where nobody looks at it either. */
  readonly daemonize: boolean
  readonly isTerminal?: () => boolean
}

const hasTerminal = (): boolean => descriptors.every(isatty)

/** Adds the mode to what was given, if none was: in a terminal, `development`. */
export const complete = (texts: Texts, { daemonize, isTerminal = hasTerminal }: Situation): Texts => {
  if (isGiven(texts.options["mode"]) || daemonize || !isTerminal()) return texts
  const mode = { source: "the terminal", text: "development", origin: "detected" } as const
  return { ...texts, options: { ...texts.options, mode } }
}
