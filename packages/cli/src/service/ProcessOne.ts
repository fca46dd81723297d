/**
 * The duties of process 1, which the first process of a container is. The system gives it all orphans, which stay as
 * zombies until it has waited for them, and it is not ended by a signal that it does not listen to. Node waits for its own
 * children alone, and listens when it has started. So a shell takes the place of the command, and runs it below itself: it
 * waits for everybody, passes signals on, and ends with the exit code of the command.
 *
 * | process  | image        | sockets were passed on | what happens                                    |
 * | -------- | ------------ | ---------------------- | ----------------------------------------------- |
 * | not 1    | any          | any                    | nothing, and nothing of this module is loaded   |
 * | 1        | with a shell | no                     | the shell takes the place                       |
 * | 1        | without      | no                     | the command stays process 1, and orphans zombies |
 * | 1        | any          | yes (LISTEN_PID is 1)  | the same                                        |
 */
import { accessSync, constants } from "node:fs"

type Environment = Readonly<Record<string, string | undefined>>

/** Tells the command that process 1 runs it, and what the shell would have changed or left out of its environment. */
export const variable = "PAGI_PROCESS_ONE"

const shell = "/bin/sh"

/**
 * What the shell does. It would give a program in the background no input, hence descriptor 9. A signal interrupts `wait`,
 * whose result is the exit code only when the program has ended.
 */
export const script = `exec 9<&0
"$@" <&9 9<&- &
child=$!
exec 9<&-
for name in HUP INT QUIT USR1 USR2 TERM TTIN TTOU; do trap "kill -s $name $child 2>/dev/null" $name; done
while :; do
  wait "$child"
  code=$?
  kill -0 "$child" 2>/dev/null || exit "$code"
done`

/** Variables that shells set, or keep for themselves. */
const ofShells = ["BASHPID", "ENV", "IFS", "LINENO", "OLDPWD", "OPTIND", "PPID", "PWD", "SHLVL", "UID", "_"]

/** Shells leave variables with other names out. */
const isPlain = (name: string): boolean => /^[A-Za-z_]\w*$/.test(name) && !ofShells.includes(name)

/** A program to run in place of this one. */
export interface Replacement {
  readonly path: string
  readonly args: ReadonlyArray<string>
  readonly environment: Readonly<Record<string, string>>
}

/** The shell with a command below it. */
export const replacement = (command: ReadonlyArray<string>, environment: Environment): Replacement => {
  const entries = Object.entries(environment).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, value] as const]
  )
  const carried = entries.filter(([name]) => !isPlain(name))
  return {
    path: shell,
    // The name decides what busybox is.
    args: [shell, "-c", script, "pagi-server", ...command],
    environment: {
      ...Object.fromEntries(entries.filter(([name]) => isPlain(name))),
      [variable]: JSON.stringify(Object.fromEntries(carried))
    }
  }
}

/** Whether a shell can be had: not in an image that has none, and not where sockets are for process 1 alone. */
const canGiveWay = (environment: Environment): boolean => {
  if (environment["LISTEN_PID"] !== undefined || process.platform !== "linux") return false
  try {
    accessSync(shell, constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** Gives the place of process 1 to a shell, which starts the command once more; goes on where there is none. */
export const giveWay = (): void => {
  if (!canGiveWay(process.env)) return
  const command = [process.execPath, ...process.execArgv, ...process.argv.slice(1)]
  const { args, environment, path } = replacement(command, process.env)
  process.execve?.(path, args, environment)
}

/**
 * Whether the process is process 1, or the command that this runs: when it ends, so does everything around it, and no
 * other process can take its place. Restores the environment as process 1 got it.
 */
export const claim = (environment: NodeJS.ProcessEnv, pid = process.pid): boolean => {
  const text = environment[variable]
  delete environment[variable]
  if (text === undefined) return pid === 1
  for (const name of ofShells) delete environment[name]
  Object.assign(environment, parse(text))
  return true
}

/** The variables of a text that may be anybody's. */
const parse = (text: string): Record<string, string> => {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value !== "object" || value === null) return {}
    return Object.fromEntries(
      Object.entries(value).flatMap(([name, one]) => (typeof one === "string" ? [[name, one]] : []))
    )
  } catch {
    return {}
  }
}
