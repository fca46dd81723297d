/** Writes the script by which a shell completes the command line; loaded for `--completions` alone. */
import type * as Command from "effect/cli/Command"
import * as Bash from "./Bash.ts"
import { read, type shells } from "./Completed.ts"
import * as Fish from "./Fish.ts"
import * as Zsh from "./Zsh.ts"

const scripts = { bash: Bash.script, fish: Fish.script, zsh: Zsh.script }

/** The script for a shell; it names everything that it offers, and starts no program. */
export const make = (shell: (typeof shells)[number], command: Command.Command.Any): string =>
  scripts[shell](read(command))
