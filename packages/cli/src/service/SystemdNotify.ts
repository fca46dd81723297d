/**
 * Tells systemd what the service is doing (sd_notify(3)). Node has no datagram sockets with a path, so the program
 * `systemd-notify` sends the messages; the unit needs `NotifyAccess=all`, since they do not come from the main process.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { execFile } from "node:child_process"

type Environment = Record<string, string | undefined>

/** How systemd can be reached. */
export interface Target {
  readonly socket: string
  /** Within how many milliseconds systemd wants to hear from the server each time. */
  readonly watchdog: number | undefined
}

/**
 * Reads what the environment says to the process `pid`, and removes it, so that no program which the application starts
 * speaks for the server.
 */
export const take = (environment: Environment, pid: number): Target | undefined => {
  const { NOTIFY_SOCKET: socket, WATCHDOG_PID, WATCHDOG_USEC } = environment
  for (const name of ["NOTIFY_SOCKET", "WATCHDOG_PID", "WATCHDOG_USEC"]) delete environment[name]
  if (socket === undefined || socket === "") return undefined
  const isMeant = WATCHDOG_PID === undefined || WATCHDOG_PID === String(pid)
  const microseconds =
    isMeant && WATCHDOG_USEC !== undefined && /^\d{1,15}$/.test(WATCHDOG_USEC) ? Number(WATCHDOG_USEC) : 0
  return { socket, watchdog: microseconds > 0 ? microseconds / 1000 : undefined }
}

/** What a successor needs to go on telling systemd; the watchdog is then its business, whatever its number. */
export const environmentOf = (target: Target | undefined): Readonly<Record<string, string>> =>
  target === undefined
    ? {}
    : {
        NOTIFY_SOCKET: target.socket,
        ...(target.watchdog === undefined ? {} : { WATCHDOG_USEC: String(target.watchdog * 1000) })
      }

/** Microseconds of the system's monotonic clock, by which systemd tells one reload from the next. */
const monotonic = (): string => String(process.hrtime.bigint() / 1000n)

/** What the server tells systemd. Nothing of it fails; without systemd nothing happens. */
export class SystemdNotify extends Context.Service<
  SystemdNotify,
  {
    /** The server serves; its main process is this one from now on. The watchdog is fed from here on. */
    readonly ready: Effect.Effect<void, never, Scope.Scope>
    readonly reloading: Effect.Effect<void>
    readonly reloaded: Effect.Effect<void>
    readonly stopping: Effect.Effect<void>
  }
>()("@pagi/cli/SystemdNotify") {}

type Service = SystemdNotify["Service"]

const silent: Service = { ready: Effect.void, reloading: Effect.void, reloaded: Effect.void, stopping: Effect.void }

/** Sends to that target, through the program `systemd-notify`. */
export const make = (target: Target | undefined, program = "systemd-notify"): Service => {
  if (target === undefined) return silent
  const { socket, watchdog } = target
  let hasWarned = false
  const send = (...states: ReadonlyArray<string>): Effect.Effect<void> =>
    Effect.flatMap(run(program, states, socket), (problem) => {
      if (problem === undefined || hasWarned) return Effect.void
      hasWarned = true
      return Effect.logWarning(`systemd is told nothing: ${problem}`)
    })
  const ready = send("READY=1", `MAINPID=${process.pid}`)
  const feed =
    watchdog === undefined
      ? Effect.void
      : Effect.forkScoped(Effect.forever(Effect.andThen(send("WATCHDOG=1"), Effect.sleep(watchdog / 2))))
  return {
    ready: Effect.asVoid(Effect.andThen(ready, feed)),
    reloading: Effect.suspend(() => send("RELOADING=1", `MONOTONIC_USEC=${monotonic()}`)),
    reloaded: ready,
    stopping: send("STOPPING=1")
  }
}

/** The problem, if there is one. */
const run = (program: string, states: ReadonlyArray<string>, socket: string): Effect.Effect<string | undefined> =>
  Effect.callback((resume) => {
    const env = { PATH: process.env["PATH"], NOTIFY_SOCKET: socket }
    execFile(program, [...states], { env, timeout: 10_000 }, (error, _output, errors) => {
      if (error === null) resume(Effect.undefined)
      else if (error.code === "ENOENT") resume(Effect.succeed(`the program ${program} is not installed`))
      else resume(Effect.succeed(errors.trim() || error.message))
    })
  })
