/** What can be said of a command line without the library that reads it, which takes long to load. */

/** The process that asks its child what the command line means. For anybody else the variable means nothing. */
export const checkVariable = "PAGI_CHECK_FOR"

/** Whether this process has been started to say what its command line means. */
export const isAsked = (environment: NodeJS.ProcessEnv, parent: number = process.ppid): boolean =>
  environment[checkVariable] === String(parent)

/**
 * Whether a command line could be one for a server with workers. If so the process is to be their supervisor, and must
 * stay small. Answers yes in case of doubt: then somebody looks (`CommandCheck`).
 */
export const mayHaveWorkers = (args: ReadonlyArray<string>, environment: NodeJS.ProcessEnv): boolean =>
  // It is not asked for ever.
  !isAsked(environment) &&
  (Boolean(environment["PAGI_WORKERS"]) || args.some((arg) => /^(?:--workers(?:=|$)|-[A-Za-z]*w)/.test(arg)))

/** The command as it was given, to start it once more: by the path that it had, where there may be a new version. */
export const again = (args: ReadonlyArray<string>): readonly [string, ...Array<string>] => [
  process.execPath,
  ...process.execArgv,
  process.argv[1] ?? "",
  ...args
]
