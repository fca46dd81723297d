/** The mode of a server that nobody has named one for. */
import { isatty } from "node:tty"
import type { Texts } from "./ServerValues.ts"

/** Input and output: a server whose input or output is a file or another program has nobody who looks at it. */
const descriptors = [0, 1]

/** Adds the mode to what was given, if none was: in a terminal, `development`. */
export const complete = (texts: Texts, isTerminal: () => boolean = () => descriptors.every(isatty)): Texts => {
  const given = texts.options["mode"]
  if ((given !== undefined && given.text !== "") || !isTerminal()) return texts
  return { ...texts, options: { ...texts.options, mode: { source: "the terminal", text: "development" } } }
}
