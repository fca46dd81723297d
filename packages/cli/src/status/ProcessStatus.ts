/** What a server in one process says when `pagi-server status` asks. Loaded when it serves, so that it starts no later. */
import { ServerOptions } from "@pagi/core/options/ServerOptions"
import * as ServerDescription from "@pagi/node/admin/ServerDescription"
import type { ServerStatus } from "@pagi/node/admin/ServerStatus"
import type { PagiServer } from "@pagi/node/PagiServer"
import * as LoopDelay from "@pagi/node/process/LoopDelay"
import * as ControlSocket from "@pagi/node/supervisor/ControlSocket"
import * as Effect from "effect/Effect"
import * as ControlPath from "./ControlPath.ts"

/** Milliseconds for which the event loop is watched when somebody asks; at other times that would wake up the process. */
const watchTime = 100

const measureLag: Effect.Effect<number> = Effect.acquireUseRelease(
  Effect.sync(LoopDelay.watch),
  (delay) => Effect.andThen(Effect.sleep(watchTime), Effect.sync(delay.take)),
  ({ stop }) => Effect.sync(stop)
)

export interface Asked {
  readonly server: PagiServer["Service"]
  /** Where it is to be asked, unless it is found by default. */
  readonly path: string | null
  /** Whose it is, if not this process's user's. */
  readonly uid: number | undefined
  readonly isStopping: () => boolean
}

/** Tells everybody who asks, until the scope closes. */
export const tell = ({ isStopping, path, server, uid }: Asked) =>
  Effect.gen(function* () {
    const constant = ServerDescription.make(yield* ServerOptions, server.adminUrl)
    const status = Effect.gen(function* () {
      const lag = yield* measureLag
      return {
        ...constant,
        mode: "single",
        pid: process.pid,
        phase: isStopping() ? "stopping" : "serving",
        age: Math.round(process.uptime() * 1000),
        listeners: server.listeners.map(({ url }) => url),
        requests: yield* server.requestCount,
        connections: yield* server.connectionCount,
        lag,
        memory: process.memoryUsage.rss()
      } satisfies ServerStatus
    })
    yield* ControlSocket.tell(path ?? ControlPath.forProcess(uid), status)
  })
