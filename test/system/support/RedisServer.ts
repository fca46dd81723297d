/** Debian's redis-server, on a free port of the loopback interface; nothing of it is kept on disk. */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import { connect } from "node:net"
import { findProgram } from "../../support/FindProgram.ts"
import { freePort } from "../../support/Ports.ts"
import { temporaryFolder } from "../../support/TemporaryFolder.ts"
import { type Program, start } from "./Programs.ts"
import { until } from "./Until.ts"

const path = findProgram("redis-server")

export const isInstalled = path !== undefined

export interface RedisServer {
  readonly port: number
  readonly url: string
  readonly signal: (name: NodeJS.Signals) => Effect.Effect<void>
  /** Kills it and waits until it has ended. */
  readonly kill: Effect.Effect<void>
  /** Starts it again, empty, at the same place. */
  readonly startAgain: Effect.Effect<void>
}

/** Whether something at the port answers a command, if only that a password is missing. */
const answers = (port: number): Effect.Effect<boolean> =>
  Effect.callback((resume) => {
    const socket = connect(port, "127.0.0.1", () => void socket.write("PING\r\n"))
    socket.on("error", () => resume(Effect.succeed(false)))
    socket.on("data", (data) => {
      const text = String(data)
      resume(Effect.succeed(text.startsWith("+PONG") || text.startsWith("-NOAUTH")))
      socket.destroy()
    })
  })

export const startRedis = (flags: ReadonlyArray<string> = []): Effect.Effect<RedisServer, never, Scope.Scope> =>
  Effect.gen(function* () {
    const port = yield* freePort
    const folder = yield* temporaryFolder
    const args = [
      "--port",
      `${port}`,
      "--bind",
      "127.0.0.1",
      "--save",
      "",
      "--appendonly",
      "no",
      "--dir",
      folder,
      ...flags
    ]
    const running: { program?: Program; scope?: Scope.Closeable } = {}
    const stop = Effect.suspend(() =>
      running.scope === undefined ? Effect.void : Scope.close(running.scope, Exit.void)
    )
    const begin = Effect.gen(function* () {
      const scope = yield* Scope.make()
      running.scope = scope
      const program = yield* Scope.provide(start(path ?? "redis-server", args), scope)
      running.program = program
      // Where it cannot have the port, another one might answer.
      const isThere = Effect.flatMap(program.hasEnded, (hasEnded) =>
        hasEnded ? Effect.die(new Error(program.output())) : answers(port)
      )
      yield* until("Redis answers", isThere)
    })
    yield* Effect.addFinalizer(() => stop)
    yield* begin
    return {
      port,
      url: `redis://127.0.0.1:${port}`,
      signal: (name) => Effect.suspend(() => running.program?.signal(name) ?? Effect.void),
      kill: stop,
      startAgain: begin
    }
  })
