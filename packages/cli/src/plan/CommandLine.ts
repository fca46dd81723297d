/** What can be said of a command line without the library that reads it, which takes long to load. */
import { readFileSync } from "node:fs"

/** The names that a configuration file is found by. */
export const configFiles = ["json", "ts", "mts", "mjs", "js"].map((extension) => `pagi.config.${extension}`)

/** Whether a configuration file that is found here may say that there are workers; modules could import it. */
const fileMayHaveWorkers = (name: string): boolean => {
  try {
    const text = readFileSync(name, "utf8")
    return !name.endsWith(".json") || /workers|reload|\\u/i.test(text)
  } catch {
    return false
  }
}

/** Flags that name a file which may say that there are workers. */
const sourceFlag = /^--(?:config|env-file|secrets)(?:=|$)/

/** The variables that name such files. */
export const sourceVariables = ["PAGI_CONFIG", "PAGI_ENV_FILE", "PAGI_SECRETS"]

/**
 * Whether a command line could be one for a server with workers. If so the process is to be their supervisor, and must
 * stay small. Answers yes in case of doubt: then somebody looks (`CommandCheck`).
 */
export const mayHaveWorkers = (args: ReadonlyArray<string>, environment: NodeJS.ProcessEnv): boolean =>
  [...sourceVariables, "PAGI_WORKERS", "PAGI_RELOAD"].some((name) => Boolean(environment[name])) ||
  args.some((arg) => /^(?:--workers(?:=|$)|--reload(?:=|$)|-[A-Za-z]*w)/.test(arg) || sourceFlag.test(arg)) ||
  configFiles.some(fileMayHaveWorkers)

/** The command as it was given, to start it once more: by the path that it had, where there may be a new version. */
export const again = (args: ReadonlyArray<string>): readonly [string, ...Array<string>] => [
  process.execPath,
  ...process.execArgv,
  process.argv[1] ?? "",
  ...args
]
