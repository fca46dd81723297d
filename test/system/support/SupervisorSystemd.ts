/** The part of systemd for a server: sockets that it opens, and the messages that it receives. */
import * as Effect from "effect/Effect"
import { join } from "node:path"
import { findProgram } from "../../support/FindProgram.ts"
import { temporaryFolder } from "../../support/TemporaryFolder.ts"
import { start, type Tree } from "./SupervisorPool.ts"
import { newMark, variable } from "./SupervisorProcesses.ts"
import { until } from "./Until.ts"

const socketActivate = findProgram("systemd-socket-activate")

/** Whether the programs of systemd are installed. */
export const hasSystemd = socketActivate !== undefined && findProgram("systemd-notify") !== undefined

const listening = ({ output }: Tree) =>
  until(
    "systemd-socket-activate listens",
    Effect.sync(() => /^Listening on .* as 3\.$/m.test(output()))
  )

/** Listens at an address, and starts a command as soon as something comes in. */
export const activate = (address: string, flags: ReadonlyArray<string>, command: ReadonlyArray<string>) =>
  Effect.gen(function* () {
    const mark = newMark()
    // It passes next to nothing of the environment on.
    const args = ["-E", `${variable}=${mark}`, ...flags, "-l", address, ...command]
    const tree = yield* start(socketActivate ?? "systemd-socket-activate", args, {}, mark)
    yield* listening(tree)
    return tree
  })

/** Receives what servers tell about themselves (sd_notify(3)). */
export const notifications = Effect.gen(function* () {
  const path = join(yield* temporaryFolder, "notify")
  const receive = "while dd bs=4096 count=1 <&3 2> /dev/null; do echo; done"
  const tree = yield* activate(path, ["--datagram"], ["/bin/sh", "-c", receive])
  /** All variables that were sent, in their order. */
  const received = (): ReadonlyArray<string> => tree.output().match(/^[A-Z_]+=.*$/gm) ?? []
  return { path, received }
})
