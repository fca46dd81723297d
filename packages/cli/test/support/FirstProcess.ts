/** `pagi-server` as process 1, as the first process of a container is: in a namespace of process numbers. */
import * as Effect from "effect/Effect"
import { spawnSync } from "node:child_process"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { findProgram } from "../../../../test/support/FindProgram.ts"
import * as Program from "./Program.ts"

const unshare = findProgram("unshare") ?? "unshare"

const namespaces = ["--pid", "--fork", "--kill-child", "--mount-proc"]

/** As its package starts it, without the shell of the checkout's command, which would lose variables. */
const command = [process.execPath, join(import.meta.dirname, "../../src/bin.ts")]

/** Whether this user and this machine can make one. */
export const isPossible: boolean = spawnSync(unshare, [...namespaces, "true"]).status === 0

if (!isPossible) console.warn("NOT TESTED as process 1: that takes unshare (util-linux) and root")

/** A program that runs as process 1. */
export interface FirstProcess extends Program.Program {
  /** Sends a signal to process 1, as somebody outside. */
  readonly tell: (signal: NodeJS.Signals) => Effect.Effect<void>
}

/** An image without a shell: what is at its path cannot be run. */
const withoutShell = [
  "--mount",
  "/bin/sh",
  "-c",
  'mount --bind /dev/null "$(readlink -f /bin/sh)" && exec "$0" "$@"',
  unshare
]

interface Options extends Program.Options {
  /** Whether there is `/bin/sh`. */
  readonly hasShell?: boolean
}

/** Starts the command with these arguments; its exit code is the result's. */
export const start = (args: ReadonlyArray<string>, { hasShell = true, ...options }: Options = {}) => {
  const before = hasShell ? [] : withoutShell
  return Effect.map(
    Program.startOther(unshare, [...before, ...namespaces, "--", ...command, ...args], options),
    (program): FirstProcess => ({
      ...program,
      tell: (signal) =>
        Effect.sync(() => {
          const child = Number(readFileSync(`/proc/${program.pid}/task/${program.pid}/children`, "utf8"))
          // That number would stand for the processes of the tests.
          if (child === 0) throw new Error("process 1 has ended")
          process.kill(child, signal)
        })
    })
  )
}
