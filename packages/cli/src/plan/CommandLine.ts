/** What can be said of a command line without the library that reads it, which takes long to load. */

/**
 * Whether a command line could be one for a server with workers. If so the process is to be their supervisor, and must
 * stay small. Answers yes in case of doubt: then somebody looks (`CommandCheck`).
 */
export const mayHaveWorkers = (args: ReadonlyArray<string>, environment: NodeJS.ProcessEnv): boolean =>
  Boolean(environment["PAGI_WORKERS"] || environment["PAGI_RELOAD"]) ||
  args.some((arg) => /^(?:--workers(?:=|$)|--reload(?:=|$)|-[A-Za-z]*w)/.test(arg))

/** The command as it was given, to start it once more: by the path that it had, where there may be a new version. */
export const again = (args: ReadonlyArray<string>): readonly [string, ...Array<string>] => [
  process.execPath,
  ...process.execArgv,
  process.argv[1] ?? "",
  ...args
]
