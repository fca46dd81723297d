/** How far the process has come, for those who have started it: a launcher, systemd, and whoever reads the pid file. */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type * as Daemon from "./Daemon.ts"
import * as PidFile from "./PidFile.ts"
import type { SystemdNotify } from "./SystemdNotify.ts"

/** What the process has to tell whom. */
export interface Audience {
  readonly pidFile: string | null
  /** The server whose place this one is to take: until then the pid file is its. */
  readonly predecessor: number | undefined
  readonly launcher: Daemon.Channel | undefined
  readonly systemd: SystemdNotify["Service"]
}

export interface ProcessState {
  /** Tells that the process serves. */
  readonly ready: Effect.Effect<void, never, Scope.Scope>
  /** Tells that the process goes on, after another one may have told the same of itself. */
  readonly goesOn: Effect.Effect<void, never, Scope.Scope>
  /** Tells that the process stops, unless it has never been more than a successor: then another one is the server. */
  readonly stopping: Effect.Effect<void>
}

/** Begins: writes the pid file, unless it is another server's for now. To be called as the user that the server is to be. */
export const begin = ({
  launcher,
  pidFile,
  predecessor,
  systemd
}: Audience): Effect.Effect<ProcessState, PidFile.PidFileError | PidFile.PidFileInUse, Scope.Scope> =>
  Effect.gen(function* () {
    const write = pidFile === null ? Effect.void : PidFile.write(pidFile, predecessor)
    // It serves already, and goes on whatever the file says.
    const rewrite = Effect.catch(write, ({ message }) => Effect.logError(message))
    if (pidFile !== null) yield* PidFile.check(pidFile, predecessor)
    if (predecessor === undefined) yield* write
    let isServer = predecessor === undefined
    const ready = Effect.gen(function* () {
      isServer = true
      if (predecessor !== undefined) yield* rewrite
      yield* systemd.ready
      launcher?.ready()
    })
    const stopping = Effect.suspend(() => (isServer ? systemd.stopping : Effect.void))
    return { ready, goesOn: Effect.andThen(rewrite, systemd.reloaded), stopping }
  })
