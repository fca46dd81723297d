/** Runs a program for a script. */
import { spawnSync } from "node:child_process"

export interface RunOptions {
  readonly cwd?: string
  readonly env?: NodeJS.ProcessEnv
  /** Milliseconds after which the program is ended and has failed; without it there is no limit. */
  readonly timeout?: number
}

/** Ends the script with one line when the program fails; what the program itself wrote stands above it. */
export const run = (command: string, args: ReadonlyArray<string>, options: RunOptions = {}): void => {
  const result = spawnSync(command, args, { ...options, stdio: "inherit" })
  if (result.status === 0) return
  console.error(`failed: ${command} ${args.join(" ")} (${result.error?.message ?? result.signal ?? result.status})`)
  process.exit(1)
}

/** Like `run`, with the program's output as the answer; on failure it is printed. */
export const capture = (command: string, args: ReadonlyArray<string>, options: RunOptions = {}): string => {
  const result = spawnSync(command, args, { ...options, encoding: "utf8" })
  if (result.status === 0) return result.stdout
  console.error(`${result.stdout ?? ""}${result.stderr ?? ""}`)
  console.error(`failed: ${command} ${args.join(" ")} (${result.error?.message ?? result.signal ?? result.status})`)
  return process.exit(1)
}
