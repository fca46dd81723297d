import { isRunning } from "@pagi/node/process/RunningProcess"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { readFileSync } from "node:fs"

/** The number in a pid file, if there is one. */
export const read = (path: string): number | undefined => {
  try {
    const pid = Number(readFileSync(path, "utf8"))
    return pid > 0 ? pid : undefined
  } catch {
    return undefined
  }
}

/** Kills the process of a pid file when the scope closes: after a hot restart it is none that the test has started. */
export const killAtEnd = (path: string): Effect.Effect<void, never, Scope.Scope> =>
  Effect.addFinalizer(() =>
    Effect.sync(() => {
      const pid = read(path)
      if (pid !== undefined && isRunning(pid)) process.kill(pid, "SIGKILL")
    })
  )
