/** The cluster chat as its command starts it, and what remains of it. */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { readFileSync } from "node:fs"
import { start, type Program } from "./Programs.ts"
import { familiesOf, kill, newMark, processesOf, variable } from "./SupervisorProcesses.ts"
import { until } from "./Until.ts"

export interface ClusterChat extends Program {
  /** Where HAProxy listens; 0 before it does. */
  readonly port: () => number
  /** The process of a part, as it was told last. */
  readonly pidOf: (part: string) => number
  /** The processes of the workers of a server. */
  readonly workersOf: (part: string) => ReadonlyArray<number>
  /** How many processes belong to it, itself included. */
  readonly processes: () => number
  /** Where a server listens, behind HAProxy. */
  readonly portOf: (part: string) => number
  /** Waits until a part is another process than it was. */
  readonly isBack: (part: string, before: number) => Effect.Effect<void>
}

/** Starts the command; it and all that it has started have ended when the scope is closed. */
export const launch = (
  flags: ReadonlyArray<string> = [],
  variables: Readonly<Record<string, string>> = {}
): Effect.Effect<ClusterChat, never, Scope.Scope> =>
  Effect.gen(function* () {
    const mark = newMark()
    yield* Effect.addFinalizer(() =>
      until(
        "nothing is left",
        Effect.sync(() => {
          const left = processesOf(mark)
          for (const { pid } of left) kill(pid, "SIGKILL")
          return left.length === 0
        })
      )
    )
    const environment = Object.entries({ ...variables, [variable]: mark }).map(([name, value]) => `${name}=${value}`)
    const command = [process.execPath, "examples/cluster-chat/start.ts", ...flags]
    const program = yield* start("/usr/bin/env", [...environment, ...command])
    // Only by itself it leaves no file; what has not ended by then is killed.
    yield* Effect.addFinalizer(() =>
      Effect.andThen(program.signal("SIGTERM"), Effect.timeoutOption(program.result, "20 seconds"))
    )
    const pidOf = (part: string) => {
      const told = new RegExp(`\\b${part} is (?:back, as process )?(\\d+)`, "g")
      return Number([...program.output().matchAll(told)].at(-1)?.[1] ?? Number.NaN)
    }
    return {
      ...program,
      port: () => Number(/http:\/\/127\.0\.0\.1:(\d+)\//.exec(program.output())?.[1] ?? 0),
      pidOf,
      workersOf: (part) => familiesOf(mark).find(({ parent }) => parent === pidOf(part))?.workers ?? [],
      processes: () => processesOf(mark).length,
      portOf: (part) => {
        const [, port] = /\0--port\0(\d+)\0/.exec(readFileSync(`/proc/${pidOf(part)}/cmdline`, "latin1")) ?? []
        return Number(port)
      },
      isBack: (part, before) =>
        until(
          `${part} is back`,
          Effect.sync(() => pidOf(part) !== before)
        )
    }
  })

/** Starts the command and waits until the chat is open. */
export const launchReady = (flags: ReadonlyArray<string> = []): Effect.Effect<ClusterChat, never, Scope.Scope> =>
  Effect.tap(launch(flags), (chat) =>
    Effect.andThen(
      until(
        "the chat is open",
        Effect.map(chat.hasEnded, (hasEnded) => hasEnded || chat.output().includes("Ctrl-C stops everything.")),
        "60 seconds"
      ),
      Effect.suspend(() => (chat.port() > 0 ? Effect.void : Effect.die(new Error(`it has ended: ${chat.output()}`))))
    )
  )
